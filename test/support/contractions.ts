/**
 * Random contractions with random epilogues and their gradients, as small training steps: for tests of the
 * native scheduler. Each reads an input and a weight, writes a result, and updates the weight in its place.
 */
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Graph, type Shape, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import { affine, axisIndex } from "../../src/ops/affine.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { contract, einsum } from "../../src/ops/contract.ts";
import { convolve, convolveTransposed } from "../../src/ops/convolve.ts";
import { add, mul, relu, sub, tanh } from "../../src/ops/pointwise.ts";
import { reshape } from "../../src/ops/view.ts";
import type { Sliding } from "../../src/ops/window.ts";
import { input, random } from "./evaluate.ts";

export type Random = ReturnType<typeof random>;

export interface Contractions {
  readonly graph: Graph;
  /** Starting values of all variables, by name. */
  readonly start: ReadonlyMap<string, Float64Array>;
  /** Names of what steps change, with what they are for. */
  readonly results: ReadonlyMap<string, string>;
}

interface Drawn {
  readonly about: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly build: (x: Tensor, w: Tensor) => Tensor;
}

/** Most multiply-adds of one contraction: the interpreter does some ten million a second. */
const most = 150_000;

/** From 1 to `hi`; whole vectors often, for only they have sums in blocks and panels without a rest. */
const extent = (r: Random, hi = 70) =>
  r.uniform() < 0.1 ? 1 : r.uniform() < 0.4 ? 8 * r.int(1, Math.max(1, hi >> 3)) : r.int(1, hi);

/** A product of tensors: each index in one operand and the result, in both, or summed; in any order. */
function drawEinsum(r: Random): Drawn {
  const shuffled = (text: string) =>
    r.uniform() < 0.5 ? text : [...text].sort(() => r.uniform() - 0.5).join("");
  const [batch, m, n, k] = r.pick([
    ["", "i", "o", "k"],
    ["", "i", "o", "kl"],
    ["", "ij", "o", "k"],
    ["b", "i", "o", "k"],
    ["", "i", "op", "k"],
    ["b", "i", "o", "kl"],
  ] as const);
  const names = [...`${batch}${m}${n}${k}`];
  const size = new Map(names.map((c) => [c, c === "b" ? r.int(1, 5) : extent(r)]));
  while (names.reduce((p, c) => p * size.get(c)!, 1) > most) {
    const c = r.pick(names);
    const half = size.get(c)! / 2;
    size.set(c, half > 16 ? 8 * Math.ceil(half / 8) : Math.ceil(half));
  }
  const shape = (text: string) => [...text].map((c) => size.get(c)!);
  const [a, b] = [shuffled(batch + m + k), shuffled(batch + k + n)];
  const out = r.uniform() < 0.7 ? batch + m + n : shuffled(batch + m + n);
  const text = `${a},${b}->${out}`;
  const about = `einsum ${text} ${[...size].map(([c, e]) => `${c}=${e}`).join(" ")}`;
  return { about, x: shape(a), w: shape(b), build: (x, w) => einsum(text, x, w) };
}

function drawSlide(r: Random, size: number): Sliding {
  const window = r.pick([1, 2, 3, 3, 5]);
  const dilation = r.pick([1, 1, 1, 2]);
  const stride = r.pick([1, 1, 1, 2, 3]);
  const reach = (window - 1) * dilation + 1;
  const before = r.uniform() < 0.6 ? r.int(0, reach - 1) : 0;
  const after = r.uniform() < 0.6 ? r.int(0, reach - 1) : 0;
  const out = Math.floor((size + before + after - reach) / stride) + 1;
  return { size: window, stride, dilation, before, out };
}

/** A convolution in one or two dimensions, perhaps with groups, perhaps a group a channel. */
function drawConvolution(r: Random): Drawn {
  const [groups, channels, filters] = r.pick([
    [1, extent(r, 20), extent(r, 40)],
    [1, r.pick([1, 3, 16, 33]), r.pick([8, 16, 17, 32])],
    [2, r.int(1, 9), r.pick([8, 16, 17])],
    [4, r.pick([1, 8, 12]), r.pick([3, 8, 16])],
    [r.int(1, 40), 1, 1],
    // To or from a single channel, where vectors lie along the sum.
    [1, r.pick([8, 16, 32, 48]), 1],
    [1, 1, r.pick([8, 16, 32])],
  ] as const);
  for (;;) {
    const batch = r.pick([1, 1, 2, 5, 9]);
    const sizes = r.uniform() < 0.4 ? [r.int(1, 40)] : [r.int(1, 14), r.int(1, 14)];
    const slides = sizes.map((n) => drawSlide(r, n));
    const window = slides.reduce((p, s) => p * s.size, 1);
    const places = slides.reduce((p, s) => p * s.out, batch);
    if (slides.some((s) => s.out < 1)) continue;
    if (places * window * groups * channels * filters > most) continue;
    const own = r.uniform() < 0.5;
    const spread = (x: Tensor) =>
      reshape(x, [...x.type.shape.slice(0, -1), groups, x.type.shape.at(-1)! / groups]);
    return {
      about: `conv ${batch}×${sizes} groups ${groups} ${channels}→${filters} ${JSON.stringify(slides)}`,
      x: [batch, ...sizes, groups * channels],
      w: [
        ...slides.map((s) => s.size),
        channels,
        ...(own ? [groups, filters] : [groups * filters]),
      ],
      build: (x, w) => (own ? grouped(spread(x), w, slides) : convolve(x, w, slides, groups)),
    };
  }
}

/** The gradient of a strided convolution as an operation of its own, whose gradients are convolutions again. */
function drawTransposed(r: Random): Drawn {
  for (;;) {
    const [channels, filters] = [r.pick([1, 3, 8, 16]), r.pick([1, 5, 8, 16])];
    const [batch, sizes] = [
      r.pick([1, 2, 5]),
      r.uniform() < 0.5 ? [r.int(1, 20)] : [r.int(1, 7), r.int(1, 7)],
    ];
    const slides = sizes.map((n): Sliding => {
      const [size, stride, dilation] = [r.int(1, 4), r.int(1, 3), r.pick([1, 1, 2])];
      const reach = (size - 1) * dilation + 1;
      const whole = (n - 1) * stride + reach;
      const before = r.int(0, reach - 1);
      return {
        size,
        stride,
        dilation,
        before,
        out: Math.max(1, whole - before - r.int(0, reach - 1)),
      };
    });
    const window = slides.reduce((p, s) => p * s.size, 1);
    if (slides.reduce((p, s) => p * s.out, batch) * window * channels * filters > most) continue;
    return {
      about: `transposed conv ${batch}×${sizes} ${channels}→${filters} ${JSON.stringify(slides)}`,
      x: [batch, ...sizes, channels],
      w: [...slides.map((s) => s.size), filters, channels],
      build: (x, w) => convolveTransposed(x, w, slides),
    };
  }
}

/** y[n, o…, g, f] = Σ x[n, s·o + d·k − before, g, c]·w[k…, c, g, f], filters in dimensions of their own. */
function grouped(x: Tensor, w: Tensor, slides: readonly Sliding[]): Tensor {
  const { shape } = w.type;
  const rank = slides.length;
  const [channels, groups, filters] = shape.slice(rank) as [number, number, number];
  const extents = [x.type.shape[0]!, ...slides.map((s) => s.out), groups, filters];
  const axes = [...extents, ...slides.map((s) => s.size), channels].map((e, i) => ({
    name: "abcdefghijkl"[i]!,
    extent: e,
  }));
  const [g, f, k] = [rank + 1, rank + 2, rank + 3];
  const c = k + rank;
  const along = slides.map((s, d) =>
    affine(
      [
        [1 + d, s.stride],
        [k + d, s.dilation],
      ],
      -s.before,
    ),
  );
  const maps = [
    [axisIndex(0), ...along, axisIndex(g), axisIndex(c)],
    [...slides.map((_, d) => axisIndex(k + d)), axisIndex(c), axisIndex(g), axisIndex(f)],
  ];
  return contract([x, w], { axes, out: extents.map((_, i) => i), maps });
}

/** y[i, o] = Σ x[i + d, k]·w[k, o + e]: parts of operands that are larger than what is used of them. */
function drawSliced(r: Random): Drawn {
  const [m, n, k] = [extent(r, 40), extent(r, 40), extent(r, 40)];
  const [rows, columns] = [r.int(0, 5), r.int(0, 20)];
  const about = `part of rows ${rows}+${m}, columns ${n}+${columns}, sum ${k}`;
  const axes = [m, n, k].map((e, i) => ({ name: "iok"[i]!, extent: e }));
  const shift = r.uniform() < 0.5 ? columns : 0;
  const maps = [
    [affine([[0, 1]], rows), affine([[2, 1]])],
    [affine([[2, 1]]), affine([[1, 1]], shift)],
  ];
  const build = (x: Tensor, w: Tensor) => contract([x, w], { axes, out: [0, 1], maps });
  return { about, x: [m + rows, k], w: [k, n + columns], build };
}

/** A long sum with few columns: its vectors lie along the sum. Sums and rows of every kind, some that do not suit it. */
function drawNarrow(r: Random): Drawn {
  const [k, n] = [r.pick([48, 96, 128, 192, 200, 256]), r.int(1, 12)];
  const m = r.int(1, Math.min(60, Math.floor(most / (k * n))));
  const text = r.pick(["ik,ko->io", "ik,ok->io", "bik,ko->bio", "ki,ko->io"]);
  const x = text.startsWith("b") ? [2, m, k] : text.startsWith("k") ? [k, m] : [m, k];
  const w = text.includes("ok") ? [n, k] : [k, n];
  const about = `few columns ${text}, ${m} rows, ${n} columns, sum ${k}`;
  return { about, x, w, build: (a, b) => einsum(text, a, b) };
}

/** What is done to the sum before it is stored. */
function drawEpilogue(r: Random, y: Tensor, name: string, inputs: Tensor[]): Tensor {
  const given = (part: string, shape: Shape) => {
    const made = input(`${name}/${part}`, shape);
    inputs.push(made);
    return made;
  };
  const { shape } = y.type;
  let value = y;
  if (r.uniform() < 0.5) value = add(value, given("bias", shape.slice(-1)));
  if (r.uniform() < 0.3)
    value = mul(value, given("scale", [shape[0]!, ...shape.slice(1).map(() => 1)]));
  if (r.uniform() < 0.3) value = mul(value, given("factor", shape));
  if (r.uniform() < 0.4) value = r.pick([relu, tanh])(value);
  return value;
}

const kinds = [
  ...[drawEinsum, drawEinsum, drawEinsum],
  ...[drawConvolution, drawConvolution, drawConvolution],
  ...[drawSliced, drawNarrow, drawTransposed],
];

/** @returns `count` contractions, each with what a training step computes of it */
export function drawContractions(seed: number, count: number): Contractions {
  const r = random(seed);
  const updates: { variable: Tensor; value: Tensor }[] = [];
  const inputs: Tensor[] = [];
  const results = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const drawn = r.pick(kinds)(r);
    const name = `c${i}`;
    const x = input(`${name}/x`, drawn.x);
    const w = variable({ name: `${name}/w`, shape: drawn.w });
    const y = drawEpilogue(r, drawn.build(x, w), name, inputs);
    inputs.push(x, w);
    const keep = (part: string, value: Tensor, isUpdate = r.uniform() < 0.3) => {
      const target = variable({ name: `${name}/${part}`, shape: value.type.shape });
      results.set(`${name}/${part}`, drawn.about);
      if (isUpdate) inputs.push(target);
      updates.push({
        variable: target as never,
        value: isUpdate ? add(mul(target, 0.5), value) : value,
      });
    };
    keep("y", y);
    if (y.type.shape.length === 2 && r.uniform() < 0.4) {
      // Another weight, as large as the result: it has panels of its own, and is read or written beside the sum.
      const v = variable({ name: `${name}/v`, shape: y.type.shape });
      const rows = input(`${name}/rows`, [r.int(1, 9), y.type.shape[0]!]);
      inputs.push(v, rows);
      keep("vy", einsum("pi,io->po", rows, v));
      if (r.uniform() < 0.5) keep("scaled", mul(drawn.build(x, w), v), false);
      else {
        results.set(`${name}/v`, drawn.about);
        updates.push({ variable: v as never, value: add(mul(v, 0.5), drawn.build(x, w)) });
      }
    }
    if (r.uniform() < 0.7) {
      const c = input(`${name}/c`, y.type.shape);
      inputs.push(c);
      const [dx, dw] = gradients(sum(mul(y, c), undefined, false), [x, w]);
      keep("dx", dx!);
      if (r.uniform() < 0.5) keep("dw", dw!);
      else {
        results.set(`${name}/w`, drawn.about);
        updates.push({ variable: w as never, value: sub(w, mul(dw!, 0.1)) });
      }
    }
  }
  const graph: Graph = { name: "test", updates: updates as never };
  const values = (t: Tensor) => r.array(sizeOf(t.type.shape));
  const nameOf = (t: Tensor) => (t.attrs as { name: string }).name;
  return { graph, start: new Map(inputs.map((t) => [nameOf(t), values(t)])), results };
}
