/** Losses of which examples lie near each other (https://keras.io/api/losses/metric_learning_losses/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import * as op from "../../ops/pointwise.ts";
import { logSumExp } from "../../ops/reduce.ts";
import { iota, reshape } from "../../ops/view.ts";
import { defineLoss, type Loss, withoutLast } from "./loss.ts";

/** In place of −∞: its exponential is 0 beside any other, and its differences are numbers. */
const never = -1e30;

/** e^(−2·this) is nothing beside e^−this, in single precision. */
const smallest = 17;

/** log Σ eˣ over what is chosen of each row, [n, m] to [n]; `never` where nothing is. */
const logSumOf = (x: Tensor, chosen: Tensor): Tensor =>
  withoutLast(logSumExp(op.where(chosen, x, never)));

export const similarityLosses: readonly Loss[] = [
  defineLoss({
    name: "circle",
    doc: "softplus(log Σ e^(gamma·(d₊ + m)·(d₊ − m)) + log Σ e^(gamma·(1 + m − d₋)·(1 − m − d₋))), d = 1 − cosine to the batch's examples of the same label and of others (Sun et al. 2020)",
    targets: "labels",
    groups: true,
    options: {
      gamma: z.number().positive().default(80).describe("Scale of the similarities."),
      margin: z
        .number()
        .min(0)
        .default(0.4)
        .describe("m: distances wanted below it for the same label, above 1 − m for others."),
      remove_diagonal: z
        .boolean()
        .default(true)
        .describe("An example is not one of the same label as itself."),
    },
    unfit(shape) {
      if (shape.length === 2) return undefined;
      return {
        path: [],
        message: "it compares vectors, one for each example",
        expected: "(None, units)",
        fix: "put `flatten` and `unit_normalization` before the output",
      };
    },
    batchwise: () => true,
    // As in Keras: an example without a partner, or without an opponent, costs nothing and does not count.
    counted: (losses) => op.greater(losses, 0),
    perSample(labels, p, { gamma, margin, remove_diagonal }) {
      const n = p.type.shape[0]!;
      const distance = op.maximum(op.sub(1, einsum("id,jd->ij", p, p)), 0);
      const same = op.equal(reshape(labels, [n, 1]), reshape(labels, [1, n]));
      const self = op.equal(iota([n, n], 0), iota([n, n], 1));
      const partners = remove_diagonal ? op.mul(same, op.sub(1, self)) : same;
      const apart = op.mul(op.add(distance, margin), op.sub(distance, margin));
      // An opponent further away than 1 + m has no weight.
      const weight = op.maximum(op.sub(1 + margin, distance), 0);
      const near = op.mul(weight, op.sub(1 - margin, distance));
      const positive = logSumOf(op.mul(apart, gamma), partners);
      const negative = logSumOf(op.mul(near, gamma), op.sub(1, same));
      const total = op.add(positive, negative);
      // softplus(x) = eˣ to the last digit where it is small; 1 + eˣ would have lost it, and it would not count.
      return op.where(
        op.less(total, -smallest),
        op.exp(op.minimum(total, -smallest)),
        op.softplus(total),
      );
    },
  }),
];
