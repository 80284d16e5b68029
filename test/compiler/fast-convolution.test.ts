/** Convolutions with fewer multiplications: the same numbers, from either way, for the convolution and its gradients. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { native } from "../../src/backends/native/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import { compile, optimise } from "../../src/compiler/compile.ts";
import { fastConvolutions } from "../../src/compiler/fast-convolution.ts";
import { matricesOf } from "../../src/compiler/toom-cook.ts";
import { type Graph, graphTensors, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { convolve } from "../../src/ops/convolve.ts";
import { mul } from "../../src/ops/pointwise.ts";
import type { Sliding } from "../../src/ops/window.ts";
import { evaluate, input, random } from "../support/evaluate.ts";

test("matrices: n products are what m·r are", () => {
  for (let r = 2; r <= 7; r++)
    for (let m = 2; m + r - 1 <= 8; m++) {
      const { a, b, g } = matricesOf(m, r);
      const n = m + r - 1;
      assert.equal([a.length, b.length, g.length], [n, n, n]);
      const dice = random(10 * m + r);
      const [x, w] = [dice.array(n), dice.array(r)];
      const dot = (row: readonly number[], v: Float64Array) =>
        row.reduce((s, c, i) => s + c * v[i]!, 0);
      const products = b.map((row, i) => dot(row, x) * dot(g[i]!, w));
      for (let u = 0; u < m; u++) {
        const fast = products.reduce((s, p, i) => s + a[i]![u]! * p, 0);
        const direct = w.reduce((s, c, k) => s + c * x[u + k]!, 0);
        assert.ok(Math.abs(fast - direct) < 1e-12 * 50, `F(${m}, ${r}), ${u}: ${fast - direct}`);
      }
    }
});

/** A random convolution in one to three dimensions with its gradients, and values for its inputs. */
function convolution(seed: number) {
  const dice = random(seed);
  const rank = dice.int(1, 3);
  const slides = Array.from({ length: rank }, (_, d): Sliding & { extent: number } => {
    const isLast = d === rank - 1;
    const size = isLast ? dice.int(2, 6) : dice.int(1, 3);
    const stride = isLast ? 1 : dice.int(1, 2);
    const extent = size + dice.int(0, 9);
    const [before, after] = [dice.int(0, size - 1), dice.int(0, size - 1)];
    const out = Math.floor((extent + before + after - size) / stride) + 1;
    return { size, stride, dilation: 1, before, out, extent };
  });
  const [n, channels, filters] = [dice.int(1, 4), dice.int(1, 4), dice.int(1, 4)];
  const groups = dice.int(1, 4) === 1 ? 2 : 1;
  const x = input("x", [n, ...slides.map((s) => s.extent), channels * groups]);
  const w = input("w", [...slides.map((s) => s.size), channels, filters * groups]);
  const y = convolve(x, w, slides, groups);
  const c = input("c", y.type.shape);
  const feed = new Map([x, w, c].map((t) => [t, dice.array(sizeOf(t.type.shape))]));
  return { outputs: [y, ...gradients(sum(mul(y, c), undefined, false), [x, w])], feed };
}

const graphOf = (outputs: readonly Tensor[]) =>
  optimise({
    name: "test",
    updates: outputs.map((value, i) => ({
      variable: variable({ name: `out${i}`, shape: value.type.shape }),
      value,
    })),
  });
const always = () => true;
/** What they may differ by, of the largest: single precision, and coefficients of up to 21. */
const targets = [
  { backend: reference, most: 1e-11 },
  ...((await native.probe()).ok ? [{ backend: native, most: 1e-5 }] : []),
];

test("the same numbers as the direct way, gradients too", async () => {
  let replaced = 0;
  for (let seed = 0; seed < 60; seed++) {
    const { outputs, feed } = convolution(seed);
    const fast = fastConvolutions(graphOf(outputs), always);
    replaced += graphTensors(fast).filter((t) => t.op.name === "combine").length > 0 ? 1 : 0;
    const values = fast.updates.map((u) => u.value);
    const direct = await evaluate(outputs, feed);
    // To compile takes longer than all else.
    for (const { backend, most } of targets.slice(0, seed % 4 === 0 ? 2 : 1)) {
      const found = await evaluate(values, feed, backend);
      for (const [k, want] of direct.entries()) {
        const scale = Math.max(1, ...want.map(Math.abs));
        const worst = Math.max(...want.map((v, i) => Math.abs(v - found[k]![i]!))) / scale;
        assert.ok(worst < most, `seed ${seed}, result ${k} on ${backend.name}: ${worst}`);
      }
    }
  }
  assert.ok(replaced > 50, `${replaced} of 60 were made fast`);
});

if ((await native.probe()).ok)
  test("in single precision the error is a few times that of the direct way", async () => {
    const dice = random(3);
    const slide = { size: 5, stride: 1, dilation: 1, before: 0, out: 8 };
    const x = input("x", [8, 12, 12, 32]);
    const w = input("w", [5, 5, 32, 64]);
    const y = convolve(x, w, [slide, slide]);
    const c = input("c", y.type.shape);
    const outputs = [y, ...gradients(sum(mul(y, c), undefined, false), [x, w])];
    const single = (n: number) => Float64Array.from(Float32Array.from(dice.array(n)));
    const feed = new Map([x, w, c].map((t) => [t, single(sizeOf(t.type.shape))]));
    const exact = await evaluate(outputs, feed);
    const { fastConvolution: _, ...traits } = native.traits;
    const errors = await Promise.all(
      [native, { ...native, traits }].map(async (backend) => {
        const found = await evaluate(outputs, feed, backend);
        return exact.map((want, k) => {
          const square = (v: (i: number) => number) =>
            Math.sqrt(want.reduce((s, __, i) => s + v(i) ** 2, 0));
          return square((i) => want[i]! - found[k]![i]!) / square((i) => want[i]!);
        });
      }),
    );
    const [fast, direct] = errors as [number[], number[]];
    for (const [k, error] of fast.entries()) {
      assert.is.not(error, direct[k], `result ${k} was computed the direct way`);
      assert.ok(error < 2e-6, `result ${k}: ${error}`);
      assert.ok(error < 8 * direct[k]!, `result ${k}: ${error}, directly ${direct[k]}`);
    }
  });

test("it is done where it pays, and what a step means stays what it is", () => {
  const convolved = (size: number, channels: number, filters: number, stride = 1) => {
    const out = Math.ceil(size / stride);
    const slide = { size: 3, stride, dilation: 1, before: 1, out };
    const x = input("x", [20, size, size, channels]);
    const w = input("w", [3, 3, channels, filters]);
    return graphOf([convolve(x, w, [slide, slide])]);
  };
  const workOf = (graph: Graph, { traits } = native) => compile([graph], traits).procedures[0]!;
  const many = workOf(convolved(14, 32, 64));
  // Five results of three taps are seven products in place of fifteen; the last of three tiles has four.
  assert.is(many.multiplyAdds, 20 * (3 * 14 - 2) ** 2 * 32 * 64);
  assert.is(many.multiplyAddsDone, 20 * (3 * 7) * (3 * 14 - 2) * 32 * 64);
  for (const [what, work] of Object.entries({
    "an interpreter": workOf(convolved(14, 32, 64), reference),
    "one channel": workOf(convolved(14, 1, 64)),
    "one filter": workOf(convolved(14, 32, 1)),
    "stride 2": workOf(convolved(14, 32, 64, 2)),
  }))
    assert.is(work.multiplyAddsDone, work.multiplyAdds, what);
});

test.run();
