/** Activation functions, by Keras's names and formulas (https://keras.io/api/layers/activations/). */
import { z } from "zod";
import type { Shape, Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { max, sum } from "../ops/reduce.ts";
import type { Problem } from "../support/errors.ts";
import { type Activation, defineActivation, hardSigmoid, plain } from "./activation.ts";
import { type Named, named } from "./definition.ts";
import { moreActivations } from "./more-activations.ts";

export { type Activation, defineActivation };

const slope = z.number();

const expMinus1 = (x: Tensor): Tensor => op.sub(op.exp(op.minimum(x, 0)), 1);
const leaky = (x: Tensor, slope: number): Tensor => op.mul(x, op.where(op.greater(x, 0), 1, slope));
/** x where `on`, else alpha·(eˣ − 1). At 0, where the slope jumps, `on` decides which one it is. */
const elu = (x: Tensor, alpha: number, on: Tensor): Tensor =>
  op.where(on, x, op.mul(expMinus1(x), alpha));

/** eˣ/Σeˣ over some dimensions. */
export function softmaxOver(x: Tensor, dims: readonly number[]): Tensor {
  const e = op.exp(op.sub(x, op.stopGradient(max(x, dims))));
  const y = op.div(e, sum(e, dims));
  const isLast = dims.length === 1 && dims[0] === x.type.shape.length - 1;
  return isLast ? rememberLogits(y, "softmax", x) : y;
}
/** A dimension counted from the end if negative, else from behind the outer ones. */
const fromStart = (axis: number, { length }: Shape, outer: number) =>
  axis < 0 ? axis + length : axis + outer;

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;

const softmaxOptions = {
  axis: z.int().default(-1).describe("Dimension to sum over; 0 is the batch, -1 the last."),
};
function unfitAxis(shape: Shape, { axis }: { readonly axis: number }): Problem | undefined {
  const rank = shape.length;
  if (axis >= -rank && axis < rank) return undefined;
  return {
    path: ["axis"],
    message: `there is no axis ${axis}`,
    expected: `-${rank} to ${rank - 1}, the batch being 0`,
    received: `${axis}`,
    fix: "leave it out: the last dimension, which is that of the classes",
  };
}

export const activations: readonly Activation[] = [
  plain("linear", "y = x", (x) => x),
  defineActivation({
    name: "relu",
    doc: "y = max(x, 0); with options: min(x, max_value) above threshold, else negative_slope·(x − threshold)",
    options: {
      negative_slope: slope.default(0).describe("Slope below the threshold."),
      max_value: z
        .number()
        .positive()
        .nullable()
        .default(null)
        .describe("Upper limit of the result."),
      threshold: z.number().default(0).describe("Below this the unit is off."),
    },
    apply(x, { negative_slope, max_value, threshold }) {
      if (negative_slope !== 0 && threshold === 0 && max_value === null)
        return leaky(x, negative_slope);
      const on = threshold === 0 ? op.relu(x) : op.where(op.greater(x, threshold), x, 0);
      const limited = max_value === null ? on : op.clip(on, 0, max_value);
      if (negative_slope === 0) return limited;
      return op.sub(limited, op.mul(op.relu(op.sub(threshold, x)), negative_slope));
    },
  }),
  defineActivation({
    name: "leaky_relu",
    doc: "y = x for x > 0, else negative_slope·x",
    options: { negative_slope: slope.default(0.2).describe("Slope for negative x.") },
    apply: (x, { negative_slope }) => leaky(x, negative_slope),
  }),
  defineActivation({
    name: "elu",
    doc: "y = x for x > 0, else alpha·(eˣ − 1)",
    options: { alpha: z.number().default(1).describe("Limit for negative x, negated.") },
    apply: (x, { alpha }) => elu(x, alpha, op.greater(x, 0)),
  }),
  plain("selu", "y = 1.0507·elu(x, alpha = 1.6733)", (x) =>
    op.mul(elu(x, seluAlpha, op.lessEqual(0, x)), seluScale),
  ),
  defineActivation({
    name: "gelu",
    doc: "y = x·Φ(x), Φ the standard normal distribution; approximate: by tanh",
    options: { approximate: z.boolean().default(false).describe("Use the tanh approximation.") },
    apply(x, { approximate }) {
      const cubic = () =>
        op.mul(op.add(x, op.mul(op.mul(op.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
      const phi = approximate ? op.tanh(cubic()) : op.erf(op.mul(x, Math.SQRT1_2));
      return op.mul(op.mul(x, 0.5), op.add(phi, 1));
    },
  }),
  plain("silu", "y = x·sigmoid(x), also called swish", (x) => op.mul(x, op.sigmoid(x)), ["swish"]),
  plain("sigmoid", "y = 1/(1 + e^−x)", (x) => rememberLogits(op.sigmoid(x), "sigmoid", x)),
  plain("tanh", "y = tanh(x)", op.tanh),
  defineActivation({
    name: "softmax",
    doc: "y = eˣ/Σeˣ over the last dimension",
    options: softmaxOptions,
    unfit: unfitAxis,
    apply: (x, { axis }, outer = 0) => softmaxOver(x, [fromStart(axis, x.type.shape, outer)]),
  }),
  plain("softplus", "y = log(1 + eˣ)", op.softplus),
  plain("softsign", "y = x/(1 + |x|)", (x) => op.div(x, op.add(1, op.abs(x)))),
  plain("exponential", "y = eˣ", op.exp),
  plain("hard_sigmoid", "y = min(max(x + 3, 0), 6)/6", hardSigmoid),
  ...moreActivations,
  defineActivation({
    name: "log_softmax",
    doc: "y = x − log Σeˣ over the last dimension",
    options: softmaxOptions,
    unfit: unfitAxis,
    apply(x, { axis }, outer = 0) {
      const dims = [fromStart(axis, x.type.shape, outer)];
      const below = op.sub(x, op.stopGradient(max(x, dims)));
      return op.sub(below, op.log(sum(op.exp(below), dims)));
    },
  }),
];

/** The spec's reference to an activation. */
export const activationOption = () => named<Activation>("activation", () => activations);
/**
 * @param fail is given the problem of an activation that does not fit, at `option` of its layer
 * @param outer how many dimensions of x come before those that the spec knows of
 */
export function applyActivation(
  x: Tensor,
  { definition, options }: Named<Activation>,
  fail: (problem: Problem) => never,
  option: string,
  outer = 0,
): Tensor {
  const problem = definition.unfit?.(x.type.shape.slice(outer), options);
  if (problem) fail({ ...problem, path: [option, definition.name, ...problem.path] });
  return definition.apply(x, options, outer);
}

type Squash = "softmax" | "sigmoid";
const logits = new WeakMap<Tensor, { squash: Squash; logits: Tensor }>();
function rememberLogits(y: Tensor, squash: Squash, x: Tensor): Tensor {
  logits.set(y, { squash, logits: x });
  return y;
}
/** What a softmax or sigmoid was applied to: its own cross-entropy is computed from there, stably. */
export function logitsOf(y: Tensor, squash: Squash): Tensor | undefined {
  const found = logits.get(y);
  return found?.squash === squash ? found.logits : undefined;
}
