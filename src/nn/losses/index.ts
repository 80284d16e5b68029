/**
 * Losses, by Keras's names and formulas (https://keras.io/api/losses/). A loss gives a value per sample; what
 * the batch's is made of them is the option `reduction` of all.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { div, maximum, mul } from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce.ts";
import { type Named, named } from "../definition.ts";
import { behind, both, differs, type Mask, maskOver } from "../mask.ts";
import { crossentropies } from "./crossentropy.ts";
import type { Loss } from "./loss.ts";
import { marginLosses } from "./margin.ts";
import { overlapLosses } from "./overlap.ts";
import { regressionLosses } from "./regression.ts";
import { similarityLosses } from "./similarity.ts";

export const losses: readonly Loss[] = [
  ...regressionLosses,
  ...crossentropies,
  ...marginLosses,
  ...overlapLosses,
  ...similarityLosses,
];

const reductionOption = z
  .enum(["sum_over_batch_size", "mean", "sum"])
  .default("sum_over_batch_size")
  .describe("From the samples' losses to the batch's: their mean, by two names, or their sum.");

/** The spec's reference to a loss. */
export const lossOption = () => named<Loss>("loss", () => losses.map(reducible));
const reducible = (loss: Loss): Loss => ({
  ...loss,
  options: { ...loss.options, reduction: reductionOption },
});

/** What counts of a batch. */
export interface Counting {
  /** Of the prediction. */
  readonly mask?: Mask;
  /** How much each example's loss counts, [batch]. */
  readonly weights?: Tensor | undefined;
}

/**
 * The loss of a batch, of shape []: the mean of the samples' losses, or their sum. Samples that are masked, and
 * labels that are ignored, do not count, nor do those that the loss leaves out; where none counts it is 0. As in Keras the mean is over the number of
 * samples, not over the sum of the weights: an example of weight 2 is as good as two of them for its gradient.
 * @param target aligned as the loss wants it
 */
export function batchLoss(
  { definition, options }: Named<Loss>,
  target: Tensor,
  prediction: Tensor,
  { mask, weights }: Counting = {},
): Tensor {
  const plain = definition.perSample(target, prediction, options);
  const { shape } = plain.type;
  const values = weights ? mul(plain, behind(weights, shape.length)) : plain;
  const ignored = ignoredLabel({ definition, options });
  const present = mask && maskOver(mask, shape, shape.length);
  const known = ignored === null ? undefined : differs(target, ignored);
  const counts = both(both(present, known), definition.counted?.(plain));
  const total = sum(counts ? mul(values, counts) : values, undefined, false);
  if (options["reduction"] === "sum") return total;
  if (!counts) return mean(values, undefined, false);
  return div(total, maximum(sum(counts, undefined, false), 1));
}
const ignoredLabel = ({ definition, options }: Named<Loss>) =>
  definition.ignored?.(options) ?? null;

/**
 * Whether the losses of batches do not simply average to that of all samples: it is then a matter of how samples
 * are divided into batches.
 */
export const isBatchwise = (loss: Named<Loss>, mask: Mask): boolean =>
  mask !== undefined ||
  ignoredLabel(loss) !== null ||
  loss.options["reduction"] === "sum" ||
  loss.definition.batchwise?.(loss.options) === true;
