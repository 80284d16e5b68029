/**
 * Intersection over union, TP/(TP + FP + FN) of a class (https://keras.io/api/metrics/segmentation_metrics/). Summed
 * are the three counts of every class that it is made of, not the whole confusion matrix.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { argmax } from "../../ops/reduce.ts";
import type { Problem } from "../../support/errors.ts";
import { epsilon, lastSum, oneHot, type TargetForm } from "../losses/loss.ts";
import { behind, differs } from "../mask.ts";
import { asValues, defineMetric, type Metric, share, type Totals } from "./metric.ts";
import { byOutput } from "./regression.ts";

type SumName = "both" | "actual" | "predicted";

/** Class numbers as Keras reads them: what lies between two of them is cut off towards 0. */
const whole = (x: Tensor): Tensor => op.mul(op.sign(x), op.floor(op.abs(x)));

/**
 * Of each class how often it is what is there, what is predicted, and both. What is no class, there or
 * predicted, does not count, nor does what is ignored.
 */
function counts(labels: Tensor, predicted: Tensor, classes: number, ignored: number | null) {
  const [y, p] = [oneHot(labels, classes), oneHot(predicted, classes)];
  const known = op.mul(lastSum(y), lastSum(p));
  const counting = ignored === null ? known : op.mul(known, differs(labels, ignored));
  const weight = behind(counting, y.type.shape.length);
  return {
    both: byOutput(op.mul(op.mul(y, p), weight)),
    actual: byOutput(op.mul(y, weight)),
    predicted: byOutput(op.mul(p, weight)),
  };
}

/** The mean over the wanted classes that occur. */
function meanOf(totals: Totals<SumName>, wanted: readonly number[]): number {
  const found = wanted.flatMap((k) => {
    const union = totals.actual[k]! + totals.predicted[k]! - totals.both[k]!;
    return union === 0 ? [] : [totals.both[k]! / (union + epsilon)];
  });
  const sum = found.reduce((a, b) => a + b, 0);
  return share(sum, found.length === 0 ? 0 : found.length + epsilon);
}

const classCount = z.int().positive().describe("How many classes there are.");
const targetClasses = z
  .array(z.int().min(0))
  .min(1)
  .describe("The classes whose mean is taken, such as [1].");
const ignoreClass = z
  .int()
  .nullable()
  .default(null)
  .describe("A label that does not count, such as -1 or 255 for what has no class.");
const sparseOptions = {
  ignore_class: ignoreClass,
  sparse_y_true: z
    .boolean()
    .default(true)
    .describe("Targets are class numbers, not one-hot or shares."),
  sparse_y_pred: z
    .boolean()
    .default(true)
    .describe("Predictions are class numbers; false: one for each class, of which the largest."),
};
interface Sparse {
  readonly num_classes: number;
  readonly ignore_class: number | null;
  readonly sparse_y_true: boolean;
  readonly sparse_y_pred: boolean;
}
const dense = { sparse_y_true: false, sparse_y_pred: false };

const all = (classes: number) => Array.from({ length: classes }, (_, k) => k);
const form = ({ sparse_y_true, sparse_y_pred }: Omit<Sparse, "num_classes" | "ignore_class">) =>
  sparse_y_true && !sparse_y_pred ? "labels" : "values";

function sums(y: Tensor, p: Tensor, o: Sparse) {
  const labels = o.sparse_y_true ? whole(y) : argmax(y);
  const predicted = o.sparse_y_pred ? whole(p) : argmax(p);
  return counts(labels, predicted, o.num_classes, o.ignore_class);
}

const unknownClass = (num_classes: number, target_class_ids: readonly number[] = []) => {
  const wrong = target_class_ids.findIndex((k) => k >= num_classes);
  if (wrong < 0) return undefined;
  return {
    path: ["target_class_ids", wrong],
    message: "there is no such class",
    expected: `0 to ${num_classes - 1}`,
    received: `${target_class_ids[wrong]}`,
  };
};

function check(o: Sparse & { readonly target_class_ids?: readonly number[] }): Problem | undefined {
  if (o.sparse_y_pred && !o.sparse_y_true) {
    return {
      path: ["sparse_y_true"],
      message: "predictions that are class numbers have the shape of targets that are such too",
      received: "sparse_y_true: false, sparse_y_pred: true",
      fix: "add `sparse_y_pred: false` if the model gives one number for each class",
    };
  }
  return unknownClass(o.num_classes, o.target_class_ids);
}

export const overlapMetrics: readonly Metric[] = [
  defineMetric({
    name: "io_u",
    doc: "Intersection over union, TP/(TP + FP + FN), mean of the target classes; of class numbers unless `sparse_y_pred: false`",
    better: "higher",
    options: { num_classes: classCount, target_class_ids: targetClasses, ...sparseOptions },
    check,
    targets: (_y, _p, o): TargetForm => form(o),
    sums,
    finish: (totals: Totals<SumName>, o) => meanOf(totals, o.target_class_ids),
  }),
  defineMetric({
    name: "mean_io_u",
    doc: "Intersection over union, TP/(TP + FP + FN), mean of all classes that occur; of class numbers unless `sparse_y_pred: false`",
    better: "higher",
    options: { num_classes: classCount, ...sparseOptions },
    check,
    targets: (_y, _p, o): TargetForm => form(o),
    sums,
    finish: (totals: Totals<SumName>, o) => meanOf(totals, all(o.num_classes)),
  }),
  defineMetric({
    name: "binary_io_u",
    doc: "Intersection over union, TP/(TP + FP + FN), of what is predicted 1 from a threshold on, and of the rest",
    better: "higher",
    options: {
      target_class_ids: targetClasses.default([0, 1]),
      threshold: z
        .number()
        .default(0.5)
        .describe("Predictions from it on, itself included, are class 1."),
    },
    check: ({ target_class_ids }) => unknownClass(2, target_class_ids),
    targets: asValues,
    sums: (y, p, { threshold }) => counts(whole(y), op.lessEqual(threshold, p), 2, null),
    finish: (totals: Totals<SumName>, o) => meanOf(totals, o.target_class_ids),
  }),
  defineMetric({
    name: "one_hot_io_u",
    doc: "`io_u` of targets and predictions with one number for each class, of which the largest counts",
    better: "higher",
    options: {
      num_classes: classCount,
      target_class_ids: targetClasses,
      ignore_class: ignoreClass,
    },
    check: (o) => unknownClass(o.num_classes, o.target_class_ids),
    targets: asValues,
    sums: (y, p, o) => sums(y, p, { ...o, ...dense }),
    finish: (totals: Totals<SumName>, o) => meanOf(totals, o.target_class_ids),
  }),
  defineMetric({
    name: "one_hot_mean_io_u",
    doc: "`mean_io_u` of targets and predictions with one number for each class, of which the largest counts",
    better: "higher",
    options: { num_classes: classCount, ignore_class: ignoreClass },
    targets: asValues,
    sums: (y, p, o) => sums(y, p, { ...o, ...dense }),
    finish: (totals: Totals<SumName>, o) => meanOf(totals, all(o.num_classes)),
  }),
];
