/**
 * Areas under curves that a threshold runs along (https://keras.io/api/metrics/classification_metrics/). The
 * graph counts the positives above each threshold; the curve is drawn from the totals.
 */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { iota, reshape } from "../../ops/view.ts";
import type { Problem } from "../../support/errors.ts";
import { epsilon, vector } from "../losses/loss.ts";
import { isPositive } from "./confusion.ts";
import { asOneHot, byShapes, defineMetric, type Metric, share, type Totals } from "./metric.ts";

interface Options {
  readonly num_thresholds: number;
  readonly thresholds: readonly number[] | null;
  readonly curve: "ROC" | "PR" | "PRGAIN";
  readonly summation_method: "interpolation" | "majoring" | "minoring";
  readonly multi_label: boolean;
  readonly label_weights: readonly number[] | null;
  readonly from_logits: boolean;
}

/** Thresholds between 0 and 1, both ends included, and whether they are evenly spread. */
function thresholdsOf({ thresholds, num_thresholds }: Options) {
  if (thresholds === null) return { count: num_thresholds, even: true, inner: [] };
  const inner = [...thresholds].sort((a, b) => a - b);
  const count = inner.length + 2;
  const even = inner.every((t, i) => Math.abs(t - (i + 1) / (count - 1)) <= 1e-5 * t + epsilon);
  return { count, even: even && count > 2, inner };
}

/** 1 where a prediction is above a threshold, [thresholds, n, labels] for predictions [n, labels]. */
function above(predictions: Tensor, options: Options): Tensor {
  const { count, even, inner } = thresholdsOf(options);
  const p = reshape(predictions, [1, ...predictions.type.shape]);
  if (!even) {
    // Keras puts the ends just outside, so that every probability lies between them.
    const all = [-epsilon, ...inner, 1 + epsilon];
    return op.greater(p, reshape(vector(all), [count, 1, 1]));
  }
  // Everything counts as above the first threshold, 0 too.
  return op.maximum(aboveEven(p, count), op.equal(op.float(iota([count, 1, 1])), 0));
}

/**
 * 1 where a prediction is above the threshold i/(count − 1): [count, …] for predictions [1, …]. Computed as
 * Keras does it, who sorts into buckets, ⌈p·(count − 1)⌉ − 1.
 */
export function aboveEven(p: Tensor, count: number): Tensor {
  const position = op.float(iota([count, ...p.type.shape.slice(1).map(() => 1)]));
  return op.less(position, op.mul(op.clip(p, 0, 1), count - 1));
}

/** Samples by labels: all alike unless labels have curves or weights of their own. */
function byLabel(x: Tensor, { multi_label, label_weights }: Options): Tensor {
  const labels = multi_label || label_weights ? x.type.shape.at(-1)! : 1;
  return reshape(x, [sizeOf(x.type.shape) / labels, labels]);
}

/** Counts at each threshold. */
interface Counts {
  readonly tp: readonly number[];
  readonly fp: readonly number[];
  readonly positives: number;
  readonly negatives: number;
}

/** The curve as points, thresholds ascending. */
function points({ tp, fp, positives, negatives }: Counts, curve: Options["curve"]) {
  return tp.map((t, i): readonly [x: number, y: number] => {
    const recall = share(t, positives);
    if (curve === "ROC") return [share(fp[i]!, negatives), recall];
    if (curve === "PR") return [recall, share(t, t + fp[i]!)];
    const odds = share(positives, negatives);
    if (t === 0) return [0, 1];
    return [Math.max(0, 1 - odds * share(positives - t, t)), 1 - odds * share(fp[i]!, t)];
  });
}

const heights = {
  interpolation: (a: number, b: number) => (a + b) / 2,
  majoring: Math.max,
  minoring: Math.min,
} as const;

/** Riemann sum along the curve. */
function area(counts: Counts, { curve, summation_method }: Options): number {
  if (curve === "PR" && summation_method === "interpolation") return interpolatedArea(counts);
  const curvePoints = points(counts, curve);
  const height = heights[summation_method];
  return curvePoints.slice(1).reduce((sum, [x, y], i) => {
    const [before, above] = curvePoints[i]!;
    return sum + (before - x) * height(above, y);
  }, 0);
}

/** Between two thresholds true positives grow in proportion to all positives (Davis & Goadrich 2006). */
function interpolatedArea({ tp, fp, positives }: Counts): number {
  const p = tp.map((t, i) => t + fp[i]!);
  return tp.slice(1).reduce((sum, t, i) => {
    const dtp = tp[i]! - t;
    const slope = share(dtp, Math.max(p[i]! - p[i + 1]!, 0));
    const intercept = t - slope * p[i + 1]!;
    const ratio = p[i]! > 0 && p[i + 1]! > 0 ? p[i]! / p[i + 1]! : 1;
    return sum + share(slope * (dtp + intercept * Math.log(ratio)), positives);
  }, 0);
}

type SumName = "true_positives" | "false_positives" | "positives" | "negatives";

/** The counts of one label, or of all with their weights. */
function countsOf(totals: Totals<SumName>, label: number | readonly number[]): Counts {
  const labels = totals.positives.length;
  const weights = typeof label === "number" ? undefined : label;
  const at = (a: ArrayLike<number>, row: number) =>
    weights
      ? weights.reduce((s, w, k) => s + w * a[row * labels + k]!, 0)
      : a[row * labels + (label as number)]!;
  const rows = Array.from({ length: totals.true_positives.length / labels }, (_, i) => i);
  return {
    tp: rows.map((i) => at(totals.true_positives, i)),
    fp: rows.map((i) => at(totals.false_positives, i)),
    positives: at(totals.positives, 0),
    negatives: at(totals.negatives, 0),
  };
}

function unfit(shape: Shape, { multi_label, label_weights }: Options): Problem | undefined {
  const labels = shape.at(-1)!;
  if (multi_label && shape.length !== 2) {
    const message = "curves by label need outputs of one dimension";
    return { path: ["multi_label"], message, expected: "(None, labels)" };
  }
  if (!label_weights || label_weights.length === labels) return undefined;
  return {
    path: ["label_weights"],
    message: "there are not as many weights as labels",
    expected: `a list of ${labels}`,
    received: `a list of ${label_weights.length}`,
  };
}

const options = {
  num_thresholds: z.int().min(2).default(200).describe("Thresholds, evenly spread over 0 to 1."),
  curve: z
    .enum(["ROC", "PR", "PRGAIN"])
    .default("ROC")
    .describe("True against false positive rate, precision against recall, or the gains of these."),
  summation_method: z
    .enum(["interpolation", "majoring", "minoring"])
    .default("interpolation")
    .describe("Height between two thresholds: the middle, the higher, or the lower."),
  thresholds: z
    .array(z.number().min(0).max(1))
    .min(1)
    .nullable()
    .default(null)
    .describe("These thresholds, and 0 and 1, instead."),
  multi_label: z.boolean().default(false).describe("A curve for each output, and the areas' mean."),
  label_weights: z
    .array(z.number().min(0))
    .min(1)
    .nullable()
    .default(null)
    .describe("Weights of the outputs."),
  from_logits: z.boolean().default(false).describe("Predictions are logits, not probabilities."),
};

export const auc: Metric = defineMetric({
  name: "auc",
  doc: "Area under the ROC curve, or under that of precision and recall",
  better: "higher",
  options,
  targets: byShapes,
  unfit,
  sums(y, p, o) {
    const actual = byLabel(isPositive(asOneHot(y, p)), o); // [n, labels]
    const hits = above(byLabel(o.from_logits ? op.sigmoid(p) : p, o), o);
    const total = (x: Tensor) => sum(x, [x.type.shape.length - 2], false);
    const row = reshape(actual, [1, ...actual.type.shape]);
    return {
      true_positives: total(op.mul(hits, row)),
      false_positives: total(op.mul(hits, op.sub(1, row))),
      positives: total(actual),
      negatives: total(op.sub(1, actual)),
    };
  },
  finish(totals: Totals<SumName>, o) {
    const labels = totals.positives.length;
    const weights = o.label_weights ?? Array<number>(labels).fill(1);
    if (!o.multi_label) return area(countsOf(totals, weights), o);
    const areas = weights.map((w, label) => w * area(countsOf(totals, label), o));
    const sum = (a: readonly number[]) => a.reduce((x, y) => x + y, 0);
    return share(sum(areas), sum(weights));
  },
});
