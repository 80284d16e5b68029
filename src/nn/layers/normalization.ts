/** Normalisation (https://keras.io/api/layers/normalization_layers/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import { add, div, mul, sqrt, square, stopGradient, sub, where } from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce.ts";
import { reshape } from "../../ops/view.ts";
import { type Constraint, constraintOption } from "../constraints.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { behind } from "../mask.ts";
import { type Regularizer, regularizerOption } from "../regularizers.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";

const shared = {
  epsilon: z.number().min(0).default(0.001).describe("Added to the variance."),
  center: z.boolean().default(true).describe("Add beta."),
  scale: z.boolean().default(true).describe("Multiply by gamma."),
  beta_initializer: initializerOption().prefault("zeros").describe("First beta."),
  gamma_initializer: initializerOption().prefault("ones").describe("First gamma."),
  beta_regularizer: regularizerOption().optional().describe("Penalty on beta."),
  beta_constraint: constraintOption().optional().describe("What beta must satisfy."),
  gamma_regularizer: regularizerOption().optional().describe("Penalty on gamma."),
  gamma_constraint: constraintOption().optional().describe("What gamma must satisfy."),
};

const ones: Named<Initializer> = initializerOption().parse("ones");

interface Scaling {
  readonly center: boolean;
  readonly scale: boolean;
  readonly beta_initializer: Named<Initializer>;
  readonly gamma_initializer: Named<Initializer>;
  readonly beta_regularizer?: Named<Regularizer> | undefined;
  readonly beta_constraint?: Named<Constraint> | undefined;
  readonly gamma_regularizer?: Named<Regularizer> | undefined;
  readonly gamma_constraint?: Named<Constraint> | undefined;
}

/** The option `axis` of layers that normalise each example. */
export const axisOption = () =>
  z
    .union([z.int(), z.array(z.int()).min(1)])
    .default(-1)
    .describe("The dimension or dimensions to normalise.");

/** The normalised dimensions, as positions in [batch, …], in order. */
export function dimensions(axis: number | readonly number[], x: Tensor, ctx: LayerContext) {
  const rank = x.type.shape.length;
  const dims = [axis].flat().map((a) => (a < 0 ? a + rank : a));
  const wrong = dims.findIndex((d, k) => d < 1 || d >= rank || dims.indexOf(d) !== k);
  if (wrong >= 0) {
    ctx.fail({
      path: ["axis"],
      message: `there is no such dimension of ${showShape(x.type.shape)} to normalise`,
      expected: `1 to ${rank - 1}, or ${1 - rank} to -1, each once; 0 is the batch`,
      received: JSON.stringify(axis),
      fix: "write `axis: -1` for the channels",
    });
  }
  return dims.sort((a, b) => a - b);
}

/** The weights gamma and beta over some dimensions, with 1 in place of the others. */
function weights(x: Tensor, dims: readonly number[], options: Scaling, ctx: LayerContext) {
  const shape = dims.map((d) => x.type.shape[d]!);
  const weight = (name: "gamma" | "beta") =>
    spread(
      ctx.weight(name, shape, {
        initializer: options[`${name}_initializer`],
        regularizer: options[`${name}_regularizer`],
        constraint: options[`${name}_constraint`],
      }),
      x.type.shape,
      dims,
    );
  const gamma = options.scale ? weight("gamma") : undefined;
  return { gamma, beta: options.center ? weight("beta") : undefined };
}
const spread = (w: Tensor, shape: Shape, dims: readonly number[]): Tensor =>
  reshape(
    w,
    shape.map((n, d) => (dims.includes(d) ? n : 1)),
  );

/** Mean and (biased) variance over some dimensions, which stay as 1. */
function moments(x: Tensor, dims: readonly number[]) {
  const centre = mean(x, dims);
  // ∂variance/∂mean = −2·mean(x − mean) = 0, so no gradient need flow through the mean here.
  return { centre, variance: mean(square(sub(x, stopGradient(centre))), dims) };
}

/** Keras's `backend.epsilon()`, which it adds to the number of what is there. */
const few = 1e-7;

/** The same of what is there. */
function maskedMoments(x: Tensor, mask: Tensor, dims: readonly number[]) {
  const present = broadcastTo(behind(mask, x.type.shape.length), x.type.shape);
  const count = add(sum(present, dims), few);
  const centre = div(sum(where(present, x, 0), dims), count);
  const squares = square(where(present, sub(x, centre), 0));
  return { centre, variance: div(sum(squares, dims), count) };
}

/** gamma/√(variance + epsilon) */
function factor(variance: Tensor, epsilon: number, gamma: Tensor | undefined): Tensor {
  const deviation = sqrt(add(variance, epsilon));
  return gamma ? div(gamma, deviation) : div(1, deviation);
}
const shift = (y: Tensor, beta: Tensor | undefined) => (beta ? add(y, beta) : y);

export const batchNormalization = defineLayer({
  name: "batch_normalization",
  doc:
    "y = gamma·(x − mean)/√(variance + epsilon) + beta, a channel; in training the batch's mean and " +
    "variance, without what is masked, else their moving averages.",
  takes: "one",
  options: {
    axis: z.int().default(-1).describe("The dimension of the channels."),
    momentum: z
      .number()
      .min(0)
      .max(1)
      .default(0.99)
      .describe("Share of the old value in a moving average."),
    ...shared,
    moving_mean_initializer: initializerOption().prefault("zeros").describe("First moving mean."),
    moving_variance_initializer: initializerOption()
      .prefault("ones")
      .describe("First moving variance."),
  },
  mixes: () => true,
  build([input], { axis, momentum, epsilon, ...options }, ctx) {
    const x = input!;
    const { shape } = x.type;
    const own = dimensions(axis, x, ctx);
    const { gamma, beta } = weights(x, own, options, ctx);
    const moving = (name: "moving_mean" | "moving_variance") =>
      ctx.weight(name, [shape[own[0]!]!], {
        initializer: options[`${name}_initializer`],
        trainable: false,
      });
    const [movingMean, movingVariance] = [moving("moving_mean"), moving("moving_variance")];
    const normalised = (centre: Tensor, variance: Tensor) =>
      shift(mul(sub(x, centre), factor(variance, epsilon, gamma)), beta);
    if (!ctx.training || !ctx.trainable) {
      return normalised(spread(movingMean, shape, own), spread(movingVariance, shape, own));
    }
    const others = shape.map((_, d) => d).filter((d) => !own.includes(d));
    const [mask] = ctx.masks;
    const { centre, variance } = mask ? maskedMoments(x, mask, others) : moments(x, others);
    const averaged = (old: Tensor, value: Tensor) =>
      add(mul(old, momentum), mul(reshape(value, old.type.shape), 1 - momentum));
    ctx.update(movingMean, averaged(movingMean, centre));
    ctx.update(movingVariance, averaged(movingVariance, variance));
    return normalised(centre, variance);
  },
});

export const layerNormalization = defineLayer({
  name: "layer_normalization",
  doc:
    "y = gamma·(x − mean)/√(variance + epsilon) + beta, mean and variance over the dimensions " +
    "`axis` of each example.",
  takes: "one",
  options: {
    axis: axisOption(),
    ...shared,
    rms_scaling: z
      .boolean()
      .default(false)
      .describe("As in Keras: x·gamma/√(variance + epsilon), neither centred nor shifted."),
  },
  build([x], { axis, epsilon, rms_scaling, ...options }, ctx) {
    const own = dimensions(axis, x!, ctx);
    const present = { ...options, center: options.center && !rms_scaling };
    const scale = options.scale || rms_scaling;
    const { gamma, beta } = weights(x!, own, { ...present, scale }, ctx);
    const { centre, variance } = moments(x!, own);
    const from = rms_scaling ? x! : sub(x!, centre);
    return shift(mul(from, factor(variance, epsilon, gamma)), beta);
  },
});

export const groupNormalization = defineLayer({
  name: "group_normalization",
  doc:
    "y = gamma·(x − mean)/√(variance + epsilon) + beta, mean and variance over a group of channels and " +
    "all other dimensions of each example (https://arxiv.org/abs/1803.08494).",
  takes: "one",
  options: {
    groups: z
      .int()
      .refine((n) => n > 0 || n === -1, "a positive number, or -1 for a group a channel")
      .default(32)
      .describe("Groups of neighbouring channels; -1: every channel by itself."),
    axis: z.int().default(-1).describe("The dimension of the channels."),
    ...shared,
  },
  build([x], { groups, axis, epsilon, ...options }, ctx) {
    const { shape } = x!.type;
    const own = dimensions(axis, x!, ctx);
    const dim = own[0]!;
    const channels = shape[dim]!;
    const parts = groups === -1 ? channels : groups;
    if (channels % parts !== 0) {
      ctx.fail({
        path: ["groups"],
        message: `${channels} channels do not divide into ${parts} groups`,
        expected: `a divisor of ${channels}`,
        received: `${groups}`,
        notes: [`the input is ${showShape(shape)}`],
        fix: "write `groups: 1` for all channels together, `groups: -1` for each by itself",
      });
    }
    const inGroups = (w: Tensor) =>
      reshape(
        w,
        w.type.shape.flatMap((n, d) => (d === dim ? [parts, channels / parts] : [n])),
      );
    const grouped = inGroups(x!);
    const others = grouped.type.shape.map((_, d) => d).filter((d) => d > 0 && d !== dim);
    const { centre, variance } = moments(grouped, others);
    const { gamma, beta } = weights(x!, own, options, ctx);
    const scale = factor(variance, epsilon, gamma && inGroups(gamma));
    return reshape(shift(mul(sub(grouped, centre), scale), beta && inGroups(beta)), shape);
  },
});

export const rmsNormalization = defineLayer({
  name: "rms_normalization",
  doc: "y = scale·x/√(mean x² + epsilon) over the dimensions `axis` of each example (https://arxiv.org/abs/1910.07467).",
  takes: "one",
  mask: "stops",
  options: {
    axis: axisOption(),
    epsilon: z.number().min(0).default(1e-6).describe("Added to the mean square."),
  },
  build([x], { axis, epsilon }, ctx) {
    const { shape } = x!.type;
    const own = dimensions(axis, x!, ctx);
    const scale = ctx.weight(
      "scale",
      own.map((d) => shape[d]!),
      { initializer: ones },
    );
    return mul(x!, factor(mean(square(x!), own), epsilon, spread(scale, shape, own)));
  },
});
