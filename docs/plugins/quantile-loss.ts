/** A loss of one's own, which is a metric too. */
import { defineLoss, lastMean, op, z } from "nnc/plugin";

/** The pinball loss (Koenker and Bassett 1978): its least mean is at the quantile of y. */
export const quantileLoss = defineLoss({
  name: "quantile_loss",
  doc: "mean(max(q·(y − ŷ), (q − 1)·(y − ŷ))): predicts the quantile q.",
  targets: "values",
  options: {
    quantile: z.number().gt(0).lt(1).default(0.5).describe("q; 0.5 is the median."),
  },
  perSample(y, prediction, { quantile }) {
    const difference = op.sub(y, prediction);
    const slopes = op.maximum(op.mul(difference, quantile), op.mul(difference, quantile - 1));
    return lastMean(slopes); // [batch, …]
  },
});
