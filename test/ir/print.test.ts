/** The texts of every stage, compared in full: other tests and people read them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/compiler/compile.ts";
import { type Axis, call, constant, index, int, load, reduce } from "../../src/ir/expr.ts";
import { type Graph, scoped, variable } from "../../src/ir/graph.ts";
import {
  graphToJson,
  printCompute,
  printExpr,
  printGraph,
  printGraphDot,
  printProgram,
} from "../../src/ir/print.ts";
import { einsum } from "../../src/ops/contract.ts";
import { add, relu } from "../../src/ops/pointwise.ts";

const i: Axis = { name: "i", extent: 4 };
const x = load({ name: "x", shape: [4], dtype: "f32" }, [index(i)]);
const two = constant(2);

test("operators bind as in mathematics", () => {
  const cases = [
    [call("mul", call("add", x, two), two), "(x[i] + 2)·2"],
    [call("add", call("mul", x, two), two), "x[i]·2 + 2"],
    [call("sub", two, call("sub", x, two)), "2 - (x[i] - 2)"],
    [call("sub", call("sub", two, x), two), "2 - x[i] - 2"],
    [call("div", two, call("mul", two, x)), "2 / (2·x[i])"],
    [call("neg", call("add", x, two)), "-(x[i] + 2)"],
    [call("mul", x, constant(-2)), "x[i]·-2"],
    [call("select", call("lt", x, two), x, constant(0)), "x[i] < 2 ? x[i] : 0"],
    [call("add", call("select", call("lt", x, two), x, two), two), "(x[i] < 2 ? x[i] : 2) + 2"],
    [call("max", x, constant(Number.NEGATIVE_INFINITY)), "max(x[i], -∞)"],
    [call("mod", call("idiv", index(i), int(3)), int(2)), "i // 3 % 2"],
    [constant(Math.fround(0.1)), "0.1"],
  ] as const;
  for (const [e, text] of cases) assert.is(printExpr(e), text);
});

test("a reduction names its axes apart from all others", () => {
  const k: Axis = { name: "i", extent: 9 };
  const y = load({ name: "y", shape: [9, 4], dtype: "f32" }, [index(k), index(i)]);
  const body = call("add", reduce("sum", [k], call("mul", y, x)), x);
  const output = { name: "out", shape: [4], dtype: "f32" } as const;
  const kernel = { name: "out", output, axes: [i], body };
  assert.is(printCompute(kernel), "out[i] = (Σ i2<9: y[i2, i]·x[i]) + x[i]");
  const max = reduce("max", [i, k], call("mul", y, x));
  assert.is(printCompute({ ...kernel, axes: [], body: max }), "out = max i<4, i2<9: y[i2, i]·x[i]");
});

test("a value that is used twice is named once, after those it uses", () => {
  const e = call("exp", x);
  const s = call("mul", e, e);
  assert.is(
    printExpr(call("div", s, call("add", s, two))),
    "t1 / (t1 + 2)\n  where t0 = exp(x[i])\n  where t1 = t0·t0",
  );
});

/** w' = relu(x·w + b): one step of nothing useful. */
function sample(): Graph {
  const data = variable({ name: "x", shape: [2, 3], kind: "data", constant: true });
  const w = variable({ name: "dense/kernel", shape: [3, 3] });
  const b = variable({ name: "dense/bias", shape: [2, 3] });
  const value = scoped("dense", () => relu(add(einsum("bi,io->bo", data, w), b)));
  return { name: "step", updates: [{ variable: b, value }] };
}

test("a graph", () => {
  assert.is(
    printGraph(sample()),
    `graph step: 6 tensors

variables
  %0 = dense/bias f32[2, 3]  state
  %1 = x f32[2, 3]  constant data
  %2 = dense/kernel f32[3, 3]  state

dense
  %3 = contract(%1, %2) f32[2, 3]  C[b, o] = Σ A[b, i]·B[i, o]
  %4 = add(%3, %0) f32[2, 3]
  %5 = relu(%4) f32[2, 3]

updates
  dense/bias ← %5`,
  );
});

test("a graph for Graphviz and as data", () => {
  const dot = printGraphDot(sample());
  assert.match(dot, '  n1 [label="x\\nf32[2, 3]", shape=box, fillcolor="#eeeeee"];');
  assert.match(dot, "  n1 -> n3;\n  n2 -> n3;");
  assert.match(dot, "  n5 -> n0 [style=dashed, constraint=false];\n}");
  const { tensors, updates } = graphToJson(sample());
  const { id, op, scope, shape, inputs } = tensors[4]!;
  assert.equal([id, op, scope, shape, inputs], [4, "add", "dense", [2, 3], [3, 0]]);
  assert.equal(updates, [{ variable: "dense/bias", value: 5 }]);
});

test("a program", () => {
  const traits = { maxInputs: 8, contiguousSums: false };
  assert.is(
    printProgram(compile([sample()], traits)),
    `procedure step: 1 kernels, 48 operations a step
  f32[2, 3] dense/bias.next[i, j] = max((Σ i2<3: x[i, i2]·dense/kernel[i2, j]) + dense/bias[i, j], 0)

updates
  dense/bias ← dense/bias.next

memory: an arena of 16 elements
  0 + 6  dense/bias.next`,
  );
});

test.run();
