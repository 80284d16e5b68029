/** Metrics of numbers, and losses as metrics (https://keras.io/api/metrics/regression_metrics/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { fill } from "../../ops/view.ts";
import { losses } from "../losses/index.ts";
import { type Loss, lastMean, unfitAxis } from "../losses/loss.ts";
import { axisOption, cosine } from "../losses/regression.ts";
import { asValues, defineMean, defineMetric, type Metric } from "./metric.ts";

/** Sums over all but the last dimension, [n]. */
export const byOutput = (x: Tensor): Tensor =>
  sum(x, x.type.shape.map((_, d) => d).slice(0, -1), false);

const r2Sums = (y: Tensor, p: Tensor) => ({
  sum: byOutput(y),
  squares: byOutput(op.square(y)),
  residual: byOutput(op.square(op.sub(y, p))),
  count: fill(
    p.type.shape.slice(0, -1).reduce((n, d) => n * d, 1),
    [],
  ),
});

/** 1 − (1 − r²)·(n − 1)/(n − p − 1), if there are enough examples for it. */
function adjusted(r2: number, n: number, regressors: number): number {
  const enough = regressors !== 0 && regressors < n - 1;
  return enough ? 1 - ((1 - r2) * (n - 1)) / (n - regressors - 1) : r2;
}

/** A loss as a metric: its mean over the samples. */
export const metricOfLoss = ({ name, aliases = [], doc, options, ...loss }: Loss): Metric =>
  defineMean({
    name,
    aliases,
    doc,
    options,
    better: "lower",
    targets: () => loss.targets,
    ...(loss.unfit ? { unfit: loss.unfit } : {}),
    values: loss.perSample,
  });

export const regressionMetrics: readonly Metric[] = [
  defineMean({
    name: "rmse",
    aliases: ["root_mean_squared_error"],
    doc: "Root of the mean squared error",
    better: "lower",
    options: {},
    values: (y, p) => lastMean(op.square(op.sub(y, p))),
    last: Math.sqrt,
    masks: "ignored",
  }),
  defineMetric({
    name: "r2",
    aliases: ["r2_score"],
    doc: "1 − Σ(y − ŷ)²/Σ(y − ȳ)², the share of the variance that is explained",
    better: "higher",
    options: {
      class_aggregation: z
        .enum(["uniform_average", "variance_weighted_average"])
        .default("uniform_average")
        .describe("How several outputs become one number."),
      num_regressors: z.int().min(0).default(0).describe("Adjust for so many regressors."),
    },
    targets: asValues,
    sums: r2Sums,
    finish(totals, { class_aggregation, num_regressors }) {
      const count = totals.count[0]!;
      const outputs = Array.from(totals.sum, (s, k) => {
        const spread = totals.squares[k]! - (s * s) / count;
        const score = 1 - totals.residual[k]! / spread;
        return { spread, score: Math.abs(score) === Number.POSITIVE_INFINITY ? 0 : score };
      });
      const weighted = class_aggregation === "variance_weighted_average";
      const weights = outputs.map(({ spread }) => (weighted ? spread : 1));
      const all = weights.reduce((a, b) => a + b);
      const r2 = outputs.reduce((a, { score }, k) => a + score * weights[k]!, 0) / all;
      return adjusted(r2, count * outputs.length, num_regressors);
    },
  }),
  defineMean({
    name: "cosine_similarity",
    doc: "Cos of the angle between y and ŷ: 1 for the same direction",
    better: "higher",
    options: { axis: axisOption },
    unfit: (shape, { axis }, mask) => unfitAxis(axis, shape, mask),
    values: (y, p, { axis }) => cosine(y, p, axis),
  }),
];

/** Every loss but those that have a namesake among the metrics. */
export const lossMetrics: readonly Metric[] = losses
  .filter((loss) => !regressionMetrics.some((m) => m.name === loss.name))
  .map(metricOfLoss);
