/** Sums in other forms for GPUs, cut into chunks or several terms a turn, are the same sums. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { unrollSums } from "../../src/backends/gpujs/unroll.ts";
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import { compile } from "../../src/compiler/compile.ts";
import { type Compute, type Loop, walk } from "../../src/ir/expr.ts";
import { type Tensor, variable } from "../../src/ir/graph.ts";
import { isKernel } from "../../src/ir/kernels.ts";
import type { Backend, Program } from "../../src/ir/program.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import * as op from "../../src/ops/pointwise.ts";
import { evaluate, input, random } from "../support/evaluate.ts";

/** A layer of random size with a loss, its gradients, and inputs for it. */
function layer(seed: number) {
  const r = random(seed);
  const [batch, n, units] = [r.int(1, 70), r.int(100, 400), r.int(1, 9)];
  const [x, w, b] = [input("x", [batch, n]), input("w", [n, units]), input("b", [units])] as const;
  const y = op.tanh(op.add(einsum("bi,io->bo", x, w), b));
  const loss = sum(op.mul(y, y), [0, 1]);
  const feed = new Map<Tensor, Float64Array>(
    [x, w, b].map((t) => [t, r.array(t.type.shape.reduce((a, d) => a * d, 1))]),
  );
  return { outputs: [y, loss, ...gradients(loss, [w, b])], feed };
}

const close = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
  a.every((t, k) => t.every((v, i) => Math.abs(v - b[k]![i]!) <= 1e-11 * Math.max(1, Math.abs(v))));

/** The reference interpreter as if it computed so many results at once. */
const wide = (atOnce: number): Backend => ({
  ...reference,
  traits: { ...reference.traits, atOnce },
});

const kernelsOf = (outputs: readonly Tensor[], backend: Backend) => {
  const updates = outputs.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape }),
    value,
  }));
  const [procedure] = compile([{ name: "test", updates }], backend.traits).procedures;
  return procedure!.kernels;
};

test("sums cut into chunks give the same numbers, for any number of results at once", async () => {
  let cut = 0;
  for (let seed = 0; seed < 12; seed++) {
    const { outputs, feed } = layer(seed);
    const want = await evaluate(outputs, feed);
    for (const atOnce of [16, 1000, 2 ** 17]) {
      const backend = wide(atOnce);
      assert.ok(close(want, await evaluate(outputs, feed, backend)), `seed ${seed}, ${atOnce}`);
      cut += kernelsOf(outputs, backend).length - kernelsOf(outputs, reference).length;
    }
  }
  assert.ok(cut > 0, "no sum was cut");
});

test("a sum is cut where there are few results, and not where there are enough", () => {
  const [x, w] = [input("x", [8, 4096]), input("w", [4096, 8])];
  const product = [einsum("bi,io->bo", x, w)];
  assert.is(kernelsOf(product, wide(2 ** 17)).length, 2);
  assert.is(kernelsOf(product, wide(8)).length, 1);
  const short = [einsum("bi,io->bo", input("x", [8, 64]), input("w", [64, 8]))];
  assert.is(kernelsOf(short, wide(2 ** 17)).length, 1);
});

/** The reference interpreter, with several terms of each sum in a turn. */
const unrolling = (most: number, seen: (before: Compute, after: Compute) => void): Backend => ({
  ...reference,
  compile(program, constants, options) {
    const change = (k: Compute): Compute => {
      const after = { ...k, body: unrollSums(k.body, most) };
      seen(k, after);
      return after;
    };
    const part = (k: Compute | Loop) =>
      isKernel(k) ? change(k) : { ...k, kernels: k.kernels.map(change) };
    const procedures = program.procedures.map((p) => ({ ...p, kernels: p.kernels.map(part) }));
    const unrolled: Program = { ...program, procedures };
    return reference.compile(unrolled, constants, options);
  },
});

const loadsOf = ({ body }: Compute) => {
  let n = 0;
  walk(body, (e) => {
    if (e.kind === "load") n++;
  });
  return n;
};

test("several terms a turn give the same numbers, whatever divides the length", async () => {
  let grown = 0;
  for (let seed = 20; seed < 30; seed++) {
    const { outputs, feed } = layer(seed);
    const want = await evaluate(outputs, feed);
    for (const most of [1, 3, 8]) {
      const backend = unrolling(most, (a, b) => {
        if (loadsOf(b) > loadsOf(a)) grown++;
      });
      assert.ok(close(want, await evaluate(outputs, feed, backend)), `seed ${seed}, ${most}`);
    }
  }
  assert.ok(grown > 0, "no sum was unrolled");
});

test.run();
