/**
 * Activation functions in pieces, shrinking, and other relatives of the common ones
 * (https://keras.io/api/layers/activations/). Each is written as Keras writes it, so that slopes at corners are its own.
 */
import { z } from "zod";
import type { Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { type Activation, defineActivation, hardSigmoid, plain } from "./activation.ts";

const lambda = {
  threshold: z.number().min(0).default(0.5).describe("Half the width of what becomes 0."),
};

export const moreActivations: readonly Activation[] = [
  plain("relu6", "y = min(max(x, 0), 6)", (x) => op.minimum(6, op.relu(x))),
  defineActivation({
    name: "celu",
    doc: "y = max(x, 0) + alpha·(e^(min(x, 0)/alpha) − 1)",
    options: { alpha: z.number().positive().default(1).describe("Limit for negative x, negated.") },
    apply(x, { alpha }) {
      const below = op.sub(op.exp(op.div(op.minimum(x, 0), alpha)), 1);
      return op.add(op.maximum(x, 0), op.mul(below, alpha));
    },
  }),
  plain("hard_silu", "y = x·hard_sigmoid(x), also called hard_swish", hardSilu, ["hard_swish"]),
  plain("hard_tanh", "y = min(max(x, −1), 1)", (x) => op.clip(x, -1, 1)),
  plain("log_sigmoid", "y = log sigmoid(x)", (x) => op.neg(op.softplus(op.neg(x)))),
  plain("mish", "y = x·tanh(log(1 + eˣ))", (x) => op.mul(x, op.tanh(op.softplus(x)))),
  plain("tanh_shrink", "y = x − tanh(x)", (x) => op.sub(x, op.tanh(x))),
  defineActivation({
    name: "hard_shrink",
    doc: "y = x for |x| > threshold, else 0",
    options: lambda,
    apply: (x, { threshold }) => op.where(op.greater(op.abs(x), threshold), x, 0),
  }),
  defineActivation({
    name: "soft_shrink",
    doc: "y = x moved towards 0 by threshold, 0 where |x| is no larger",
    options: lambda,
    apply(x, { threshold }) {
      const below = op.where(op.less(x, -threshold), op.add(x, threshold), 0);
      return op.where(op.greater(x, threshold), op.sub(x, threshold), below);
    },
  }),
  plain("sparse_plus", "y = 0 for x ≤ −1, x for x ≥ 1, between them (x + 1)²/4", (x) => {
    const between = op.mul(op.square(op.add(x, 1)), 0.25);
    return op.where(op.lessEqual(x, -1), 0, op.where(op.less(x, 1), between, x));
  }),
  plain("sparse_sigmoid", "y = 0 for x ≤ −1, 1 for x ≥ 1, between them (x + 1)/2", (x) => {
    const between = op.mul(op.add(x, 1), 0.5);
    return op.where(op.lessEqual(x, -1), 0, op.where(op.lessEqual(1, x), 1, between));
  }),
  defineActivation({
    name: "squareplus",
    doc: "y = (x + √(x² + b))/2",
    options: { b: z.number().positive().default(4).describe("How round the corner is.") },
    apply: (x, { b }) => op.mul(op.add(x, op.sqrt(op.add(op.square(x), b))), 0.5),
  }),
];

function hardSilu(x: Tensor): Tensor {
  return op.mul(x, hardSigmoid(x));
}
