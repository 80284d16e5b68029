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

export type {
  DataSource,
  Dataset,
  Examples,
  Loaded,
  Samples,
  SourceContext,
} from "../data/dataset.ts";
// Data: files with errors that say what is wrong, random numbers that a seed determines, problems with a place.
export { readDataFile } from "../data/read-file.ts";
export type { Access, Axis, DType, Expr } from "../ir/expr.ts";
// A new op: of elements (`pointwise`), or of anything (`defineOp`), with the expressions they are lowered to.
export { call, constant, index, int, reduce } from "../ir/expr.ts";
export type { Op, Shape, Tensor, TensorType } from "../ir/graph.ts";
export { defineOp, sameShape, sizeOf } from "../ir/graph.ts";
export type { Activation } from "../nn/activations.ts";
// Options that are references to definitions, and what layers do with them.
export { activationOption, applyActivation } from "../nn/activations.ts";
export type { Action, Callback, EpochReport, Memory, Reaction } from "../nn/callbacks/callback.ts";
export { minDelta, watching as watchingOptions } from "../nn/callbacks/callback.ts";
export type { Constraint } from "../nn/constraints.ts";
export { constraintOption } from "../nn/constraints.ts";
export type { Definition, Named } from "../nn/definition.ts";
export type { Initializer } from "../nn/initializers.ts";
export { fans, initializerOption } from "../nn/initializers.ts";
export type { Layer, LayerContext, WeightOptions } from "../nn/layers/layer.ts";
export { showShape } from "../nn/layers/layer.ts";
export type { Loss, TargetForm } from "../nn/losses/loss.ts";
// Parts of losses, metrics and optimizers.
export { alignTarget, lastMean, lastSum, oneHot } from "../nn/losses/loss.ts";
export type { Mask } from "../nn/mask.ts";
export { maskOver } from "../nn/mask.ts";
export type { MeanMetric, Metric, Totals } from "../nn/metrics/metric.ts";
export { asLabels, asOneHot, asValues, byShapes } from "../nn/metrics/metric.ts";
export type { Optimizer, Slots, UpdateContext } from "../nn/optimizers/optimizer.ts";
export { average, averageOfOnes, common as optimizerOptions } from "../nn/optimizers/optimizer.ts";
export type { Regularizer } from "../nn/regularizers.ts";
export { regularizerOption } from "../nn/regularizers.ts";
export type { Schedule } from "../nn/schedules.ts";
export type { Operand } from "../ops/pointwise.ts";
export { pointwise } from "../ops/pointwise.ts";
export type { Problem } from "../support/errors.ts";
export { fail } from "../support/errors.ts";
export type { RandomStream } from "../support/random.ts";
export { randomStream } from "../support/random.ts";
/** Every op: `op.mul(x, op.sigmoid(x))`. Operands broadcast as in NumPy. */
export * as op from "./ops.ts";
