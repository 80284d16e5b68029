/** Losses that want a margin between right and wrong (https://keras.io/api/losses/hinge_losses/). */
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { max, sum } from "../../ops/reduce.ts";
import { defineLoss, type Loss, lastMean, lastSum } from "./loss.ts";

/** Targets 0 and 1 become −1 and 1 if, as in Keras, the batch has no others. */
function signed(y: Tensor): Tensor {
  const others = op.sub(op.sub(1, op.equal(y, 0)), op.equal(y, 1));
  return op.where(op.equal(sum(others), 0), op.sub(op.mul(y, 2), 1), y);
}
/** max(1 − y·ŷ, 0) */
const hinge = (y: Tensor, p: Tensor) => op.maximum(op.sub(1, op.mul(signed(y), p)), 0);

export const marginLosses: readonly Loss[] = [
  defineLoss({
    name: "hinge",
    doc: "Mean over the last dimension of max(1 − y·ŷ, 0); targets −1 and 1, or 0 and 1",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(hinge(y, p)),
  }),
  defineLoss({
    name: "squared_hinge",
    doc: "Mean over the last dimension of max(1 − y·ŷ, 0)²; targets −1 and 1, or 0 and 1",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.square(hinge(y, p))),
  }),
  defineLoss({
    name: "categorical_hinge",
    doc: "max(0, 1 + max((1 − y)·ŷ) − Σ y·ŷ) over the last dimension; targets are one-hot",
    targets: "values",
    options: {},
    perSample(y, p) {
      const right = lastSum(op.mul(y, p));
      const wrong = max(op.mul(op.sub(1, y), p), [p.type.shape.length - 1], false);
      return op.maximum(op.add(op.sub(wrong, right), 1), 0);
    },
  }),
];
