/**
 * Metrics, by Keras's names (https://keras.io/api/metrics/): means over all samples seen in an epoch. The
 * sums are part of the graph; the last step, such as a square root, is taken when they are read.
 */
import { z } from "zod";
import type { Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { argmax, mean } from "../ops/reduce.ts";
import { type Definition, named } from "./definition.ts";
import type { Loss } from "./losses/loss.ts";

export interface Metric<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** The form of target it needs, which may depend on the shapes. */
  targets(target: Tensor, prediction: Tensor): Loss["targets"];
  /** One value a sample, [batch, …], from targets aligned as asked. */
  values(target: Tensor, prediction: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
  /** From the mean of the values to the metric. */
  finish?(mean: number): number;
}
function defineMetric<S extends z.ZodRawShape>(metric: Metric<S>): Metric {
  return metric as unknown as Metric;
}

const lastMean = (x: Tensor) => mean(x, [x.type.shape.length - 1], false);
const values = () => "values" as const;

const binary = (y: Tensor, p: Tensor, threshold: number) =>
  lastMean(op.equal(y, op.greater(p, threshold)));
const categorical = (y: Tensor, p: Tensor) => op.equal(argmax(y), argmax(p));
const sparse = (labels: Tensor, p: Tensor) => op.equal(labels, argmax(p));

/** Which accuracy `accuracy` means: by the last dimension of the prediction and the rank of the target. */
function kindOfAccuracy(target: Tensor, p: Tensor): "binary" | "sparse" | "categorical" {
  const classes = p.type.shape.at(-1);
  if (classes === 1) return "binary";
  const labels = target.type.shape;
  return labels.length < p.type.shape.length || labels.at(-1) === 1 ? "sparse" : "categorical";
}

const squared = (y: Tensor, p: Tensor) => lastMean(op.square(op.sub(y, p)));

export const metrics: readonly Metric[] = [
  defineMetric({
    name: "accuracy",
    aliases: ["acc"],
    doc: "Share of right answers: binary for one output, sparse for class numbers, else categorical",
    options: {},
    targets: (y, p) => (kindOfAccuracy(y, p) === "sparse" ? "labels" : "values"),
    values(y, p) {
      if (p.type.shape.at(-1) === 1) return binary(y, p, 0.5);
      return y.type.shape.length < p.type.shape.length ? sparse(y, p) : categorical(y, p);
    },
  }),
  defineMetric({
    name: "binary_accuracy",
    doc: "Share of predictions on the right side of the threshold",
    options: { threshold: z.number().default(0.5).describe("Predictions above it count as 1.") },
    targets: values,
    values: (y, p, { threshold }) => binary(y, p, threshold),
  }),
  defineMetric({
    name: "categorical_accuracy",
    doc: "Share of samples whose largest prediction is at the largest target",
    options: {},
    targets: values,
    values: categorical,
  }),
  defineMetric({
    name: "sparse_categorical_accuracy",
    doc: "Share of samples whose largest prediction is at the label",
    options: {},
    targets: () => "labels",
    values: sparse,
  }),
  defineMetric({
    name: "mse",
    aliases: ["mean_squared_error"],
    doc: "Mean squared error",
    options: {},
    targets: values,
    values: squared,
  }),
  defineMetric({
    name: "mae",
    aliases: ["mean_absolute_error"],
    doc: "Mean absolute error",
    options: {},
    targets: values,
    values: (y, p) => lastMean(op.abs(op.sub(y, p))),
  }),
  defineMetric({
    name: "rmse",
    aliases: ["root_mean_squared_error"],
    doc: "Root of the mean squared error",
    options: {},
    targets: values,
    values: squared,
    finish: Math.sqrt,
  }),
];

/** The spec's reference to a metric. */
export const metricOption = () => named<Metric>("metric", () => metrics);
