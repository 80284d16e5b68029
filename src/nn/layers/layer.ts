/** What a layer is: options, a formula, and a function that builds its tensors. */
import type { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import type { Problem } from "../../support/errors.ts";
import type { Constraint } from "../constraints.ts";
import type { Definition, Named } from "../definition.ts";
import type { Initializer } from "../initializers.ts";
import type { Regularizer } from "../regularizers.ts";

export interface WeightOptions {
  readonly initializer: Named<Initializer>;
  readonly regularizer?: Named<Regularizer> | undefined;
  readonly constraint?: Named<Constraint> | undefined;
  readonly trainable?: boolean;
  /** Its first values from what the layer reads of the training data: the layer must read an input. */
  readonly observe?: (data: Observed) => Float32Array;
}

/** All training examples of an input. */
export interface Observed {
  /** Shape of one example. */
  readonly shape: Shape;
  /** Row-major; they mean so many times the scale. */
  readonly values: ArrayLike<number>;
  readonly scale: number;
}

/** What a layer may use while it builds. Shapes have the batch in front. */
export interface LayerContext {
  /** Whether this is the training graph: dropout acts, statistics are those of the batch. */
  readonly training: boolean;
  /** Whether the layer's weights are trained; one that is not keeps no statistics either. */
  readonly trainable: boolean;
  /** The layer's weight of this name, the same one in every graph of the model. */
  weight(name: string, shape: Shape, options: WeightOptions): Tensor;
  /** What a weight that the layer itself keeps becomes after a training step; ignored elsewhere. */
  update(weight: Tensor, next: Tensor): void;
  /** Uniform numbers in [0, 1), new ones every step. */
  uniform(shape: Shape): Tensor;
  /** Adds a penalty, a tensor of shape [], to the loss. */
  penalise(penalty: Tensor): void;
  /** Reports inputs or options that do not fit; the path is relative to the layer's options. */
  fail(problem: Problem): never;
}

export interface Layer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** How many inputs it takes: exactly one, at least two, at least one, or none (only `input`). */
  readonly takes: "one" | "several" | "some" | "none";
  build(inputs: readonly Tensor[], options: z.output<z.ZodObject<S>>, ctx: LayerContext): Tensor;
  /** What its input has to be, if it takes whole numbers only: the data is checked before training. */
  wants?(options: z.output<z.ZodObject<S>>): WholeNumbers;
}

/** Whole numbers up to `highest`, inclusive, as the layer's `option` has it. */
export interface WholeNumbers {
  readonly lowest: number;
  readonly highest: number;
  readonly option: string;
}

/** Checks a definition's types; the catalogue holds layers of all kinds of options. */
export function defineLayer<S extends z.ZodRawShape>(layer: Layer<S>): Layer {
  return layer as unknown as Layer;
}

/** `[None, 28, 28]`: a shape as Keras shows it, with the batch in front. */
export const showShape = (shape: Shape): string => `(${["None", ...shape.slice(1)].join(", ")})`;
