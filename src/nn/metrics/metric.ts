/**
 * What a metric is: sums that every batch adds to, which are part of the graph, and what is made of their
 * totals when they are read. Most metrics are a mean over samples and say only what it is the mean of.
 */
import type { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { mul } from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce.ts";
import type { Problem } from "../../support/errors.ts";
import type { Definition } from "../definition.ts";
import { oneHot, type TargetForm } from "../losses/loss.ts";
import { type Mask, maskOver } from "../mask.ts";

/** What the sums over a pass came to, row-major. */
export type Totals<K extends string = string> = Readonly<Record<K, ArrayLike<number>>>;

/** Which values are better. */
export type Direction = "lower" | "higher";

export interface Metric<S extends z.ZodRawShape = z.ZodRawShape, K extends string = string>
  extends Definition<S> {
  /** Absent where neither is (a count of positives). */
  readonly better?: Direction;
  /** The form of target it needs, which may depend on the shapes and the options. */
  targets(target: Tensor, prediction: Tensor, options: z.output<z.ZodObject<S>>): TargetForm;
  /** What of the options does not fit predictions of this shape, if anything; the path starts at them. */
  unfit?(prediction: Shape, options: z.output<z.ZodObject<S>>, mask?: Shape): Problem | undefined;
  /**
   * What a batch adds to each total: tensors of any small shapes, from targets aligned as asked. As in Keras only
   * means look at the prediction's mask.
   */
  sums(
    target: Tensor,
    prediction: Tensor,
    options: z.output<z.ZodObject<S>>,
    mask?: Mask,
  ): Readonly<Record<K, Tensor>>;
  /** From the totals of all batches, and the number of samples in them, to the metric. */
  finish(totals: Totals<K>, options: z.output<z.ZodObject<S>>, samples: number): number;
}
/** Checks a definition's types; the catalogue holds metrics of all kinds of options. */
export function defineMetric<S extends z.ZodRawShape, K extends string>(
  metric: Metric<S, K>,
): Metric {
  return metric as unknown as Metric;
}

/** A metric that is a mean over all samples. */
export interface MeanMetric<S extends z.ZodRawShape>
  extends Omit<Metric<S>, "sums" | "finish" | "targets"> {
  /** Absent: values. */
  targets?(target: Tensor, prediction: Tensor): TargetForm;
  /** One value a sample, [batch, …]. */
  values(target: Tensor, prediction: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
  /** From the mean to the metric. */
  last?(mean: number): number;
  /** Absent: what is masked does not count. */
  readonly masks?: "ignored";
}
export function defineMean<S extends z.ZodRawShape>({
  targets,
  values,
  last = (x) => x,
  masks,
  ...metric
}: MeanMetric<S>): Metric {
  return defineMetric({
    ...metric,
    targets: targets ?? asValues,
    sums(y, p, options, mask) {
      const own = values(y, p, options);
      return mask && masks !== "ignored"
        ? presentTotal(own, mask)
        : { total: batchTotal(own, p.type.shape[0]!) };
    },
    finish: ({ total, count }, _, samples) => last(share(total[0]!, count ? count[0]! : samples)),
  } as Metric<S, "total" | "count">);
}
/** The mean of one value a sample, times the number of samples, of shape []. */
const batchTotal = (values: Tensor, samples: number): Tensor =>
  mul(mean(values, undefined, false), samples);
/** The sum of the values that are there, and how many these are. */
function presentTotal(values: Tensor, mask: Tensor) {
  const { shape } = values.type;
  const present = maskOver(mask, shape, shape.length);
  const all = (x: Tensor) => sum(x, undefined, false);
  return { total: all(mul(values, present)), count: all(present) };
}

export const asValues = (): TargetForm => "values";
export const asLabels = (): TargetForm => "labels";

/** Class numbers where the data has such, and more than one output; else values. */
export const byShapes = ({ type: { shape } }: Tensor, p: Tensor): TargetForm => {
  if (p.type.shape.at(-1) === 1) return "values";
  return shape.length < p.type.shape.length || shape.at(-1) === 1 ? "labels" : "values";
};
/** Targets aligned `byShapes` as one-hot values. */
export const asOneHot = (y: Tensor, p: Tensor): Tensor =>
  y.type.shape.length < p.type.shape.length ? oneHot(y, p.type.shape.at(-1)!) : y;

/** a/b, and 0 where b is 0: Keras's `divide_no_nan`. */
export const share = (a: number, b: number): number => (b === 0 ? 0 : a / b);
