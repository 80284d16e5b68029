/** Every differentiable op against central differences in double precision, on random shapes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Shape, Tensor } from "../../src/ir/graph.ts";
import { sizeOf } from "../../src/ir/graph.ts";
import { broadcastTo, sum } from "../../src/ops/broadcast.ts";
import { affine, axisIndex, contract, einsum } from "../../src/ops/contract.ts";
import * as p from "../../src/ops/pointwise.ts";
import { logSumExp, max, mean } from "../../src/ops/reduce.ts";
import { concatenate, flip, pad, place, reshape, slice, transpose } from "../../src/ops/view.ts";
import { gradientError, input, random } from "../support/evaluate.ts";

const tolerance = 1e-6;

type Domain = readonly [number, number];
const anywhere: Domain = [-2, 2];
const positive: Domain = [0.3, 3];

/** Draws inputs of the given shapes and checks the gradient of what is built from them. */
async function check(
  seed: number,
  shapes: readonly Shape[],
  build: (...x: Tensor[]) => Tensor,
  domains: readonly Domain[] = [],
) {
  const r = random(seed);
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape));
  const feed = new Map(
    inputs.map((x, i) => [x, r.array(sizeOf(x.type.shape), ...(domains[i] ?? anywhere))] as const),
  );
  const error = await gradientError(build(...inputs), inputs, feed);
  assert.ok(error < tolerance, `relative error ${error} for shapes ${JSON.stringify(shapes)}`);
}

const unary: readonly (readonly [string, (x: Tensor) => Tensor, Domain])[] = [
  ["neg", p.neg, anywhere],
  ["exp", p.exp, anywhere],
  ["log", p.log, positive],
  ["sqrt", p.sqrt, positive],
  ["tanh", p.tanh, anywhere],
  ["sin", p.sin, anywhere],
  ["cos", p.cos, anywhere],
  ["erf", p.erf, anywhere],
  ["abs", p.abs, positive],
  ["square", p.square, anywhere],
  ["clip", (x) => p.clip(x, -0.71, 0.93), anywhere],
];
for (const [name, op, domain] of unary) {
  test(`gradient of ${name}`, async () => {
    for (let seed = 0; seed < 4; seed++) {
      await check(seed, [random(seed).shape(1 + (seed % 3))], op, [domain]);
    }
  });
}

const binary: readonly (readonly [string, (a: Tensor, b: Tensor) => Tensor, Domain])[] = [
  ["add", p.add, anywhere],
  ["sub", p.sub, anywhere],
  ["mul", p.mul, anywhere],
  ["div", p.div, positive],
  ["pow", p.pow, positive],
  ["maximum", p.maximum, anywhere],
  ["minimum", p.minimum, anywhere],
];
for (const [name, op, domain] of binary) {
  test(`gradient of ${name}, with broadcasting`, async () => {
    for (let seed = 0; seed < 6; seed++) {
      const r = random(seed);
      const shape = r.shape(3);
      const other = shape.map((n) => (r.uniform() < 0.4 ? 1 : n)).slice(r.int(0, 2));
      const [a, b] = seed % 2 ? [shape, other] : [other, shape];
      await check(seed, [a, b], op, [domain, domain]);
    }
  });
}

test("gradient of where", async () => {
  await check(1, [[3, 4], [3, 4], [4]], (c, a, b) => p.where(p.less(0, c), a, b));
});

test("no gradient through stopGradient", async () => {
  const x = input("x", [3]);
  const y = p.mul(p.stopGradient(x), x);
  const feed = new Map([[x, Float64Array.of(1, 2, 3)]]);
  // d(stop(x)·x) = stop(x), half of what differences see
  assert.ok((await gradientError(y, [x], feed)) > 0.1);
});

test("gradients of views", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const r = random(seed);
    const shape = r.shape(3, 5);
    const [a, b, c] = shape as [number, number, number];
    await check(seed, [shape], (x) => reshape(x, [b * c, a]));
    await check(seed, [shape], (x) =>
      transpose(
        x,
        r.pick([
          [2, 0, 1],
          [1, 0, 2],
          [0, 2, 1],
        ]),
      ),
    );
    await check(seed, [shape], (x) => flip(x, r.int(0, 2)));
    await check(seed, [shape], (x) => pad(x, [1, 0, 2], [0, 2, 1]));
    await check(seed, [shape], (x) => place(x, [1, 0, 0], [2, 3, 1], [2 * a + 1, 3 * b, c]));
    await check(seed, [[5, 6]], (x) => slice(x, [4, 1], [2, 2], [-2, 3]));
    await check(
      seed,
      [
        [a, b],
        [a, c],
        [a, 2],
      ],
      (...x) => concatenate(x, 1),
    );
    await check(seed, [[1, b, 1]], (x) => broadcastTo(x, [a, b, c]));
    await check(seed, [shape], (x) =>
      reshape(transpose(pad(x, [0, 1, 0], [1, 0, 0]), [2, 0, 1]), [(a + 1) * c, b + 1]),
    );
  }
});

test("gradients of reductions", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const r = random(seed);
    const shape = r.shape(3);
    const dims = r.pick([[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]);
    await check(seed, [shape], (x) => sum(x, dims));
    await check(seed, [shape], (x) => mean(x, dims, false));
    await check(seed, [shape], (x) => max(x, dims));
    await check(seed, [shape], logSumExp);
  }
});

test("gradients of products in Einstein's notation", async () => {
  const cases: readonly (readonly [string, readonly Shape[]])[] = [
    [
      "bi,io->bo",
      [
        [3, 4],
        [4, 2],
      ],
    ],
    [
      "bi,oi->bo",
      [
        [3, 4],
        [2, 4],
      ],
    ],
    ["ij->ji", [[3, 4]]],
    ["ij->j", [[3, 4]]],
    [
      "bqhd,bkhd->bhqk",
      [
        [2, 3, 2, 4],
        [2, 5, 2, 4],
      ],
    ],
    ["i,j,k->ijk", [[2], [3], [4]]],
    [
      "bi,ij,bj->b",
      [
        [3, 2],
        [2, 4],
        [3, 4],
      ],
    ],
    ["i,i->", [[5], [5]]],
  ];
  for (const [seed, [subscripts, shapes]] of cases.entries()) {
    await check(seed, shapes, (...x) => einsum(subscripts, ...x));
  }
});

/** y[n,o,co] = Σ x[n, s·o + d·k − pad, ci]·w[k,ci,co] */
const convolution = (
  n: number,
  size: number,
  ci: number,
  co: number,
  k: number,
  s: number,
  d: number,
  before: number,
) => {
  const out = Math.floor((size + 2 * before - d * (k - 1) - 1) / s) + 1;
  const axes = [n, out, co, k, ci].map((extent, i) => ({ name: "nopkc"[i]!, extent }));
  return (x: Tensor, w: Tensor) =>
    contract([x, w], {
      axes,
      out: [0, 1, 2],
      maps: [
        [
          axisIndex(0),
          affine(
            [
              [1, s],
              [3, d],
            ],
            -before,
          ),
          axisIndex(4),
        ],
        [axisIndex(3), axisIndex(4), axisIndex(2)],
      ],
    });
};
test("gradients of convolutions with stride, dilation and padding", async () => {
  for (let seed = 0; seed < 24; seed++) {
    const r = random(seed);
    const [n, ci, co, k] = [r.int(1, 2), r.int(1, 3), r.int(1, 3), r.int(1, 3)];
    const [s, d, before] = [r.int(1, 3), r.int(1, 2), r.int(0, 2)];
    const size = d * (k - 1) + 1 + r.int(0, 5);
    await check(
      seed,
      [
        [n, size, ci],
        [k, ci, co],
      ],
      convolution(n, size, ci, co, k, s, d, before),
    );
  }
});

test("a contraction's gradient has a gradient", async () => {
  const { gradients } = await import("../../src/compiler/autodiff.ts");
  for (const [s, d, before] of [
    [1, 1, 0],
    [2, 1, 1],
    [1, 2, 1],
  ] as const) {
    const conv = convolution(2, 7, 2, 2, 3, s, d, before);
    await check(
      5,
      [
        [2, 7, 2],
        [3, 2, 2],
      ],
      (x, w) => {
        const y = conv(x, w);
        const [dx] = gradients(sum(p.mul(y, p.mul(y, y)), undefined, false), [x]);
        return dx!;
      },
    );
  }
});

test.run();
