/** What a layer is: options, a formula, and a function that builds its tensors. */
import type { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import type { Problem, SpecPath } from "../../support/errors.ts";
import type { Constraint } from "../constraints.ts";
import type { Definition, Named } from "../definition.ts";
import type { Fans, Initializer } from "../initializers.ts";
import type { Mask } from "../mask.ts";
import type { Regularizer } from "../regularizers.ts";

export interface WeightOptions {
  readonly initializer: Named<Initializer>;
  readonly regularizer?: Named<Regularizer> | undefined;
  readonly constraint?: Named<Constraint> | undefined;
  readonly trainable?: boolean;
  /** Inputs and outputs of a unit, where they are others than those of a convolution's kernel of its shape. */
  readonly fans?: Fans;
  /** Its first values from what the layer reads of the training data: the layer must read an input. */
  readonly observe?: (data: Observed) => Float32Array;
}

/** What is known of all training examples of an input. */
export interface Observed {
  /** Shape of one example. */
  readonly shape: Shape;
  /**
   * Mean and biased variance of each element of the data's examples, row-major. They may be several times as
   * many as `shape` has: then every part of so many is an example of its own.
   */
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
}

/** What a layer may use while it builds. Shapes have the batch in front. */
export interface LayerContext {
  /** Whether this is the training graph: dropout acts, statistics are those of the batch. */
  readonly training: boolean;
  /** Whether the layer's weights are trained; one that is not keeps no statistics either. */
  readonly trainable: boolean;
  /** The mask of each input. */
  readonly masks: readonly Mask[];
  /** The layer's weight of this name, the same one in every graph of the model. */
  weight(name: string, shape: Shape, options: WeightOptions): Tensor;
  /**
   * What the layer makes of a weight in a training step; ignored elsewhere. Who asks for it from now on reads that,
   * and the step ends with it, or the optimizer begins with it: no gradient goes through it to what it was before.
   */
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
  /** Its options that are layers: as in Keras they take automatic names too, before it does. */
  readonly inner?: readonly (keyof S & string)[];
  build(inputs: readonly Tensor[], options: z.output<z.ZodObject<S>>, ctx: LayerContext): Tensor;
  /**
   * The mask of what it gives. Absent: that of its first input, which is right for what leaves every step where
   * it was. "stops": none, for what makes something else of the steps.
   */
  readonly mask?: "stops" | MaskRule<S>;
  /**
   * Whether in training an example's result depends on the others of its batch: by statistics over the batch,
   * or a random number for all of it. Wrappers then show it one batch after the other.
   */
  mixes?(options: z.output<z.ZodObject<S>>): boolean;
  /**
   * The layers that it stands for in a model, if it gives several results; each reads what it reads. It is not
   * built itself then.
   */
  parts?(options: z.output<z.ZodObject<S>>): readonly Part[] | undefined;
  /** What its input has to be, if it takes whole numbers only: the data is checked before training. */
  wants?(options: z.output<z.ZodObject<S>>): WholeNumbers | undefined;
}

/** One of the layers that a layer stands for: `bidirectional/forward`. */
export interface Part {
  readonly name: string;
  readonly layer: Named<Layer>;
  /** Where it stands in the options. */
  readonly at: SpecPath;
}

type MaskRule<S extends z.ZodRawShape> = (
  inputs: readonly Tensor[],
  masks: readonly Mask[],
  options: z.output<z.ZodObject<S>>,
) => Mask;

/** The mask of what a layer gives for these inputs. */
export function maskGiven(
  { definition: { mask }, options }: Named<Layer>,
  inputs: readonly Tensor[],
  masks: readonly Mask[],
): Mask {
  if (mask === "stops") return undefined;
  return mask ? mask(inputs, masks, options) : masks[0];
}

/** Whole numbers up to `highest`, inclusive, as an option has it: its path starts at the layer's options. */
export interface WholeNumbers {
  readonly lowest: number;
  readonly highest: number;
  readonly option: SpecPath;
}

/** Checks a definition's types; the catalogue holds layers of all kinds of options. */
export function defineLayer<S extends z.ZodRawShape>(layer: Layer<S>): Layer {
  return layer as unknown as Layer;
}

/** `[None, 28, 28]`: a shape as Keras shows it, with the batch in front. */
export const showShape = (shape: Shape): string => `(${["None", ...shape.slice(1)].join(", ")})`;
