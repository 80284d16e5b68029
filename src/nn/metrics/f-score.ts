/** F scores, harmonic means of precision and recall (https://keras.io/api/metrics/classification_metrics/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { max } from "../../ops/reduce.ts";
import { epsilon } from "../losses/loss.ts";
import { classOption, counts, unfitSelection } from "./confusion.ts";
import { asOneHot, byShapes, defineMetric, type Metric, type Totals } from "./metric.ts";
import { byOutput } from "./regression.ts";

const sumNames = ["true_positives", "false_positives", "false_negatives"] as const;
type SumName = (typeof sumNames)[number];
type Average = "micro" | "macro" | "weighted";

/** Which predictions are positive: those above the threshold; without one the largest, if it is not 0. */
function positive(p: Tensor, threshold: number | null): Tensor {
  if (threshold !== null) return op.greater(p, threshold);
  const largest = max(p, [p.type.shape.length - 1]);
  return op.mul(op.lessEqual(largest, p), op.greater(op.abs(p), 1e-9));
}

/** (1 + β²)·P·R/(β²·P + R), with ε in every denominator as Keras has it. */
function score(tp: number, fp: number, fn: number, beta: number): number {
  const precision = tp / (tp + fp + epsilon);
  const recall = tp / (tp + fn + epsilon);
  const b = beta * beta;
  return ((1 + b) * precision * recall) / (b * precision + recall + epsilon);
}

/** The score of one class, of all classes together, or the mean of the classes' scores. */
function average(
  totals: Totals<SumName>,
  beta: number,
  { average: how, class_id }: { readonly average: Average; readonly class_id: number | null },
): number {
  const [tp, fp, fn] = sumNames.map((name) => Array.from(totals[name]));
  if (class_id !== null) return score(tp![class_id]!, fp![class_id]!, fn![class_id]!, beta);
  const all = (a: readonly number[]) => a.reduce((x, y) => x + y, 0);
  if (how === "micro") return score(all(tp!), all(fp!), all(fn!), beta);
  const scores = tp!.map((t, k) => score(t, fp![k]!, fn![k]!, beta));
  if (how === "macro") return all(scores) / scores.length;
  const weights = tp!.map((t, k) => t + fn![k]!);
  return all(scores.map((s, k) => (s * weights[k]!) / (all(weights) + epsilon)));
}

/** Keras knows F scores of examples of one dimension only; and the class must be one. */
function unfit(shape: Shape, { class_id }: { readonly class_id: number | null }) {
  if (shape.length === 2) return unfitSelection(shape, { class_id, top_k: null });
  return {
    path: [],
    message: "an F score needs outputs of one dimension",
    expected: "(None, classes)",
    fix: "put `flatten` before the output, or use `precision` and `recall`",
  };
}

const options = {
  average: z
    .enum(["micro", "macro", "weighted"])
    .default("macro")
    .describe(
      "micro: all classes counted together; macro: mean of the classes; weighted: by size.",
    ),
  class_id: classOption.describe("Only this class: of what Keras gives with average=None."),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .nullable()
    .default(null)
    .describe("Predictions above it are positive; without it the largest of each sample."),
};
const sums = (y: Tensor, p: Tensor, { threshold }: { readonly threshold: number | null }) => {
  const found = { actual: asOneHot(y, p), predicted: positive(p, threshold) };
  const [tp, fp, fn] = sumNames.map((name) => byOutput(counts[name](found)));
  return { true_positives: tp!, false_positives: fp!, false_negatives: fn! };
};

export const fScores: readonly Metric[] = [
  defineMetric({
    name: "f1",
    aliases: ["f1_score"],
    doc: "Harmonic mean of precision and recall, 2·P·R/(P + R)",
    better: "higher",
    options,
    targets: byShapes,
    unfit,
    sums,
    finish: (totals: Totals<SumName>, own) => average(totals, 1, own),
  }),
  defineMetric({
    name: "fbeta",
    aliases: ["fbeta_score"],
    doc: "(1 + β²)·P·R/(β²·P + R): recall counts β times as much as precision",
    better: "higher",
    options: {
      beta: z.number().positive().default(1).describe("Weight of recall against precision."),
      ...options,
    },
    targets: byShapes,
    unfit,
    sums,
    finish: (totals: Totals<SumName>, own) => average(totals, own.beta, own),
  }),
];
