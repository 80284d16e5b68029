/** Layers that act in training only (https://keras.io/api/layers/regularization_layers/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import {
  abs,
  add,
  cos,
  lessEqual,
  log,
  mul,
  sqrt,
  square,
  stopGradient,
  sub,
} from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { checkRank } from "./geometry.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";

const rate = z.number().min(0).lt(1).describe("Share of elements dropped, 0 to 1 (exclusive).");
const noiseShape = z
  .array(z.int().positive().nullable())
  .nullable()
  .default(null)
  .describe(
    "Shape of the mask, the batch first; 1: one draw for the whole dimension, null: as the input.",
  );

/** Whether the whole batch shares a draw. */
const oneForAll = ({ noise_shape }: { readonly noise_shape: readonly (number | null)[] | null }) =>
  noise_shape?.[0] === 1;

/** 1 where an element is kept, with probability 1 − rate, else 0. */
const kept = (share: number, shape: Shape, ctx: LayerContext): Tensor =>
  stopGradient(lessEqual(share, ctx.uniform(shape)));

/** What to multiply by in order to drop: 0 with the probability of the rate, else 1/(1 − rate). */
export const dropMask = (share: number, shape: Shape, ctx: LayerContext): Tensor =>
  mul(kept(share, shape, ctx), 1 / (1 - share));

/** x with some of its elements 0 and the others divided by 1 − rate; one draw for what the mask has as 1. */
export const dropped = (x: Tensor, share: number, mask: Shape, ctx: LayerContext): Tensor =>
  mul(x, dropMask(share, mask, ctx));

function maskShape(x: Tensor, given: readonly (number | null)[] | null, ctx: LayerContext): Shape {
  const { shape } = x.type;
  if (given === null) return shape;
  // The batch differs from step to step; a number of its own can only be 1.
  const fits =
    given.length === shape.length &&
    given.every((n, d) => n === null || n === 1 || (d > 0 && n === shape[d]));
  if (!fits) {
    ctx.fail({
      path: ["noise_shape"],
      message: "the mask does not fit the input",
      expected: `${shape.length} entries, each null, 1 or the extent of ${showShape(shape)}`,
      received: JSON.stringify(given),
      fix: "write null for dimensions that are as in the input",
    });
  }
  return given.map((n, d) => n ?? shape[d]!);
}

export const dropout = defineLayer({
  name: "dropout",
  doc: "In training, sets each element to 0 with probability rate and divides the others by 1 − rate.",
  takes: "one",
  options: { rate, noise_shape: noiseShape },
  mixes: oneForAll,
  build([x], { rate: share, noise_shape }, ctx) {
    const shape = maskShape(x!, noise_shape, ctx);
    return ctx.training && share > 0 ? dropped(x!, share, shape, ctx) : x!;
  },
});

const spatialDropout = (rank: 1 | 2 | 3) => {
  const name = `spatial_dropout${rank}d`;
  return defineLayer({
    name,
    doc: "In training, sets whole channels of an example to 0 with probability rate and divides the others by 1 − rate.",
    takes: "one",
    options: { rate: rate.describe("Share of channels dropped, 0 to 1 (exclusive).") },
    build([x], { rate: share }, ctx) {
      checkRank(name, x!, rank, ctx);
      if (!ctx.training || share === 0) return x!;
      const { shape } = x!.type;
      const mask = shape.map((n, d) => (d === 0 || d === shape.length - 1 ? n : 1));
      return dropped(x!, share, mask, ctx);
    },
  });
};
export const [spatialDropout1d, spatialDropout2d, spatialDropout3d] = [
  spatialDropout(1),
  spatialDropout(2),
  spatialDropout(3),
];

/** Standard normal numbers by Box and Muller: √(−2·log u)·cos(2π·v), u in (0, 1]. */
function normal(shape: Shape, ctx: LayerContext): Tensor {
  const [u, v] = [sub(1, ctx.uniform(shape)), ctx.uniform(shape)];
  const length = sqrt(mul(log(u), -2));
  return stopGradient(mul(length, cos(mul(v, 2 * Math.PI))));
}

export const gaussianNoise = defineLayer({
  name: "gaussian_noise",
  doc: "In training, y = x + stddev·n, n normally distributed.",
  takes: "one",
  options: {
    stddev: z.number().min(0).max(1).describe("Standard deviation of the noise, 0 to 1."),
  },
  build([x], { stddev }, ctx) {
    if (!ctx.training || stddev === 0) return x!;
    return add(x!, mul(normal(x!.type.shape, ctx), stddev));
  },
});

export const gaussianDropout = defineLayer({
  name: "gaussian_dropout",
  doc: "In training, y = x·(1 + √(rate/(1 − rate))·n), n normally distributed.",
  takes: "one",
  options: { rate: rate.describe("The noise has the standard deviation √(rate/(1 − rate)).") },
  build([x], { rate: share }, ctx) {
    if (!ctx.training || share === 0) return x!;
    const deviation = Math.sqrt(share / (1 - share));
    return mul(x!, add(mul(normal(x!.type.shape, ctx), deviation), 1));
  },
});

/** What selu tends to for negative numbers. */
const saturated = -1.6732632423543772 * 1.0507009873554805;

export const alphaDropout = defineLayer({
  name: "alpha_dropout",
  doc:
    "In training, sets elements to the value at which selu saturates, with probability rate, and keeps " +
    "mean and variance (https://arxiv.org/abs/1706.02515).",
  takes: "one",
  options: { rate, noise_shape: noiseShape },
  mixes: oneForAll,
  build([x], { rate: share, noise_shape }, ctx) {
    const shape = maskShape(x!, noise_shape, ctx);
    if (!ctx.training || share === 0) return x!;
    const keep = kept(share, shape, ctx);
    const a = 1 / Math.sqrt((1 - share) * (1 + share * saturated ** 2));
    const b = -a * saturated * share;
    const mixed = add(mul(x!, keep), mul(sub(1, keep), saturated));
    return add(mul(mixed, a), b);
  },
});

const strength = z.number().min(0).default(0);

export const activityRegularization = defineLayer({
  name: "activity_regularization",
  doc: "y = x; adds (l1·Σ|x| + l2·Σx²)/batch to the loss.",
  takes: "one",
  options: {
    l1: strength.describe("Factor of the absolute values."),
    l2: strength.describe("Factor of the squares."),
  },
  build([x], { l1, l2 }, ctx) {
    const batch = x!.type.shape[0]!;
    const total = (y: Tensor) => sum(y, undefined, false);
    if (l1 > 0) ctx.penalise(mul(total(abs(x!)), l1 / batch));
    if (l2 > 0) ctx.penalise(mul(total(square(x!)), l2 / batch));
    return x!;
  },
});
