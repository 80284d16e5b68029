/** Shares of right answers (https://keras.io/api/metrics/accuracy_metrics/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { argmax, sum } from "../../ops/reduce.ts";
import { reshape } from "../../ops/view.ts";
import { lastMean, oneHot } from "../losses/loss.ts";
import { asLabels, byShapes, defineMean, type MeanMetric, type Metric } from "./metric.ts";

const binary = (y: Tensor, p: Tensor, threshold: number) =>
  lastMean(op.equal(y, op.greater(p, threshold)));
const categorical = (y: Tensor, p: Tensor) => op.equal(argmax(y), argmax(p));
const sparse = (labels: Tensor, p: Tensor) => op.equal(labels, argmax(p));

/** 1 where fewer than k predictions are larger than the one at the label; of equal ones all count. */
function inTopK(labels: Tensor, p: Tensor, k: number): Tensor {
  const last = p.type.shape.length - 1;
  const own = sum(op.mul(p, oneHot(labels, p.type.shape[last]!)), [last]);
  return op.less(reshape(sum(op.greater(p, own), [last]), labels.type.shape), k);
}
const kOption = z
  .int()
  .positive()
  .default(5)
  .describe("How many of the largest predictions count.");

/** A share of right answers: the more the better. */
const defineShare = <S extends z.ZodRawShape>(metric: MeanMetric<S>): Metric =>
  defineMean({ ...metric, better: "higher" });

export const accuracies: readonly Metric[] = [
  defineShare({
    name: "accuracy",
    aliases: ["acc"],
    doc: "Share of right answers: binary for one output, sparse for class numbers, else categorical",
    options: {},
    targets: byShapes,
    values(y, p) {
      if (p.type.shape.at(-1) === 1) return binary(y, p, 0.5);
      return y.type.shape.length < p.type.shape.length ? sparse(y, p) : categorical(y, p);
    },
  }),
  defineShare({
    name: "binary_accuracy",
    doc: "Share of predictions on the right side of the threshold",
    options: { threshold: z.number().default(0.5).describe("Predictions above it count as 1.") },
    values: (y, p, { threshold }) => binary(y, p, threshold),
  }),
  defineShare({
    name: "categorical_accuracy",
    doc: "Share of samples whose largest prediction is at the largest target",
    options: {},
    values: categorical,
  }),
  defineShare({
    name: "sparse_categorical_accuracy",
    doc: "Share of samples whose largest prediction is at the label",
    options: {},
    targets: asLabels,
    values: sparse,
  }),
  defineShare({
    name: "top_k_categorical_accuracy",
    doc: "Share of samples with the largest target's place among the k largest predictions",
    options: { k: kOption },
    values: (y, p, { k }) => inTopK(argmax(y), p, k),
  }),
  defineShare({
    name: "sparse_top_k_categorical_accuracy",
    doc: "Share of samples with the label among the k largest predictions",
    options: { k: kOption },
    targets: asLabels,
    values: (labels, p, { k }) => inTopK(labels, p, k),
  }),
];
