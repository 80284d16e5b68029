/**
 * Losses, by Keras's names and formulas (https://keras.io/api/losses/). A loss gives a value per sample;
 * the training graph takes the mean over the batch.
 */
import { z } from "zod";
import { sameShape, sizeOf, type Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { logSumExp, mean, sum } from "../ops/reduce.ts";
import { iota, reshape } from "../ops/view.ts";
import { logitsOf } from "./activations.ts";
import { type Definition, named } from "./definition.ts";

/** Probabilities are kept this far from 0 and 1. */
const epsilon = 1e-7;

export interface Loss<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** `values`: targets have the prediction's shape. `labels`: a class number instead of the last dimension. */
  readonly targets: "values" | "labels";
  /** [batch, …, n] predictions to [batch, …] losses; targets are aligned by `alignTarget`. */
  perSample(target: Tensor, prediction: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
function defineLoss<S extends z.ZodRawShape>(loss: Loss<S>): Loss {
  return loss as unknown as Loss;
}

/**
 * A target in the form a loss or metric needs, or undefined if its shape does not allow it.
 * Trailing dimensions of 1 may be missing or superfluous, as in Keras.
 */
export function alignTarget(
  target: Tensor,
  prediction: Tensor,
  form: Loss["targets"],
): Tensor | undefined {
  const { shape } = prediction.type;
  const wanted = form === "labels" ? shape.slice(0, -1) : shape;
  const values = op.float(target);
  if (sameShape(values.type.shape, wanted)) return values;
  const trimmed = (s: readonly number[]) => s.slice(0, s.findLastIndex((n) => n !== 1) + 1);
  const fits =
    sizeOf(values.type.shape) === sizeOf(wanted) &&
    sameShape(trimmed(values.type.shape.slice(1)), trimmed(wanted.slice(1)));
  return fits ? reshape(values, wanted) : undefined;
}

/** 1 at the label's place of a new last dimension of `classes`, 0 elsewhere. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  const shape = [...labels.type.shape, classes];
  const position = op.float(iota(shape, shape.length - 1));
  return op.equal(position, reshape(labels, [...labels.type.shape, 1]));
}

/** Mean over the last dimension, which goes. */
const lastMean = (x: Tensor) => mean(x, [x.type.shape.length - 1], false);
const lastSum = (x: Tensor) => sum(x, [x.type.shape.length - 1], false);
const withoutLast = (x: Tensor) => reshape(x, x.type.shape.slice(0, -1));
const clipped = (p: Tensor) => op.clip(p, epsilon, 1 - epsilon);

/** −Σ target·log softmax(logits) = log Σ e^logits · Σ target − Σ target·logits */
function softmaxCrossentropy(target: Tensor, logits: Tensor): Tensor {
  const total = op.mul(withoutLast(logSumExp(logits)), lastSum(target));
  return op.sub(total, lastSum(op.mul(target, logits)));
}
/** max(z, 0) − z·target + log(1 + e^−|z|) = softplus(z) − z·target */
const sigmoidCrossentropy = (target: Tensor, logits: Tensor) =>
  op.sub(op.softplus(logits), op.mul(logits, target));

/**
 * What the cross-entropy is computed from, if not from probabilities. As in Keras, the logits behind a
 * softmax or sigmoid are taken also where the spec says that its result is logits.
 */
const logitsFor = (p: Tensor, squash: "softmax" | "sigmoid", fromLogits: boolean) =>
  logitsOf(p, squash) ?? (fromLogits ? p : undefined);

const fromLogits = z
  .boolean()
  .default(false)
  .describe("Predictions are logits, not probabilities.");
const smoothing = z
  .number()
  .min(0)
  .max(1)
  .default(0)
  .describe("Move targets this far towards uniform.");

export const losses: readonly Loss[] = [
  defineLoss({
    name: "mse",
    aliases: ["mean_squared_error"],
    doc: "Mean over the last dimension of (y − ŷ)²",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.square(op.sub(y, p))),
  }),
  defineLoss({
    name: "mae",
    aliases: ["mean_absolute_error"],
    doc: "Mean over the last dimension of |y − ŷ|",
    targets: "values",
    options: {},
    perSample: (y, p) => lastMean(op.abs(op.sub(y, p))),
  }),
  defineLoss({
    name: "huber",
    doc: "½e² for |e| ≤ delta, else delta·|e| − ½delta², e = y − ŷ",
    targets: "values",
    options: { delta: z.number().positive().default(1).describe("Where it turns linear.") },
    perSample(y, p, { delta }) {
      const e = op.abs(op.sub(y, p));
      const linear = op.sub(op.mul(e, delta), 0.5 * delta * delta);
      return lastMean(op.where(op.lessEqual(e, delta), op.mul(op.square(e), 0.5), linear));
    },
  }),
  defineLoss({
    name: "binary_crossentropy",
    doc: "−(y·log ŷ + (1 − y)·log(1 − ŷ)), mean over the last dimension",
    targets: "values",
    options: { from_logits: fromLogits, label_smoothing: smoothing },
    perSample(target, p, { from_logits, label_smoothing: s }) {
      const y = op.add(op.mul(target, 1 - s), s / 2);
      const logits = logitsFor(p, "sigmoid", from_logits);
      if (logits) return lastMean(sigmoidCrossentropy(y, logits));
      const q = clipped(p);
      const hit = op.mul(y, op.log(q));
      const miss = op.mul(op.sub(1, y), op.log(op.sub(1, q)));
      return op.neg(lastMean(op.add(hit, miss)));
    },
  }),
  defineLoss({
    name: "categorical_crossentropy",
    doc: "−Σ y·log ŷ over the last dimension; targets are one-hot",
    targets: "values",
    options: { from_logits: fromLogits, label_smoothing: smoothing },
    perSample(target, p, { from_logits, label_smoothing: s }) {
      const y = op.add(op.mul(target, 1 - s), s / p.type.shape.at(-1)!);
      const logits = logitsFor(p, "softmax", from_logits);
      if (logits) return softmaxCrossentropy(y, logits);
      const share = op.div(p, sum(p, [p.type.shape.length - 1]));
      return op.neg(lastSum(op.mul(y, op.log(clipped(share)))));
    },
  }),
  defineLoss({
    name: "sparse_categorical_crossentropy",
    doc: "−log ŷ[label]; targets are class numbers",
    targets: "labels",
    options: { from_logits: fromLogits },
    perSample(labels, p, { from_logits }) {
      // As Keras does it, probabilities are clipped and then normalised by way of their logarithms.
      const logits = logitsFor(p, "softmax", from_logits) ?? op.log(clipped(p));
      return softmaxCrossentropy(oneHot(labels, p.type.shape.at(-1)!), logits);
    },
  }),
];

/** The spec's reference to a loss. */
export const lossOption = () => named<Loss>("loss", () => losses);
