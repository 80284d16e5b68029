/**
 * One case an op, on random shapes: what the gradient test, the backend conformance suite and the fusion test
 * all run through. A new op gets a line here.
 */
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Shape, sizeOf, type Tensor } from "../../src/ir/graph.ts";
import { affine, axisIndex } from "../../src/ops/affine.ts";
import { broadcastTo, sum } from "../../src/ops/broadcast.ts";
import { combine } from "../../src/ops/combine.ts";
import { contract, einsum } from "../../src/ops/contract.ts";
import { convolve, convolveTransposed } from "../../src/ops/convolve.ts";
import * as p from "../../src/ops/pointwise.ts";
import { argmax, logSumExp, max, mean } from "../../src/ops/reduce.ts";
import { scatterAdd, take } from "../../src/ops/take.ts";
import {
  concatenate,
  flip,
  iota,
  pad,
  place,
  reshape,
  slice,
  transpose,
} from "../../src/ops/view.ts";
import { fold, type Sliding, windows } from "../../src/ops/window.ts";
import { input, random } from "./evaluate.ts";
import { loopRecipes } from "./op-cases-loops.ts";

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly feed: ReadonlyMap<Tensor, Float64Array>;
  readonly output: Tensor;
  readonly differentiable: boolean;
}

type Random = ReturnType<typeof random>;
type Domain = readonly [number, number];
const anywhere: Domain = [-2, 2];
const positive: Domain = [0.3, 3];
export interface Recipe {
  readonly name: string;
  readonly shapes: (r: Random) => readonly Shape[];
  readonly build: (x: readonly Tensor[], r: Random) => Tensor;
  readonly domain?: Domain;
  readonly differentiable?: boolean;
}

const unary = (name: string, op: (x: Tensor) => Tensor, domain = anywhere): Recipe => ({
  name,
  shapes: (r) => [r.shape(r.int(1, 3), 5)],
  build: ([x]) => op(x!),
  domain,
});
/** One operand has some dimensions of 1, or fewer dimensions. */
const binary = (name: string, op: (a: Tensor, b: Tensor) => Tensor, domain = anywhere): Recipe => ({
  name,
  shapes(r) {
    const shape = r.shape(3, 5);
    const other = shape.map((n) => (r.uniform() < 0.4 ? 1 : n)).slice(r.int(0, 2));
    return r.uniform() < 0.5 ? [shape, other] : [other, shape];
  },
  build: ([a, b]) => op(a!, b!),
  domain,
});
const cube = (name: string, op: (x: Tensor, r: Random) => Tensor): Recipe => ({
  name,
  shapes: (r) => [r.shape(3, 5)],
  build: ([x], r) => op(x!, r),
});
const product = (subscripts: string, extents: (r: Random) => Record<string, number>): Recipe => ({
  name: `einsum ${subscripts}`,
  shapes(r) {
    const extent = extents(r);
    return subscripts
      .split("->")[0]!
      .split(",")
      .map((s) => [...s].map((c) => extent[c]!));
  },
  build: (x) => einsum(subscripts, ...x),
});
const sizes =
  (letters: string, most = 6) =>
  (r: Random) =>
    Object.fromEntries([...letters].map((c) => [c, r.int(1, most)]));

/** y[n,o,co] = Σ x[n, s·o + d·k − before, ci]·w[k,ci,co], with random stride, dilation and padding. */
const convolution: Recipe = {
  name: "convolution",
  shapes(r) {
    const [n, ci, co, k] = [r.int(1, 2), r.int(1, 3), r.int(1, 4), r.int(1, 3)];
    return [
      [n, 2 * (k - 1) + 1 + r.int(0, 5), ci],
      [k, ci, co],
    ];
  },
  build([x, w], r) {
    const [s, d, before] = [r.int(1, 3), r.int(1, 2), r.int(0, 2)];
    const [n, size, ci] = x!.type.shape as [number, number, number];
    const [k, , co] = w!.type.shape as [number, number, number];
    const out = Math.floor((size + 2 * before - d * (k - 1) - 1) / s) + 1;
    const axes = [n, out, co, k, ci].map((extent, i) => ({ name: "nopkc"[i]!, extent }));
    const along = affine(
      [
        [1, s],
        [3, d],
      ],
      -before,
    );
    return contract([x!, w!], {
      axes,
      out: [0, 1, 2],
      maps: [
        [axisIndex(0), along, axisIndex(4)],
        [axisIndex(3), axisIndex(4), axisIndex(2)],
      ],
    });
  },
};

/** Windows over an extent, with random stride, dilation and padding; every one touches the extent. */
const sliding = (r: Random, extent: number, size = r.int(1, 3)): Sliding => {
  const [stride, dilation] = [r.int(1, 3), r.int(1, 2)];
  const [before, after] = [r.int(0, size - 1), r.int(0, size - 1)];
  const free = extent + before + after - dilation * (size - 1) - 1;
  return { size, stride, dilation, before, out: Math.max(1, Math.floor(free / stride) + 1) };
};
const image = (r: Random, channels = r.int(1, 3)): Shape => [
  r.int(1, 2),
  r.int(3, 7),
  r.int(3, 7),
  channels,
];
const over = (name: string, op: (x: Tensor, r: Random) => Tensor): Recipe => ({
  name,
  shapes: (r) => [image(r)],
  build: ([x], r) => op(x!, r),
});
const planes = (x: Tensor, r: Random) =>
  [1, 2].map((dim) => ({ dim, ...sliding(r, x.type.shape[dim]!) }));

/** Whole numbers from iota, so that they are inside; every row is hit at least as often as chance has it. */
const someRows = (r: Random, count: number, rows: number): Tensor => {
  const position = p.float(iota([count]));
  const scattered = p.mul(p.add(p.sin(p.mul(position, r.uniform(1, 9))), 1), 0.4999 * rows);
  return p.integer(scattered);
};

const ownRecipes: readonly Recipe[] = [
  unary("neg", p.neg),
  unary("exp", p.exp),
  unary("log", p.log, positive),
  unary("sqrt", p.sqrt, positive),
  unary("tanh", p.tanh),
  unary("tanh near 0", p.tanh, [-0.01, 0.01]),
  unary("sin", p.sin),
  unary("cos", p.cos),
  unary("erf", p.erf),
  unary("sigmoid", p.sigmoid),
  unary("relu", p.relu, positive),
  unary("relu of negatives", (x) => p.relu(p.neg(x)), positive),
  unary("abs", p.abs, positive),
  unary("square", p.square),
  unary("clip", (x) => p.clip(x, -0.71, 0.93)),
  binary("add", p.add),
  binary("sub", p.sub),
  binary("mul", p.mul),
  binary("div", p.div, positive),
  binary("pow", p.pow, positive),
  binary("maximum", p.maximum),
  binary("minimum", p.minimum),
  { ...binary("less", p.less), differentiable: false },
  { ...binary("lessEqual", p.lessEqual), differentiable: false },
  { ...unary("floor", p.floor), differentiable: false },
  { ...unary("sign", p.sign), differentiable: false },
  {
    name: "where",
    shapes: () => [[3, 4], [3, 4], [4]],
    build: ([c, a, b]) => p.where(p.less(0, c!), a!, b!),
  },
  cube("reshape", (x) => {
    const [a, b, c] = x.type.shape as [number, number, number];
    return reshape(x, [b * c, a]);
  }),
  cube("transpose", (x, r) =>
    transpose(
      x,
      r.pick([
        [2, 0, 1],
        [1, 0, 2],
        [0, 2, 1],
        [2, 1, 0],
      ]),
    ),
  ),
  cube("flip", (x, r) => flip(x, r.int(0, 2))),
  cube("pad", (x) => pad(x, [1, 0, 2], [0, 2, 1])),
  cube("place", (x) => {
    const [a, b, c] = x.type.shape as [number, number, number];
    return place(x, [1, 0, 0], [2, 3, 1], [2 * a + 1, 3 * b, c]);
  }),
  { name: "slice", shapes: () => [[5, 6]], build: ([x]) => slice(x!, [4, 1], [2, 2], [-2, 3]) },
  {
    name: "concatenate",
    shapes(r) {
      const [a, b, c] = r.shape(3) as [number, number, number];
      return [
        [a, b],
        [a, c],
        [a, 2],
      ];
    },
    build: (x) => concatenate(x, 1),
  },
  cube("views of views", (x) => {
    const [a, b, c] = x.type.shape as [number, number, number];
    return reshape(transpose(pad(x, [0, 1, 0], [1, 0, 0]), [2, 0, 1]), [(a + 1) * c, b + 1]);
  }),
  {
    name: "broadcast",
    shapes: (r) => [[1, r.int(1, 5), 1]],
    build: ([x], r) => broadcastTo(x!, [r.int(1, 4), x!.type.shape[1]!, r.int(1, 4)]),
  },
  cube("sum", (x, r) => sum(x, r.pick([[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]))),
  cube("mean", (x, r) => mean(x, r.pick([[0], [1], [2], [0, 1], [0, 1, 2]]), false)),
  cube("max", (x, r) => max(x, r.pick([[0], [1], [2], [0, 2], [0, 1, 2]]))),
  { ...cube("argmax", (x) => argmax(x)), differentiable: false },
  cube("logSumExp", logSumExp),
  {
    name: "take",
    shapes: (r) => [[r.int(2, 5), r.int(1, 4)]],
    build: ([x], r) => take(x!, someRows(r, 6, x!.type.shape[0]!)),
  },
  {
    name: "scatterAdd",
    shapes: (r) => [[6, r.int(1, 4)]],
    build: ([x], r) => scatterAdd(x!, someRows(r, 6, 4), [4, x!.type.shape[1]!]),
  },
  product("bi,io->bo", sizes("bio", 9)),
  product("bi,io->bo", (r) => ({ b: r.int(1, 5), i: r.int(4, 20), o: 4 * r.int(1, 3) })),
  product("bi,oi->bo", sizes("bio", 9)),
  product("bi,bo->io", (r) => ({ b: r.int(17, 30), i: r.int(2, 9), o: 4 * r.int(1, 3) })),
  {
    // What is added to the product is read across its rows.
    name: "einsum, plus a transpose",
    shapes(r) {
      const [b, i, o] = [r.int(2, 9), r.int(2, 9), r.int(2, 9)];
      return [
        [b, i],
        [i, o],
        [o, b],
      ];
    },
    build: ([x, w, y]) => p.add(einsum("bi,io->bo", x!, w!), p.mul(transpose(y!, [1, 0]), 2)),
  },
  cube("combine", (x, r) => {
    const from = r.int(0, 2);
    const coefficients = () => x.type.shape[from]!;
    // Zeros, and rows that differ in signs alone, are what its combinations look at.
    const row = () => Array.from({ length: coefficients() }, () => r.pick([0, 1, -1, 0.5, -2, 3]));
    const rows = Array.from({ length: r.int(1, 3) }, row);
    const twins = rows.map((list) => list.map((c, s) => (s % 2 === 1 ? -c : c)));
    return combine(x, [...rows, ...twins], from, r.int(0, 2));
  }),
  product("ij->ji", sizes("ij")),
  product("ij->j", sizes("ij")),
  product("bqhd,bkhd->bhqk", sizes("bqhdk", 4)),
  product("i,j,k->ijk", sizes("ijk", 4)),
  product("bi,ij,bj->b", sizes("bij", 4)),
  product("i,i->", sizes("i", 9)),
  convolution,
  over("windows", (x, r) => windows(x, planes(x, r), 0.5)),
  over("maximum of windows", (x, r) =>
    max(windows(x, planes(x, r), -3.4028234663852886e38), [4, 5], false, "first"),
  ),
  {
    name: "fold",
    shapes: (r) => {
      const [n, h, w, c] = image(r) as [number, number, number, number];
      return [[n, h, c, w, r.int(1, 3)]];
    },
    build([y], r) {
      const [n, h, c, w, size] = y!.type.shape as [number, number, number, number, number];
      const [a, b] = [sliding(r, 6), sliding(r, 7, size)];
      const slides = [
        { dim: 1, ...a, size: w, out: h },
        { dim: 2, ...b, out: c },
      ];
      return fold(y!, slides, [n, 6, 7]);
    },
  },
  {
    name: "grouped convolution",
    shapes: (r) => {
      const [groups, channels] = [r.int(1, 3), r.int(1, 2)];
      return [image(r, groups * channels), [r.int(1, 3), r.int(1, 3), channels, 2 * groups]];
    },
    build([x, w], r) {
      const [, h, width, channels] = x!.type.shape as [number, number, number, number];
      const [kh, kw, own] = w!.type.shape as [number, number, number];
      const slides = [sliding(r, h, kh), sliding(r, width, kw)];
      return convolve(x!, w!, slides, channels / own);
    },
  },
  {
    name: "transposed convolution",
    shapes: (r) => {
      const c = r.int(1, 3);
      return [image(r, c), [r.int(1, 3), r.int(1, 3), r.int(1, 3), c]];
    },
    build([x, w], r) {
      const [kh, kw] = w!.type.shape as [number, number];
      const grown = ({ stride, ...s }: Sliding, n: number) => ({
        ...s,
        stride,
        out: Math.max(1, (n - 1) * stride + s.dilation * (s.size - 1) + 1 - 2 * s.before),
      });
      const [, h, width] = x!.type.shape as [number, number, number];
      const slides = [grown(sliding(r, h, kh), h), grown(sliding(r, width, kw), width)];
      return convolveTransposed(x!, w!, slides);
    },
  },
];

const recipes: readonly Recipe[] = [...ownRecipes, ...loopRecipes];

export const opNames: readonly string[] = recipes.map((r) => r.name);

/** All cases for a seed; inputs are named after their case, so that many can share a program. */
export function opCases(seed: number): readonly OpCase[] {
  return recipes.map((recipe, k) => {
    const r = random(1000 * seed + k);
    const shapes = recipe.shapes(r);
    const inputs = shapes.map((shape, i) => input(`case${k}.x${i}`, shape));
    const feed = new Map(
      inputs.map(
        (x) => [x, r.array(sizeOf(x.type.shape), ...(recipe.domain ?? anywhere))] as const,
      ),
    );
    const { name, differentiable = true } = recipe;
    return { name, inputs, feed, output: recipe.build(inputs, r), differentiable };
  });
}

/** Outputs and gradients of all cases of a seed, to run as one program. */
export function opOutputs(seed: number) {
  const cases = opCases(seed);
  const outputs = cases.flatMap((c) => {
    const values = [{ name: c.name, tensor: c.output }];
    if (!c.differentiable) return values;
    const loss = sum(p.mul(c.output, p.stopGradient(c.output)), undefined, false);
    const parts = gradients(loss, c.inputs);
    return [...values, ...parts.map((tensor) => ({ name: `gradient of ${c.name}`, tensor }))];
  });
  return { outputs, feed: new Map(cases.flatMap((c) => [...c.feed])) };
}
