/** Metrics against Keras's numbers over batches of different size, targets being aligned as in a run. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Shape } from "../../src/ir/graph.ts";
import { namesOf } from "../../src/nn/definition.ts";
import { alignTarget } from "../../src/nn/losses/loss.ts";
import { metricOption, metrics } from "../../src/nn/metrics.ts";
import { mean } from "../../src/ops/reduce.ts";
import { evaluate, input } from "../support/evaluate.ts";
import { assertClose, feedOf, fixture, given, type Options } from "../support/keras.ts";

interface MetricRecord {
  readonly name: string;
  readonly options: Options;
  readonly note: string;
  readonly resolved?: string;
  readonly batches: readonly {
    readonly y_true: readonly number[];
    readonly y_true_shape: Shape;
    readonly y_pred: readonly number[];
    readonly y_pred_shape: Shape;
  }[];
  readonly value: number;
}
const records = fixture<MetricRecord[]>("metrics");
const isKnown = (name: string) => metrics.some((m) => namesOf(m).includes(name));

/** Mean over the rows of all batches, then what the metric makes of it. */
async function measured(name: string, { options: raw, batches }: MetricRecord): Promise<number> {
  const { definition, options } = metricOption().parse({ [name]: raw });
  let [total, rows] = [0, 0];
  for (const b of batches) {
    const [y, ys] = given("y", { shape: b.y_true_shape, values: b.y_true });
    const [p, ps] = given("p", { shape: b.y_pred_shape, values: b.y_pred });
    const aligned = alignTarget(y, p, definition.targets(y, p));
    assert.ok(aligned, "the target can be aligned");
    const value = mean(definition.values(aligned, p, options), undefined, false);
    const [batchMean] = await evaluate([value], feedOf([y, ys], [p, ps]));
    const size = b.y_pred_shape[0]!;
    total += batchMean![0]! * size;
    rows += size;
  }
  return definition.finish ? definition.finish(total / rows) : total / rows;
}

for (const r of records.filter(({ name }) => isKnown(name))) {
  test(`${r.name} ${JSON.stringify(r.options)}, ${r.note}, as in Keras`, async () => {
    assertClose([await measured(r.name, r)], [r.value], 6e-9, "value");
    if (r.resolved === undefined) return;
    assertClose([await measured(r.resolved, r)], [r.value], 6e-9, r.resolved);
  });
}

test("what is not there yet is top-k alone", () => {
  const missing = new Set(records.map((r) => r.name).filter((n) => !isKnown(n)));
  assert.equal(
    [...missing].sort(),
    ["sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy"].filter((n) => !isKnown(n)),
  );
});

test("every metric has records", () => {
  const known = new Set(records.map((r) => r.name));
  assert.equal(
    metrics.filter((m) => !namesOf(m).some((n) => known.has(n))),
    [],
  );
});

test("which targets go with which predictions", () => {
  const shapeFor = (target: Shape, prediction: Shape, form: "values" | "labels") =>
    alignTarget(input("y", target), input("p", prediction), form)?.type.shape;
  assert.equal(shapeFor([5], [5, 1], "values"), [5, 1]);
  assert.equal(shapeFor([5, 1], [5, 1], "values"), [5, 1]);
  assert.equal(shapeFor([5, 3, 1], [5, 3], "values"), [5, 3]);
  assert.equal(shapeFor([5, 3], [5, 3, 1], "values"), [5, 3, 1]);
  assert.equal(shapeFor([5, 1], [5, 4], "labels"), [5]);
  assert.equal(shapeFor([5], [5, 4], "labels"), [5]);
  assert.equal(shapeFor([5, 2], [5, 2, 4], "labels"), [5, 2]);
  assert.equal(shapeFor([5, 2, 1], [5, 2, 4], "labels"), [5, 2]);
  assert.is(shapeFor([5], [5, 4], "values"), undefined);
  assert.is(shapeFor([5, 2], [5, 4], "labels"), undefined);
  assert.is(shapeFor([5, 4, 2], [5, 2, 4], "values"), undefined, "not merely of the same size");
  assert.is(shapeFor([5, 4], [5, 4], "labels"), undefined);
});

test("accuracy by shapes: one output binary, class numbers sparse, else categorical", () => {
  const { definition } = metricOption().parse("acc");
  const form = (target: Shape, prediction: Shape) =>
    definition.targets(input("y", target), input("p", prediction));
  assert.is(form([5], [5, 1]), "values");
  assert.is(form([5, 1], [5, 1]), "values");
  assert.is(form([5], [5, 3]), "labels");
  assert.is(form([5, 1], [5, 3]), "labels");
  assert.is(form([5, 3], [5, 3]), "values");
  assert.is(form([5, 2], [5, 2, 3]), "labels");
});

test.run();
