/** Fusion and the passes before it change cost, never results: any choice of what is materialised agrees. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import type { FusionPolicy } from "../../src/compiler/compile.ts";
import { makeContiguous } from "../../src/compiler/contiguous.ts";
import { chooseMaterialised } from "../../src/compiler/fuse.ts";
import { lower, Variables } from "../../src/compiler/lower.ts";
import { buffersRead } from "../../src/ir/expr.ts";
import { graphTensors, isVariable, type Tensor, variable } from "../../src/ir/graph.ts";
import { allKernels } from "../../src/ir/kernels.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import * as op from "../../src/ops/pointwise.ts";
import { logSumExp, mean } from "../../src/ops/reduce.ts";
import { evaluate, input, random } from "../support/evaluate.ts";

/** A two-layer network with a softmax loss, its gradients, and inputs for it. */
function network(seed: number) {
  const r = random(seed);
  const [batch, n, hidden, classes] = [r.int(2, 6), r.int(2, 6), 4 * r.int(1, 3), r.int(2, 5)];
  const shapes = {
    x: [batch, n],
    v: [n, hidden],
    b: [hidden],
    w: [hidden, classes],
    y: [batch, classes],
  };
  const inputs = Object.entries(shapes).map(([name, shape]) => input(name, shape));
  const [x, v, b, w, y] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const h = op.tanh(op.add(einsum("bi,io->bo", x, v), b));
  const z = einsum("bi,io->bo", h, w);
  const loss = mean(op.sub(logSumExp(z), sum(op.mul(y, z), [1])), undefined, false);
  const feed = new Map(inputs.map((t) => [t, r.array(t.type.shape.reduce((a, d) => a * d, 1))]));
  return { outputs: [loss, ...gradients(loss, [v, b, w])], feed };
}

const everything: FusionPolicy = (graph) =>
  new Set(graphTensors(graph).filter((t) => !isVariable(t)));
const nothing: FusionPolicy = (graph) => new Set(graph.updates.map((u) => u.value));
const atRandom =
  (seed: number): FusionPolicy =>
  (graph) => {
    const r = random(seed);
    const some = graphTensors(graph).filter((t) => !isVariable(t) && r.uniform() < 0.4);
    return new Set([...some, ...nothing(graph, reference.traits)]);
  };

const close = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
  a.every((t, k) => t.every((v, i) => Math.abs(v - b[k]![i]!) <= 1e-12 * Math.max(1, Math.abs(v))));

test("any choice of materialised tensors gives the same numbers", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const { outputs, feed } = network(seed);
    const chosen = await evaluate(outputs, feed);
    for (const policy of [everything, nothing, atRandom(seed), atRandom(seed + 100)]) {
      assert.ok(close(chosen, await evaluate(outputs, feed, reference, policy)), `seed ${seed}`);
    }
  }
});

test("no kernel reads more buffers than the target allows", () => {
  for (let seed = 0; seed < 10; seed++) {
    const { outputs } = network(seed);
    const updates = outputs.map((value, i) => ({
      variable: variable({ name: `out${i}`, shape: value.type.shape }),
      value,
    }));
    const graph = { name: "test", updates };
    for (const maxInputs of [2, 3, 7]) {
      const chosen = chooseMaterialised(graph, { maxInputs, contiguousSums: false });
      const { kernels } = lower(graph, chosen, new Variables());
      const most = Math.max(...allKernels(kernels).map((k) => buffersRead(k.body).length));
      assert.ok(most <= maxInputs, `${most} buffers, ${maxInputs} allowed`);
    }
  }
});

test("a reduction never runs inside another", () => {
  const { outputs } = network(3);
  const updates = outputs.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape }),
    value,
  }));
  const graph = { name: "test", updates };
  const { kernels } = lower(graph, chooseMaterialised(graph, reference.traits), new Variables());
  for (const k of allKernels(kernels)) {
    assert.not.match(JSON.stringify(k.body), /"reduce".*"body":.*"reduce"/);
  }
});

test("products get operands that are contiguous along the sum", async () => {
  const x = input("x", [20, 24]);
  const w = input("w", [24, 32]);
  const y = einsum("bi,io->bo", x, w);
  const updates = [{ variable: variable({ name: "out0", shape: [20, 32] }), value: y }];
  const lowered = lower({ name: "test", updates }, new Set([y]), new Variables());
  const laidOut = makeContiguous(lowered);
  assert.equal(
    allKernels(laidOut.kernels).map((k) => `${k.name} [${k.output.shape}]`),
    ["w.transposed [32,24]", "out0.next [20,32]"],
  );
  const r = random(1);
  const feed = new Map([
    [x, r.array(480)],
    [w, r.array(768)],
  ]);
  const contiguous = { ...reference, traits: { ...reference.traits, contiguousSums: true } };
  assert.ok(
    close(
      await evaluate([y], feed),
      await evaluate([y], feed, { ...contiguous, compile: reference.compile }),
    ),
  );
});

test.run();
