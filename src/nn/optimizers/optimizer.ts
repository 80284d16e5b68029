/**
 * What an optimizer is: a part of the training graph that says what a parameter and its slots become after a
 * step. Before its own rule come, in this order, clipping of the gradient and decoupled weight decay,
 * w ← w − w·weight_decay·lr; after it the moving average of the weights, if there is one.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import type { Problem } from "../../support/errors.ts";
import type { Definition } from "../definition.ts";
import { type Rate, rateOption } from "../schedules.ts";

export type Slots<K extends string = string> = Readonly<Record<K, Tensor>>;

/** The weight that is trained, as `dense/kernel`. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
}

/** What an array starts from; without a shape it has the parameter's. */
export type Slot = number | { readonly shape: Shape; readonly initial: number };

/** What an update may use beside the parameter itself. */
export interface UpdateContext {
  /** Learning rate of this step, a tensor of shape []. */
  readonly rate: Tensor;
  /**
   * A number that all parameters share, kept as state: it starts as `initial` and becomes its `next` with
   * every step. The same name must mean the same number.
   * @returns what it is after this step, of shape []
   */
  shared(name: string, initial: number, next: (old: Tensor) => Tensor): Tensor;
}

/**
 * A moving average with decay `beta`, started at 0, of the constant 1: 1 − betaᵗ after t steps. Kept as
 * state because 1 − betaᵗ computed from the power loses all its digits while betaᵗ is near 1.
 */
export const averageOfOnes = (ctx: UpdateContext, beta: number): Tensor =>
  ctx.shared(`average_of_ones/${beta}`, 0, (old) => op.add(op.mul(old, beta), 1 - beta));

export interface Optimizer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** Arrays that it keeps of a parameter, and what they start from. */
  slots(options: z.output<z.ZodObject<S>>, parameter: Parameter): Readonly<Record<string, Slot>>;
  /** The weight decay of a parameter; absent: the option `weight_decay`. */
  weightDecay?(options: z.output<z.ZodObject<S>>, parameter: Parameter): number | null;
  /** The next parameter and slots. */
  update(
    step: { readonly w: Tensor; readonly g: Tensor; readonly slots: Slots },
    options: z.output<z.ZodObject<S>>,
    ctx: UpdateContext,
  ): { readonly w: Tensor; readonly slots: Slots };
}
/** Checks a definition's types; the catalogue holds optimizers of all kinds of options. */
export function defineOptimizer<S extends z.ZodRawShape>(
  optimizer: Omit<Optimizer<S>, "check">,
): Optimizer {
  return { ...optimizer, check: checkClipping } as unknown as Optimizer;
}

/** What every optimizer has. */
export interface CommonOptions {
  readonly learning_rate: Rate;
  readonly weight_decay: number | null;
  readonly clipnorm: number | null;
  readonly global_clipnorm: number | null;
  readonly clipvalue: number | null;
  readonly use_ema: boolean;
  readonly ema_momentum: number;
  readonly ema_overwrite_frequency: number | null;
  readonly gradient_accumulation_steps: number | null;
}
const limit = (what: string) => z.number().positive().nullable().default(null).describe(what);
const ways = ["clipnorm", "global_clipnorm", "clipvalue"] as const;

export const common = (rate: number, decay: number | null = null) => ({
  learning_rate: rateOption().prefault(rate).describe("Step size, or a schedule of it."),
  weight_decay: z.number().min(0).nullable().default(decay).describe("w ← w − w·weight_decay·lr."),
  clipnorm: limit("Largest norm of the gradient of one weight."),
  global_clipnorm: limit("Largest norm of all gradients together."),
  clipvalue: limit("Largest absolute value of a gradient's element."),
  use_ema: z
    .boolean()
    .default(false)
    .describe("Keep a moving average of the weights, which is what is saved at the end."),
  ema_momentum: z.number().min(0).max(1).default(0.99).describe("Decay of that average."),
  ema_overwrite_frequency: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("Every so many steps the weights become the average."),
  gradient_accumulation_steps: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe("Batches whose gradients are averaged for one step; train.accumulate is the same."),
});
export const decay = (initial: number, what: string) =>
  z.number().min(0).max(1).default(initial).describe(what);
export const epsilonOption = z.number().min(0).default(1e-7).describe("Keeps the division finite.");

function checkClipping(options: Readonly<Record<string, unknown>>): Problem | undefined {
  const used = ways.filter((way) => options[way] !== null);
  if (used.length < 2) return undefined;
  return {
    path: [used[1]!],
    at: "key",
    message: "gradients can be clipped in one way only",
    received: used.join(" and "),
    fix: `keep one of ${used.join(", ")}`,
  };
}

/** β·a + (1 − β)·x */
export const average = (a: Tensor, x: Tensor, beta: number): Tensor =>
  op.add(op.mul(a, beta), op.mul(x, 1 - beta));

/** Gradients made smaller as the options ask; at most one of the three ways is chosen. */
export function clipGradients(
  gradients: readonly Tensor[],
  { clipnorm, global_clipnorm, clipvalue }: CommonOptions,
): readonly Tensor[] {
  if (clipvalue !== null) return gradients.map((g) => op.clip(g, -clipvalue, clipvalue));
  const squares = (g: Tensor) => sum(op.square(g), undefined, false);
  // g·limit/max(norm, limit)
  const shrink = (g: Tensor, square: Tensor, most: number) =>
    op.mul(g, op.div(most, op.maximum(op.sqrt(square), most)));
  if (clipnorm !== null) return gradients.map((g) => shrink(g, squares(g), clipnorm));
  if (global_clipnorm === null || gradients.length === 0) return gradients;
  const total = gradients.map(squares).reduce((a, b) => op.add(a, b));
  return gradients.map((g) => shrink(g, total, global_clipnorm));
}

/** w − w·weight_decay·lr */
export const decayed = (w: Tensor, rate: Tensor, weightDecay: number | null): Tensor =>
  weightDecay ? op.sub(w, op.mul(op.mul(w, weightDecay), rate)) : w;
