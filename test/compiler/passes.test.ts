/** Simplification, sharing, memory planning and the verifier. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile, optimise } from "../../src/compiler/compile.ts";
import { liveRanges } from "../../src/compiler/memory.ts";
import { share, simplify } from "../../src/compiler/simplify.ts";
import { verifyGraph, verifyKernels, verifyMemory } from "../../src/compiler/verify.ts";
import { constant, index, load } from "../../src/ir/expr.ts";
import {
  type Graph,
  graphTensors,
  sizeOf,
  type Tensor,
  type Update,
  variable,
} from "../../src/ir/graph.ts";
import { allKernels } from "../../src/ir/kernels.ts";
import { broadcastTo } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import * as op from "../../src/ops/pointwise.ts";
import { fill, fillValue, reshape } from "../../src/ops/view.ts";
import { input, random } from "../support/evaluate.ts";

const traits = { maxInputs: 100, contiguousSums: false };

const graphOf = (...values: Tensor[]): Graph => ({
  name: "test",
  updates: values.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape, dtype: value.type.dtype }),
    value,
  })),
});
const x = input("x", [2, 3]);
const simplified = (y: Tensor) => simplify(graphOf(y)).updates[0]!.value;

test("identities disappear", () => {
  assert.is(simplified(op.mul(x, 1)), x);
  assert.is(simplified(op.add(0, x)), x);
  assert.is(simplified(op.sub(x, 0)), x);
  assert.is(simplified(op.div(x, 1)), x);
  assert.is(simplified(op.neg(op.neg(x))), x);
  assert.is(simplified(op.mul(op.mul(x, 1), op.add(1, 0))), x);
  assert.is(fillValue(simplified(op.mul(x, 0))), 0);
  assert.is(simplified(reshape(reshape(x, [6]), [2, 3])), x);
});

test("constants fold, through broadcasts and reshapes", () => {
  const y = op.mul(op.add(fill(2, [3]), 1), reshape(broadcastTo(fill(5, [1]), [3]), [3]));
  assert.is(fillValue(simplified(y)), 15);
});

test("equal tensors are shared, different ones are not", () => {
  const twice = op.add(op.exp(op.mul(x, 2)), op.exp(op.mul(x, 2)));
  const before = graphTensors(graphOf(twice)).length;
  const after = graphTensors(share(graphOf(twice))).length;
  assert.is(before - after, 3);
  const signs = op.add(op.add(x, 0), op.add(x, -0));
  assert.is(graphTensors(share(graphOf(signs))).length, graphTensors(graphOf(signs)).length);
});

test("optimising changes no types and leaves nothing to do", () => {
  const graph = optimise(graphOf(op.mul(op.add(x, 0), op.sub(x, op.mul(x, 0)))));
  assert.is(optimise(graph).updates[0]!.value, graph.updates[0]!.value);
});

/** A chain of products, so that temporaries come and go. */
function chain(seed: number) {
  const r = random(seed);
  let y: Tensor = input("a", [3, 4]);
  let width = 4;
  for (let i = 0; i < 6; i++) {
    const next = r.int(2, 40);
    y = op.tanh(einsum("bi,io->bo", y, input(`w${i}`, [width, next])));
    width = next;
  }
  return compile([graphOf(y)], traits).procedures[0]!;
}

test("memory is reused, and never by two that are alive", () => {
  for (let seed = 0; seed < 20; seed++) {
    const procedure = chain(seed);
    verifyMemory(procedure);
    const total = allKernels(procedure.kernels).reduce(
      (n, k) => n + Math.ceil(sizeOf(k.output.shape) / 16) * 16,
      0,
    );
    assert.ok(procedure.arenaSize < total, `${procedure.arenaSize} of ${total}`);
  }
});

test("the verifier sees an overlap", () => {
  const procedure = chain(1);
  const [a, b] = liveRanges(procedure).filter((r) => r.last > r.first);
  assert.ok(a && b);
  const offsets = new Map(procedure.offsets).set(b.buffer, procedure.offsets.get(a.buffer)!);
  assert.throws(() => verifyMemory({ ...procedure, offsets }), /internal: .* overlap/);
});

test("the verifier sees reads out of bounds, too early, and free axes", () => {
  const buffer = { name: "b", shape: [3], dtype: "f32" as const };
  const axis = { name: "i", extent: 4 };
  const kernel = (body: Parameters<typeof index>[0] | undefined, at = 4) => ({
    name: "k",
    output: { name: "o", shape: [at], dtype: "f32" as const },
    axes: [{ ...axis, extent: at }],
    body: body ? load(buffer, [index(body)]) : constant(0),
  });
  const lowered = (k: ReturnType<typeof kernel>) => ({
    name: "t",
    kernels: [k],
    updates: [],
    flops: 0,
    multiplyAdds: 0,
    multiplyAddsDone: 0,
  });
  const wide = kernel(undefined);
  assert.throws(
    () => verifyKernels(lowered({ ...wide, body: load(buffer, [index(wide.axes[0]!)]) })),
    /reads b at 0…3 of 3/,
  );
  assert.throws(() => verifyKernels(lowered(kernel({ name: "j", extent: 2 }))), /axis j is free/);
  const own = { ...kernel(undefined, 3) };
  assert.throws(
    () => verifyKernels(lowered({ ...own, body: load(own.output, [index(own.axes[0]!)]) })),
    /too early/,
  );
});

test("the verifier sees updates that do not fit", () => {
  const target = variable({ name: "v", shape: [2] }) as Update["variable"];
  const bad = { name: "t", updates: [{ variable: target, value: fill(0, [3]) }] };
  assert.throws(() => verifyGraph(bad), /internal: v/);
  const twice = { variable: target, value: fill(0, [2]) };
  assert.throws(() => verifyGraph({ name: "t", updates: [twice, twice] }), /updated twice/);
  const data = variable({ name: "d", shape: [], kind: "data" }) as Update["variable"];
  assert.throws(
    () => verifyGraph({ name: "t", updates: [{ variable: data, value: fill(0, []) }] }),
    /no step may change/,
  );
});

test.run();
