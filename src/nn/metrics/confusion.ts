/**
 * What is counted in a confusion matrix (https://keras.io/api/metrics/classification_metrics/). A target
 * other than 0 is positive; a prediction is, if it lies above the threshold. Class numbers as targets are
 * taken as one-hot, which Keras leaves to the user.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { iota, reshape, slice } from "../../ops/view.ts";
import type { Problem } from "../../support/errors.ts";
import { asOneHot, byShapes, defineMetric, type Metric, share } from "./metric.ts";

/** The outcomes as 0/1 tensors, one a prediction. */
interface Outcomes {
  readonly actual: Tensor;
  readonly predicted: Tensor;
}
const both = ({ actual, predicted }: Outcomes) => op.mul(actual, predicted);
const total = (x: Tensor) => sum(x, undefined, false);
export const counts = {
  true_positives: both,
  false_positives: ({ actual, predicted }: Outcomes) => op.mul(op.sub(1, actual), predicted),
  true_negatives: ({ actual, predicted }: Outcomes) =>
    op.mul(op.sub(1, actual), op.sub(1, predicted)),
  false_negatives: ({ actual, predicted }: Outcomes) => op.mul(actual, op.sub(1, predicted)),
} as const;
type Count = keyof typeof counts;

/** 1 where a target is not 0. */
export const isPositive = (y: Tensor): Tensor => op.sub(1, op.equal(y, 0));

/** 1 at the k largest predictions of a sample; of equal ones the first come first. */
function topK(p: Tensor, k: number): Tensor {
  const { shape } = p.type;
  const rows = shape.slice(0, -1);
  const classes = shape.at(-1)!;
  const own = reshape(p, [...rows, classes, 1]);
  const other = reshape(p, [...rows, 1, classes]);
  const position = op.float(iota([classes]));
  const earlier = op.less(reshape(position, [1, classes]), reshape(position, [classes, 1]));
  const ahead = op.add(op.greater(other, own), op.mul(op.equal(other, own), earlier));
  return op.less(sum(ahead, [shape.length], false), k);
}

interface Selection {
  readonly thresholds: number | null;
  readonly top_k: number | null;
  readonly class_id: number | null;
}
/** Which predictions are positive, of all classes or of one. */
function outcomes(y: Tensor, p: Tensor, { thresholds, top_k, class_id }: Selection): Outcomes {
  const above = op.greater(p, thresholds ?? 0.5);
  const chosen = top_k === null ? above : topK(p, top_k);
  // Among the k largest a threshold counts only if there is one.
  const predicted = top_k !== null && thresholds !== null ? op.mul(chosen, above) : chosen;
  const actual = isPositive(asOneHot(y, p));
  if (class_id === null) return { actual, predicted };
  return { actual: ofClass(actual, class_id), predicted: ofClass(predicted, class_id) };
}
/** The predictions or targets of one class. */
export function ofClass(x: Tensor, id: number): Tensor {
  const { shape } = x.type;
  return slice(x, [...shape.slice(0, -1).map(() => 0), id], [...shape.slice(0, -1), 1]);
}

/** That the class and k exist. */
export function unfitSelection(
  shape: Shape,
  { class_id, top_k }: Omit<Selection, "thresholds">,
): Problem | undefined {
  const classes = shape.at(-1)!;
  const wrong = (option: string, expected: string, received: number): Problem => ({
    path: [option],
    message: `\`${option}\` does not fit the ${classes} outputs`,
    expected,
    received: `${received}`,
  });
  if (class_id !== null && class_id >= classes)
    return wrong("class_id", `0 to ${classes - 1}`, class_id);
  return top_k !== null && top_k > classes ? wrong("top_k", `1 to ${classes}`, top_k) : undefined;
}

const thresholdOption = z
  .number()
  .min(0)
  .max(1)
  .nullable()
  .default(null)
  .describe("Predictions above it are positive; without it 0.5, or all of the top_k.");
export const classOption = z
  .int()
  .min(0)
  .nullable()
  .default(null)
  .describe("Only this class counts.");
const selection = {
  thresholds: thresholdOption,
  top_k: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("Only the k largest predictions of a sample are positive."),
  class_id: classOption,
};

const counting = (name: Count, doc: string): Metric =>
  defineMetric({
    name,
    doc,
    options: {
      thresholds: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("Predictions above it are positive."),
    },
    targets: byShapes,
    sums: (y, p, { thresholds }) => ({
      count: total(counts[name](outcomes(y, p, { thresholds, top_k: null, class_id: null }))),
    }),
    finish: ({ count }) => count[0]!,
  });

/** How many of the predictions, or of the samples, that are positive are both. */
const ratio = (name: string, doc: string, of: "predicted" | "actual") =>
  defineMetric({
    name,
    doc,
    better: "higher",
    options: selection,
    targets: byShapes,
    unfit: unfitSelection,
    sums(y, p, options) {
      const found = outcomes(y, p, options);
      return { hits: total(both(found)), all: total(found[of]) };
    },
    finish: ({ hits, all }) => share(hits[0]!, all[0]!),
  });

export const confusionMetrics: readonly Metric[] = [
  counting("true_positives", "How many positive samples are predicted so"),
  counting("false_positives", "How many negative samples are predicted positive"),
  counting("true_negatives", "How many negative samples are predicted so"),
  counting("false_negatives", "How many positive samples are predicted negative"),
  ratio("precision", "Share of the positive predictions that are right: TP/(TP + FP)", "predicted"),
  ratio("recall", "Share of the positive samples that are found: TP/(TP + FN)", "actual"),
];
