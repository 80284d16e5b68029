/** Folding and hoisting: the same numbers from what is left in the step, and that this is little. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import { forInference } from "../../src/compiler/inference.ts";
import {
  type Graph,
  graphTensors,
  isVariable,
  type Shape,
  sizeOf,
  type Tensor,
  variable,
} from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { contract, einsum } from "../../src/ops/contract.ts";
import * as op from "../../src/ops/pointwise.ts";
import { reshape, transpose } from "../../src/ops/view.ts";
import { input, random } from "../support/evaluate.ts";

const weight = (name: string, shape: Shape) => variable({ name, shape });
const graphOf = (...values: Tensor[]): Graph => ({
  name: "step",
  updates: values.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape, dtype: value.type.dtype }),
    value,
  })),
});
const hoisted = (...values: Tensor[]) => {
  const { prepare, graphs } = forInference([graphOf(...values)], "prepare");
  return { prepare, body: graphs[0]! };
};
const variableNames = (graph: Graph) =>
  graphTensors(graph).flatMap((x) => (isVariable(x) ? [x.attrs.name] : []));
/** How many tensors of the body are made by the same op as this one. */
const count = (graph: Graph, like: Tensor) =>
  graphTensors(graph).filter((x) => x.op === like.op).length;

/** The values of the outputs, run as they are or in two procedures. */
async function valuesOf(values: readonly Tensor[], folded: boolean): Promise<Float64Array[]> {
  const { prepare, body } = hoisted(...values);
  const graphs = folded ? [...(prepare ? [prepare] : []), body] : [graphOf(...values)];
  const program = compile(graphs, reference.traits);
  const exe = await reference.compile(program, new Map(), {});
  for (const v of program.variables.filter((w) => /^[xw]\d*$/.test(w.name))) {
    const seed = [...v.name].reduce((n, c) => 31 * n + c.charCodeAt(0), 7);
    exe.write(v.name, random(seed).array(sizeOf(v.shape), 0.5, 2));
  }
  for (const { name } of graphs) await exe.run(name, 1);
  const results = await Promise.all(values.map((_, i) => exe.read(`out${i}`)));
  await exe.dispose();
  return results.map((r) => Float64Array.from(r));
}

async function assertSame(...values: Tensor[]): Promise<void> {
  const [want, got] = [await valuesOf(values, false), await valuesOf(values, true)];
  for (const [k, w] of want.entries()) {
    const scale = Math.max(1, ...w.map(Math.abs));
    const error = Math.max(...w.map((v, i) => Math.abs(v - got[k]![i]!))) / scale;
    assert.ok(error < 1e-12, `output ${k}: ${error}`);
  }
}

const x = input("x", [4, 3]);
const w = weight("w", [3, 5]);
const product = einsum("bi,io->bo", x, w);

test("what multiplies and shifts a product becomes one scaled weight and one shift", async () => {
  const y = op.add(
    op.div(op.sub(op.add(product, weight("w1", [5])), weight("w2", [5])), weight("w3", [5])),
    op.neg(weight("w4", [5])),
  );
  const { prepare, body } = hoisted(y);
  assert.is(prepare!.updates.length, 2);
  assert.is(count(body, op.mul(x, x)), 0);
  assert.is(count(body, op.div(x, x)), 0);
  assert.is(count(body, op.add(x, x)), 1);
  const added = variableNames(body).filter((n) => n !== "x" && n !== "out0");
  assert.is(added.length, 2, `reads ${added}`);
  await assertSame(y);
});

test("a factor that the weights have no index for stays", async () => {
  const y = op.mul(product, weight("w1", [4, 1]));
  assert.is(count(hoisted(y).body, op.mul(x, x)), 1);
  await assertSame(y);
});

test("a product that something else needs is not computed twice", async () => {
  const y = op.mul(product, weight("w1", [5]));
  const { body } = hoisted(y, op.exp(product));
  assert.is(count(body, product), 1);
  await assertSame(y, op.exp(product));
  const both = op.add(op.tanh(op.mul(product, 0.5)), op.mul(product, 3));
  assert.is(count(hoisted(both).body, product), 1);
  await assertSame(both);
});

test("a scale passes reshapes and transposes of the product", async () => {
  const grouped = einsum("bgi,gio->bgo", input("x1", [2, 3, 4]), weight("w1", [3, 4, 2]));
  const y = op.mul(reshape(grouped, [2, 1, 6]), weight("w2", [6]));
  assert.is(count(hoisted(y).body, op.mul(x, x)), 0);
  await assertSame(y);
  const turned = op.mul(transpose(product, [1, 0]), weight("w3", [5, 1]));
  await assertSame(turned);
});

test("nothing is prepared that is only a view, or that is cheaper made than read", () => {
  assert.is(hoisted(op.add(product, reshape(weight("w1", [5, 1]), [5]))).prepare, undefined);
  const outer = op.mul(weight("w2", [50, 1]), weight("w3", [1, 50]));
  assert.is(hoisted(op.maximum(input("x2", [50, 50]), outer)).prepare, undefined);
});

test("state that another procedure changes is not prepared", () => {
  const moving = weight("w1", [5]);
  const change: Graph = {
    name: "change",
    updates: [{ variable: moving, value: op.add(moving, 1) }],
  };
  const step = graphOf(op.maximum(product, op.exp(moving)));
  assert.is(forInference([step, change], "prepare").prepare, undefined);
  assert.is(forInference([step], "prepare").prepare!.updates.length, 1);
});

test("graphs share what is prepared", () => {
  const step = (n: number): Graph => {
    const y = op.mul(einsum("bi,io->bo", input(`x${n}`, [n, 3]), w), op.exp(weight("w1", [5])));
    const out = variable({ name: `out${n}`, shape: y.type.shape });
    return { name: `step${n}`, updates: [{ variable: out, value: y }] };
  };
  assert.is(forInference([step(2), step(7)], "prepare").prepare!.updates.length, 1);
});

/** A random expression of shape [2, 3, 4] over data and weights. */
function randomTensor(r: ReturnType<typeof random>, depth: number): Tensor {
  const shape = [2, 3, 4];
  const again = () => randomTensor(r, depth - 1);
  const constant = () => {
    const own = shape.map((n) => r.pick([1, n]));
    const plain = weight(`w${own.join("")}`, own);
    return r.pick([() => plain, () => op.exp(plain), () => op.add(plain, 1), () => r.int(1, 3)])();
  };
  if (depth === 0) return input(`x${r.int(1, 3)}`, shape);
  return r.pick([
    () => op.add(again(), constant()),
    () => op.sub(again(), constant()),
    () => op.sub(constant(), again()),
    () => op.mul(constant(), again()),
    () => op.div(again(), constant()),
    () => op.neg(again()),
    () => op.add(again(), again()),
    () => op.mul(again(), op.tanh(again())),
    () => op.tanh(again()),
    () => reshape(op.mul(reshape(again(), [6, 1, 4]), weight("w61", [6, 1, 1])), shape),
    () => reshape(op.add(reshape(again(), [2, 12]), weight("w12", [12])), shape),
    () => op.add(op.mul(again(), constant()), reshape(weight("w24", [24]), shape)),
    () => transpose(op.mul(transpose(again(), [2, 0, 1]), weight("w413", [4, 1, 3])), [1, 2, 0]),
    () => op.add(sum(again(), [1]), again()),
    () => einsum("abc,cd->abd", again(), weight("w44", [4, 4])),
    () => einsum("abc,bcd->abd", again(), op.exp(weight("w344", [3, 4, 4]))),
    () => contract([again()], { axes: axes(shape), out: [0, 1, 2], maps: [[0, 1, 2].map(plain)] }),
  ])();
}
const axes = (shape: Shape) => shape.map((extent, d) => ({ name: "abc"[d]!, extent }));
const plain = (axis: number) => ({ constant: 0, terms: [[axis, 1] as const], divisor: 1 });

test("any graph gives the same numbers", async () => {
  const r = random(5);
  for (let i = 0; i < 120; i++) await assertSame(randomTensor(r, 4), randomTensor(r, 3));
});

test.run();
