/** The types of what plug-ins define and get, exported by `nnc/plugin`. */
export type {
  DataSource,
  Dataset,
  Examples,
  Loaded,
  Samples,
  SourceContext,
} from "../data/dataset.ts";
export type { Access, Axis, DType, Expr } from "../ir/expr.ts";
export type { Op, Shape, Tensor, TensorType } from "../ir/graph.ts";
export type { Activation } from "../nn/activations.ts";
export type { Action, Callback, EpochReport, Memory, Reaction } from "../nn/callbacks/callback.ts";
export type { Constraint } from "../nn/constraints.ts";
export type { Definition, Named } from "../nn/definition.ts";
export type { Initializer } from "../nn/initializers.ts";
export type { Layer, LayerContext, WeightOptions } from "../nn/layers/layer.ts";
export type { Loss, TargetForm } from "../nn/losses/loss.ts";
export type { Mask } from "../nn/mask.ts";
export type { MeanMetric, Metric, Totals } from "../nn/metrics/metric.ts";
export type { Optimizer, Slots, UpdateContext } from "../nn/optimizers/optimizer.ts";
export type { Regularizer } from "../nn/regularizers.ts";
export type { Schedule } from "../nn/schedules.ts";
export type { Operand } from "../ops/pointwise.ts";
export type { Problem } from "../support/errors.ts";
export type { RandomStream } from "../support/random.ts";
