/**
 * `nnc/plugin`: what a plug-in is made of. A plug-in is a TypeScript or JavaScript module whose exports are
 * definitions, each made by one of the `define…` functions here; `--plugin FILE` adds them to nnc's own. They get a
 * place in the schema, checked options, errors with places, gradients and all backends, as those have. The guide,
 * with worked examples, is docs/plugins.md.
 *
 * Shapes of tensors have the batch in front. An option is a zod type with a description and, unless it must be
 * given, a default; `build` and its like receive options checked and complete.
 */
import { defineSource as source } from "../data/dataset.ts";
import { defineActivation as activation } from "../nn/activations.ts";
import { defineCallback as callback } from "../nn/callbacks/callback.ts";
import { defineConstraint as constraint } from "../nn/constraints.ts";
import { defineInitializer as initializer } from "../nn/initializers.ts";
import { defineLayer as layer } from "../nn/layers/layer.ts";
import { defineLoss as loss } from "../nn/losses/loss.ts";
import { defineMean as mean, defineMetric as metric } from "../nn/metrics/metric.ts";
import { defineOptimizer as optimizer } from "../nn/optimizers/optimizer.ts";
import { defineRegularizer as regularizer } from "../nn/regularizers.ts";
import { defineSchedule as schedule } from "../nn/schedules.ts";
import { defining } from "./kinds.ts";

/** zod, in which options are written: `units: z.int().positive().describe("Width of the output.")`. */
export { z } from "zod";

/** A layer: `build` makes its tensor from those it reads; weights come from its context. */
export const defineLayer = defining("layer", layer);
/** An activation: `apply` gives a tensor of the shape it gets. It can be used as a layer too. */
export const defineActivation = defining("activation", activation);
/** A loss: `perSample` makes [batch, …] of target and prediction [batch, …, n]. It can be used as a metric too. */
export const defineLoss = defining("loss", loss);
/** A metric: what a batch adds to its `sums`, and what `finish` makes of their totals. */
export const defineMetric = defining("metric", metric);
/** A metric that is the mean of one value a sample. */
export const defineMean = defining("metric", mean);
/** An optimizer: its slots, and what a weight and they become. Its options begin with `...optimizerOptions(rate)`. */
export const defineOptimizer = defining("optimizer", optimizer);
/** An initializer: `fill` gives the first values of a weight of any shape, row-major. */
export const defineInitializer = defining("initializer", initializer);
/** A regularizer: `penalty` gives a tensor of shape [] that is added to the loss. */
export const defineRegularizer = defining("regularizer", regularizer);
/** A constraint: `apply` gives the weight nearby that satisfies it. */
export const defineConstraint = defining("constraint", constraint);
/** A learning-rate schedule: the rate, of shape [], from the number of steps taken before. */
export const defineSchedule = defining("schedule", schedule);
/** A callback: what shall be done after an epoch, as data. */
export const defineCallback = defining("callback", callback);
/** A data source: `load` reads or makes the examples. */
export const defineSource = defining("data source", source);

/** Reads a file with errors that say what is wrong with it. */
export { readDataFile } from "../data/read-file.ts";
/** What an op's elements are made of: its `lower` gives such an expression. */
export { call, constant, index, int, reduce } from "../ir/expr.ts";
/** An op of any kind, and what one may ask of shapes. */
export { defineOp, sameShape, sizeOf } from "../ir/graph.ts";
/** An option that is an activation, and what a layer does with it. */
export { activationOption, applyActivation } from "../nn/activations.ts";
/** Options of callbacks that watch a metric. */
export { minDelta, watching as watchingOptions } from "../nn/callbacks/callback.ts";
/** An option that is a constraint. */
export { constraintOption } from "../nn/constraints.ts";
/** An option that is an initializer; the numbers of inputs and outputs of a weight. */
export { fans, initializerOption } from "../nn/initializers.ts";
/** A shape as messages have it: `(None, 28, 28)`. */
export { showShape } from "../nn/layers/layer.ts";
/** Parts of losses and metrics. */
export { alignTarget, lastMean, lastSum, oneHot } from "../nn/losses/loss.ts";
/** The mask over the first dimensions of a shape. */
export { maskOver } from "../nn/mask.ts";
/** Forms of targets that metrics ask for. */
export { asLabels, asOneHot, asValues, byShapes } from "../nn/metrics/metric.ts";
/** The options of every optimizer, and parts of their updates. */
export { average, averageOfOnes, common as optimizerOptions } from "../nn/optimizers/optimizer.ts";
/** An option that is a regularizer. */
export { regularizerOption } from "../nn/regularizers.ts";
/** An op of single elements: its formula and its gradient. */
export { pointwise } from "../ops/pointwise.ts";
/** Reports what is wrong, with its place. */
export { fail } from "../support/errors.ts";
/** Random numbers that a seed determines. */
export { randomStream } from "../support/random.ts";
/** Every op: `op.mul(x, op.sigmoid(x))`. Operands broadcast as in NumPy. */
export * as op from "./ops.ts";
export type * from "./types.ts";
