/** Losses between numbers (https://keras.io/api/losses/regression_losses/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum, unitLength } from "../../ops/reduce.ts";
import { defineLoss, dimension, epsilon, type Loss, lastMean, lastSum, unfitAxis } from "./loss.ts";

const difference = (y: Tensor, p: Tensor) => op.sub(y, p);
/** log(max(x, ε) + 1) */
const log1 = (x: Tensor) => op.log(op.add(op.maximum(x, epsilon), 1));
/** log cosh x = x + log(1 + e^(−2x)) − log 2, which cannot overflow; its derivative is tanh x. */
const logCosh = (x: Tensor) => op.sub(op.add(x, op.softplus(op.mul(x, -2))), Math.LN2);

/** The cosine of the angle between targets and predictions along a dimension, which goes. */
export function cosine(y: Tensor, p: Tensor, axis: number): Tensor {
  const dims = [dimension(axis, p.type.shape)!];
  return sum(op.mul(unitLength(y, dims), unitLength(p, dims)), dims, false);
}
export const axisOption = z.int().default(-1).describe("Dimension the vectors lie along.");

export const regressionLosses: readonly Loss[] = [
  defineLoss({
    name: "mse",
    aliases: ["mean_squared_error"],
    doc: "Mean over the last dimension of (y − ŷ)²",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.square(difference(y, p))),
  }),
  defineLoss({
    name: "mae",
    aliases: ["mean_absolute_error"],
    doc: "Mean over the last dimension of |y − ŷ|",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.abs(difference(y, p))),
  }),
  defineLoss({
    name: "mape",
    aliases: ["mean_absolute_percentage_error"],
    doc: "100 times the mean over the last dimension of |y − ŷ|/|y|, |y| at least 1e-7",
    targets: "values",
    options: {},
    perSample(y, p) {
      const size = op.maximum(op.abs(y), epsilon);
      return op.mul(lastMean(op.abs(op.div(difference(y, p), size))), 100);
    },
  }),
  defineLoss({
    name: "msle",
    aliases: ["mean_squared_logarithmic_error"],
    doc: "Mean over the last dimension of (log(y + 1) − log(ŷ + 1))², y and ŷ at least 1e-7",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.square(difference(log1(p), log1(y)))),
  }),
  defineLoss({
    name: "huber",
    doc: "½e² for |e| ≤ delta, else delta·|e| − ½delta², e = y − ŷ",
    targets: "values",
    options: { delta: z.number().positive().default(1).describe("Where it turns linear.") },
    perSample(y, p, { delta }) {
      const e = op.abs(difference(y, p));
      const linear = op.sub(op.mul(e, delta), 0.5 * delta * delta);
      return lastMean(op.where(op.lessEqual(e, delta), op.mul(op.square(e), 0.5), linear));
    },
  }),
  defineLoss({
    name: "log_cosh",
    aliases: ["logcosh", "log_cosh_error"],
    doc: "Mean over the last dimension of log cosh(ŷ − y): ½e² for small errors e, |e| − log 2 for large",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(logCosh(difference(p, y))),
  }),
  defineLoss({
    name: "kl_divergence",
    aliases: ["kld", "kullback_leibler_divergence"],
    doc: "Σ y·log(y/ŷ) over the last dimension, both kept in [1e-7, 1]",
    targets: "values",
    options: {},
    perSample(target, prediction) {
      const y = op.clip(target, epsilon, 1);
      return lastSum(op.mul(y, op.log(op.div(y, op.clip(prediction, epsilon, 1)))));
    },
  }),
  defineLoss({
    name: "poisson",
    doc: "Mean over the last dimension of ŷ − y·log(ŷ + 1e-7)",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.sub(p, op.mul(y, op.log(op.add(p, epsilon))))),
  }),
  defineLoss({
    name: "cosine_similarity",
    doc: "−cos of the angle between y and ŷ: −1 for the same direction",
    targets: "values",
    options: { axis: axisOption },
    unfit: (shape, { axis }, mask) => unfitAxis(axis, shape, mask),
    perSample: (y, p, { axis }) => op.neg(cosine(y, p, axis)),
  }),
];
