/**
 * Everything in the catalogues of losses, metrics, regularizers and constraints, as one program, on every
 * backend that works here: the values and the losses' gradients are the interpreter's.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import type { Tensor } from "../../src/ir/graph.ts";
import { constraintOption, constraints } from "../../src/nn/constraints.ts";
import { batchLoss, losses, lossOption } from "../../src/nn/losses/index.ts";
import { metricOption, metrics } from "../../src/nn/metrics/index.ts";
import { regularizerOption, regularizers } from "../../src/nn/regularizers.ts";
import { add } from "../../src/ops/pointwise.ts";
import { workingBackends } from "../support/backends.ts";
import { evaluate, input, random } from "../support/evaluate.ts";
import { difference } from "../support/keras.ts";

const [rows, classes] = [7, 4];
const r = random(11);
const exact = (values: Float64Array) => Float64Array.from(Float32Array.from(values));
const labels = Float64Array.from({ length: rows }, () => r.int(0, classes - 1));
const hot = Float64Array.from({ length: rows * classes }, (_, i) =>
  labels[Math.floor(i / classes)] === i % classes ? 1 : 0,
);
const p = input("p", [rows, classes]);
const feed = new Map([
  [p, exact(r.array(rows * classes, 0.05, 0.95))],
  [input("labels", [rows]), labels],
  [input("hot", [rows, classes]), hot],
  [input("mask", [rows]), Float64Array.from({ length: rows }, (_, i) => (i % 3 === 1 ? 0 : 1))],
]);
const [, byLabel, byValue, mask] = [...feed.keys()];
const targetFor = (form: "labels" | "values") => (form === "labels" ? byLabel! : byValue!);

/** Options that must be given. */
const needed = (name: string) => {
  const [, given] = name.split("_at_");
  if (given !== undefined) return { [given]: 0.5 };
  const own = { num_classes: classes, ...(name.includes("mean") ? {} : { target_class_ids: [1] }) };
  const sparse = name.includes("one_hot") ? {} : { sparse_y_pred: false };
  return name.endsWith("io_u") && name !== "binary_io_u" ? { ...own, ...sparse } : {};
};

const outputs: [string, Tensor][] = [
  ...losses.flatMap(({ name }): [string, Tensor][] => {
    const own = lossOption().parse(name);
    const loss = batchLoss(own, targetFor(own.definition.targets), p, { mask });
    return [
      [`loss ${name}`, loss],
      [`gradient of ${name}`, gradients(loss, [p])[0]!],
    ];
  }),
  ...metrics.flatMap(({ name }) => {
    const { definition, options } = metricOption().parse({ [name]: needed(name) });
    const form = definition.targets(byValue!, p, options);
    const sums = definition.sums(targetFor(form), p, options, mask);
    return Object.entries(sums).map(([sum, x]): [string, Tensor] => [`metric ${name}, ${sum}`, x]);
  }),
  ...regularizers.map(({ name }): [string, Tensor] => {
    const { definition, options } = regularizerOption().parse(name);
    return [`regularizer ${name}`, definition.penalty(p, options)];
  }),
  ...constraints.map(({ name }): [string, Tensor] => {
    const { definition, options } = constraintOption().parse(name);
    return [`constraint ${name}`, definition.apply(p, options)];
  }),
];
// As in a run, every output is added to something of its own: mse and rmse have the same sum.
const tensors = outputs.map(([, x], i) => add(x, input(`before${i}`, [])));
const want = await evaluate(tensors, feed, reference);

for (const backend of await workingBackends()) {
  test(`${backend.name}: losses, metrics, regularizers, constraints`, async () => {
    const got = await evaluate(tensors, feed, backend);
    for (const [i, [name]] of outputs.entries()) {
      const off = difference(got[i]!, want[i]!);
      assert.ok(off < 2e-5, `${name}: off by ${off}`);
    }
  });
}

test.run();
