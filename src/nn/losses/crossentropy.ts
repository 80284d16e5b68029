/** Cross-entropies, plain and focal (https://keras.io/api/losses/probabilistic_losses/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { logSumExp } from "../../ops/reduce.ts";
import { logitsOf, softmaxOver } from "../activations.ts";
import { differs } from "../mask.ts";
import {
  clipped,
  defineLoss,
  type Loss,
  lastMean,
  lastSum,
  oneHot,
  shares,
  vector,
  withoutLast,
} from "./loss.ts";

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

/** −(y·log ŷ + (1 − y)·log(1 − ŷ)) of every element, from the logits where there are any. */
function binary(y: Tensor, p: Tensor, logits: Tensor | undefined): Tensor {
  if (logits) return sigmoidCrossentropy(y, logits);
  const q = clipped(p);
  const hit = op.mul(y, op.log(q));
  const miss = op.mul(op.sub(1, y), op.log(op.sub(1, q)));
  return op.neg(op.add(hit, miss));
}

/** y·(1 − s) + s/classes */
const smoothed = (y: Tensor, s: number, classes: number) =>
  s === 0 ? y : op.add(op.mul(y, 1 - s), s / classes);

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
const gammaOption = z
  .number()
  .min(0)
  .default(2)
  .describe("The larger, the less do examples count that are right already.");

export const crossentropies: readonly Loss[] = [
  defineLoss({
    name: "binary_crossentropy",
    aliases: ["bce"],
    doc: "−(y·log ŷ + (1 − y)·log(1 − ŷ)), mean over the last dimension",
    targets: "values",
    predicts: "truth",
    range: [0, 1],
    options: { from_logits: fromLogits, label_smoothing: smoothing },
    perSample(target, p, { from_logits, label_smoothing }) {
      const y = smoothed(target, label_smoothing, 2);
      return lastMean(binary(y, p, logitsFor(p, "sigmoid", from_logits)));
    },
  }),
  defineLoss({
    name: "categorical_crossentropy",
    doc: "−Σ y·log ŷ over the last dimension; targets are one-hot",
    targets: "values",
    predicts: "classes",
    options: { from_logits: fromLogits, label_smoothing: smoothing },
    perSample(target, p, { from_logits, label_smoothing }) {
      const y = smoothed(target, label_smoothing, p.type.shape.at(-1)!);
      const logits = logitsFor(p, "softmax", from_logits);
      if (logits) return softmaxCrossentropy(y, logits);
      return op.neg(lastSum(op.mul(y, op.log(clipped(shares(p))))));
    },
  }),
  defineLoss({
    name: "categorical_generalized_cross_entropy",
    doc: "(1 − ŷ[label]^q)/q; targets are class numbers, some of which may be wrong (https://arxiv.org/abs/1805.07836)",
    targets: "labels",
    predicts: "classes",
    options: {
      q: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.5)
        .describe(
          "Near 0 a cross-entropy, near 1 the absolute error, which wrong labels move less.",
        ),
    },
    perSample(labels, p, { q }) {
      const own = lastSum(op.mul(oneHot(labels, p.type.shape.at(-1)!), p));
      return op.div(op.sub(1, op.power(own, q)), q);
    },
  }),
  defineLoss({
    name: "sparse_categorical_crossentropy",
    doc: "−log ŷ[label]; targets are class numbers",
    targets: "labels",
    predicts: "classes",
    options: {
      from_logits: fromLogits,
      ignore_class: z
        .int()
        .nullable()
        .default(null)
        .describe("A label that does not count, such as -1 or 255 for what has no class."),
    },
    ignored: ({ ignore_class }) => ignore_class,
    perSample(labels, p, { from_logits, ignore_class }) {
      // As Keras does it, probabilities are clipped and then normalised by way of their logarithms.
      const logits = logitsFor(p, "softmax", from_logits) ?? op.log(clipped(p));
      const losses = softmaxCrossentropy(oneHot(labels, p.type.shape.at(-1)!), logits);
      return ignore_class === null ? losses : op.mul(losses, differs(labels, ignore_class));
    },
  }),
  defineLoss({
    name: "binary_focal_crossentropy",
    doc: "(1 − p)^gamma times the binary cross-entropy, p the probability of what is right (Lin et al. 2017)",
    targets: "values",
    predicts: "truth",
    range: [0, 1],
    options: {
      apply_class_balancing: z.boolean().default(false).describe("Weigh the classes by alpha."),
      alpha: z.number().default(0.25).describe("Weight of class 1; class 0 has 1 − alpha."),
      gamma: gammaOption,
      from_logits: fromLogits,
      label_smoothing: smoothing,
    },
    perSample(target, given, { apply_class_balancing, alpha, gamma, ...options }) {
      const y = smoothed(target, options.label_smoothing, 2);
      const p = options.from_logits ? op.sigmoid(given) : given;
      const logits = options.from_logits ? given : logitsOf(given, "sigmoid");
      // y·ŷ + (1 − y)·(1 − ŷ)
      const right = op.add(op.mul(y, p), op.mul(op.sub(1, y), op.sub(1, p)));
      const focal = op.mul(op.power(op.sub(1, right), gamma), binary(y, p, logits));
      if (!apply_class_balancing) return lastMean(focal);
      const weight = op.add(op.mul(y, alpha), op.mul(op.sub(1, y), 1 - alpha));
      return lastMean(op.mul(weight, focal));
    },
  }),
  defineLoss({
    name: "categorical_focal_crossentropy",
    doc: "−alpha·Σ (1 − ŷ)^gamma·y·log ŷ over the last dimension (Lin et al. 2017)",
    targets: "values",
    predicts: "classes",
    options: {
      alpha: z
        .union([z.number(), z.array(z.number()).min(1)])
        .default(0.25)
        .describe("Weight of all classes, or a list with one for each."),
      gamma: gammaOption,
      from_logits: fromLogits,
      label_smoothing: smoothing,
    },
    unfit(shape, { alpha }) {
      const classes = shape.at(-1)!;
      if (typeof alpha === "number" || alpha.length === classes) return undefined;
      return {
        path: ["alpha"],
        message: "alpha has not as many weights as there are classes",
        expected: `a number or a list of ${classes}`,
        received: `a list of ${alpha.length}`,
      };
    },
    perSample(target, given, { alpha, gamma, from_logits, label_smoothing }) {
      const y = smoothed(target, label_smoothing, given.type.shape.at(-1)!);
      const p = clipped(
        shares(from_logits ? softmaxOver(given, [given.type.shape.length - 1]) : given),
      );
      const weights = typeof alpha === "number" ? alpha : vector(alpha);
      const focal = op.mul(op.power(op.sub(1, p), gamma), weights);
      return op.neg(lastSum(op.mul(focal, op.mul(y, op.log(p)))));
    },
  }),
];
