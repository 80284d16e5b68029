/** Metrics against Keras's numbers over batches of different size, targets being aligned as in a run. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Shape } from "../../src/ir/graph.ts";
import { namesOf } from "../../src/nn/definition.ts";
import { alignTarget } from "../../src/nn/losses/loss.ts";
import { metricOption, metrics } from "../../src/nn/metrics/index.ts";
import { evaluate, input } from "../support/evaluate.ts";
import {
  assertClose,
  feedOf,
  fixture,
  given,
  type Options,
  type Values,
} from "../support/keras.ts";
import { parity, recordsOf } from "../support/parity.ts";

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
    readonly mask?: Values;
  }[];
  readonly value: number;
}
const records = fixture<MetricRecord[]>("metrics");
const masked = fixture<MetricRecord[]>("masked_metrics");

/** The sums of all batches added up, then what the metric makes of them. */
async function measured(
  name: string,
  { options: raw, batches }: Pick<MetricRecord, "options" | "batches">,
): Promise<number> {
  const { definition, options } = metricOption().parse({ [name]: raw });
  const totals: Record<string, number[]> = {};
  let rows = 0;
  for (const b of batches) {
    const [y, ys] = given("y", { shape: b.y_true_shape, values: b.y_true });
    const [p, ps] = given("p", { shape: b.y_pred_shape, values: b.y_pred });
    const aligned = alignTarget(y, p, definition.targets(y, p, options));
    assert.ok(aligned, "the target can be aligned");
    assert.is(definition.unfit?.(p.type.shape, options), undefined);
    const mask = b.mask ? [given("m", b.mask)] : [];
    const sums = Object.entries(definition.sums(aligned, p, options, mask[0]?.[0]));
    const values = await evaluate(
      sums.map(([, value]) => value),
      feedOf([y, ys], [p, ps], ...mask),
    );
    for (const [i, [sum]] of sums.entries())
      totals[sum] = [...values[i]!].map((v, k) => v + (totals[sum]?.[k] ?? 0));
    rows += b.y_pred_shape[0]!;
  }
  return definition.finish(totals, options, rows);
}

const { tolerance } = parity.metrics;
for (const r of recordsOf<MetricRecord>(parity.metrics)) {
  test(`${r.name} ${JSON.stringify(r.options)}, ${r.note}, as in Keras`, async () => {
    assertClose([await measured(r.name, r)], [r.value], tolerance, "value");
    if (r.resolved === undefined) return;
    assertClose([await measured(r.resolved, r)], [r.value], tolerance, r.resolved);
  });
}

test("class numbers are taken as one-hot where Keras wants them so", async () => {
  const batch = { y_pred: [0.7, 0.2, 0.1, 0.3, 0.3, 0.4, 0.2, 0.5, 0.3], y_pred_shape: [3, 3] };
  const labels = { ...batch, y_true: [0, 1, 1], y_true_shape: [3] };
  const hot = { ...batch, y_true: [1, 0, 0, 0, 1, 0, 0, 1, 0], y_true_shape: [3, 3] };
  for (const name of ["precision", "recall", "f1", "fbeta", "auc", "true_positives"]) {
    const of = (b: typeof hot) => measured(name, { options: {}, batches: [b] });
    assert.is(await of(labels), await of(hot), name);
  }
});

test("what no options can fit is said", () => {
  const message = (name: string, options: Options, shape: Shape) => {
    const parsed = metricOption().parse({ [name]: options });
    return parsed.definition.unfit?.(shape, parsed.options)?.message ?? "";
  };
  assert.match(message("precision", { class_id: 3 }, [5, 3]), /`class_id` does not fit the 3/);
  assert.match(message("recall", { top_k: 4 }, [5, 3]), /`top_k` does not fit the 3/);
  assert.match(message("f1", {}, [5, 2, 3]), /one dimension/);
  assert.match(message("fbeta", { class_id: 3 }, [5, 3]), /`class_id` does not fit the 3/);
  assert.match(message("auc", { multi_label: true }, [5, 2, 3]), /one dimension/);
  assert.match(message("auc", { label_weights: [1, 2] }, [5, 3]), /as many weights/);
  assert.match(message("cosine_similarity", { axis: 2 }, [5, 3]), /no such dimension/);
  assert.match(message("pearson_correlation", {}, [5, 1]), /correlates with nothing/);
  assert.match(message("concordance_correlation", { axis: 0 }, [5, 3]), /no such dimension/);
  assert.is(message("precision", { class_id: 2, top_k: 3 }, [5, 3]), "");
});

test("every metric has records", () => {
  // Losses have theirs, and are metrics by one rule.
  const known = new Set([...records, ...fixture<{ name: string }[]>("losses")].map((r) => r.name));
  assert.equal(
    metrics.filter((m) => !namesOf(m).some((n) => known.has(n))).map((m) => m.name),
    [],
  );
});

test("metrics with masks were recorded of every kind, and of those that ignore them", () => {
  const known = new Set(masked.map((r) => r.name));
  // F scores, R², circle and the generalized cross-entropy know examples of one dimension only.
  const rest = metrics.filter((m) => !namesOf(m).some((n) => known.has(n))).map((m) => m.name);
  assert.equal(rest, ["categorical_generalized_cross_entropy", "circle", "r2", "f1", "fbeta"]);
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
  const { definition, options } = metricOption().parse("acc");
  const form = (target: Shape, prediction: Shape) =>
    definition.targets(input("y", target), input("p", prediction), options);
  assert.is(form([5], [5, 1]), "values");
  assert.is(form([5, 1], [5, 1]), "values");
  assert.is(form([5], [5, 3]), "labels");
  assert.is(form([5, 1], [5, 3]), "labels");
  assert.is(form([5, 3], [5, 3]), "values");
  assert.is(form([5, 2], [5, 2, 3]), "labels");
});

test.run();
