/** What a loss is, and what losses and metrics share: targets in the form they need, and means over classes. */
import type { z } from "zod";
import { type Shape, sameShape, sizeOf, type Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce.ts";
import { concatenate, fill, iota, reshape } from "../../ops/view.ts";
import type { Problem } from "../../support/errors.ts";
import type { Definition } from "../definition.ts";

/** Keras's `backend.epsilon()`: probabilities are kept this far from 0 and 1. */
export const epsilon = 1e-7;

/** `values`: targets have the prediction's shape. `labels`: a class number instead of the last dimension. */
export type TargetForm = "values" | "labels";

export interface Loss<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  readonly targets: TargetForm;
  /**
   * What predictions are, if probabilities: of the classes along the last dimension, or each of being true.
   * With the option `from_logits` they become so by softmax or sigmoid.
   */
  readonly predicts?: "classes" | "truth";
  /** The least and the greatest target that it can be computed of, if not any number. */
  readonly range?: readonly [least: number, most: number];
  /** Labels say which examples belong together, and are not places among the outputs. */
  readonly groups?: true;
  /** What of the options does not fit predictions of this shape, if anything; the path starts at them. */
  unfit?(prediction: Shape, options: z.output<z.ZodObject<S>>, mask?: Shape): Problem | undefined;
  /** A class number that stands for no class, which `labels` may have: its losses are 0 and do not count. */
  ignored?(options: z.output<z.ZodObject<S>>): number | null;
  /** Whether a sample's loss depends on the others of its batch. */
  batchwise?(options: z.output<z.ZodObject<S>>): boolean;
  /** 1 for the losses that count, else 0; absent: all do. */
  counted?(losses: Tensor): Tensor;
  /**
   * [batch, …, n] predictions to [batch, …] losses, or to one of shape [] of the batch as a whole; targets are
   * aligned by `alignTarget`.
   */
  perSample(target: Tensor, prediction: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
/** Checks a definition's types; the catalogue holds losses of all kinds of options. */
export function defineLoss<S extends z.ZodRawShape>(loss: Loss<S>): Loss {
  return loss as unknown as Loss;
}

/**
 * A target in the form a loss or metric needs, or undefined if its shape does not allow it.
 * Trailing dimensions of 1 may be missing or superfluous, as in Keras.
 */
export function alignTarget(
  target: Tensor,
  prediction: Tensor,
  form: TargetForm,
): Tensor | undefined {
  const { shape } = prediction.type;
  const wanted = form === "labels" ? shape.slice(0, -1) : shape;
  const values = op.float(target);
  if (sameShape(values.type.shape, wanted)) return values;
  const trimmed = (s: readonly number[]) => s.slice(0, s.findLastIndex((n) => n !== 1) + 1);
  const fits =
    sizeOf(values.type.shape) === sizeOf(wanted) &&
    sameShape(trimmed(values.type.shape.slice(1)), trimmed(wanted.slice(1)));
  return fits ? reshape(values, wanted) : undefined;
}

/** 1 at the label's place of a new last dimension of `classes`, 0 elsewhere. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  const shape = [...labels.type.shape, classes];
  const position = op.float(iota(shape, shape.length - 1));
  return op.equal(position, reshape(labels, [...labels.type.shape, 1]));
}

/** A few numbers as a tensor, [n]. */
export const vector = (values: readonly number[]): Tensor =>
  values.every((v) => v === values[0])
    ? fill(values[0]!, [values.length])
    : concatenate(
        values.map((v) => fill(v, [1])),
        0,
      );

/** Mean over the last dimension, which goes. */
export const lastMean = (x: Tensor): Tensor => mean(x, [x.type.shape.length - 1], false);
export const lastSum = (x: Tensor): Tensor => sum(x, [x.type.shape.length - 1], false);
export const withoutLast = (x: Tensor): Tensor => reshape(x, x.type.shape.slice(0, -1));
export const clipped = (p: Tensor): Tensor => op.clip(p, epsilon, 1 - epsilon);
/** Each row divided by its sum. */
export const shares = (p: Tensor): Tensor => op.div(p, sum(p, [p.type.shape.length - 1]));

/** A dimension counted from the end if negative; undefined if there is none such, or if it is the batch. */
export function dimension(axis: number, { length }: Shape): number | undefined {
  const dim = axis < 0 ? axis + length : axis;
  return dim >= 1 && dim < length ? dim : undefined;
}

/** That the option `axis` is a dimension of an example, and not one along which steps are masked. */
export function unfitAxis(axis: number, shape: Shape, mask?: Shape): Problem | undefined {
  const dim = dimension(axis, shape);
  const { length } = shape;
  if (dim !== undefined && mask && dim < mask.length) {
    return {
      path: ["axis"],
      message: "along this dimension some steps are masked",
      expected: `${mask.length} to ${length - 1}, behind the steps`,
      received: `${axis}`,
      fix: "write `axis: -1` for the last one",
    };
  }
  if (dim !== undefined) return undefined;
  return {
    path: ["axis"],
    message: "there is no such dimension in an example",
    expected: `1 to ${length - 1}, or ${1 - length} to -1; 0 is the batch`,
    received: `${axis}`,
    fix: "write `axis: -1` for the last one",
  };
}
