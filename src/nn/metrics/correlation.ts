/** Correlation of predictions with targets along a dimension (https://keras.io/api/metrics/regression_metrics/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { mean } from "../../ops/reduce.ts";
import type { Problem } from "../../support/errors.ts";
import { dimension, epsilon, unfitAxis } from "../losses/loss.ts";
import { defineMean, type Metric } from "./metric.ts";

const options = {
  axis: z.int().default(-1).describe("Dimension along which values are correlated."),
};

function unfit(shape: Shape, { axis }: { readonly axis: number }, mask?: Shape) {
  const problem: Problem | undefined = unfitAxis(axis, shape, mask);
  if (problem || shape[dimension(axis, shape)!]! > 1) return problem;
  return {
    path: ["axis"],
    message:
      "a single value correlates with nothing: it is taken along a dimension of each example",
    expected: "a dimension of more than 1",
    received: `${axis}, along which there is 1`,
    fix: "use `r2` for one output: it looks at all examples together",
  };
}

/** Deviations from the mean along dimensions, and without these the mean and the variance. */
function moments(x: Tensor, dims: readonly number[]) {
  const off = op.sub(x, mean(x, dims));
  return { off, center: mean(x, dims, false), variance: mean(op.square(off), dims, false) };
}
function both(y: Tensor, p: Tensor, axis: number) {
  const dims = [dimension(axis, p.type.shape)!];
  const [a, b] = [moments(y, dims), moments(p, dims)];
  return { a, b, covariance: mean(op.mul(a.off, b.off), dims, false) };
}

export const correlations: readonly Metric[] = [
  defineMean({
    name: "pearson_correlation",
    doc: "cov(y, ŷ)/(σ(y)·σ(ŷ)) along a dimension of each example; not a number where one of them is constant",
    better: "higher",
    options,
    unfit,
    values(y, p, { axis }) {
      const { a, b, covariance } = both(y, p, axis);
      return op.div(covariance, op.mul(op.sqrt(a.variance), op.sqrt(b.variance)));
    },
  }),
  defineMean({
    name: "concordance_correlation",
    doc: "2·cov(y, ŷ)/(σ²(y) + σ²(ŷ) + (ȳ − mean ŷ)² + 1e-7) along a dimension of each example (Lin 1989)",
    better: "higher",
    options,
    unfit,
    values(y, p, { axis }) {
      const { a, b, covariance } = both(y, p, axis);
      const apart = op.square(op.sub(a.center, b.center));
      const spread = op.add(op.add(op.add(a.variance, b.variance), apart), epsilon);
      return op.div(op.mul(covariance, 2), spread);
    },
  }),
];
