/**
 * Optimizers, by Keras's names and formulas (https://keras.io/api/optimizers/). An optimizer is part of the
 * training graph: it says what a parameter and its slots become after a step. Before its own rule come, in
 * this order, clipping of the gradient and decoupled weight decay, w ← w − w·weight_decay·lr.
 */
import { z } from "zod";
import type { Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { sum } from "../ops/reduce.ts";
import { type Definition, named } from "./definition.ts";

export type Slots<K extends string = string> = Readonly<Record<K, Tensor>>;

/** What an update may use beside the parameter itself. */
export interface UpdateContext {
  /** Learning rate of this step, a tensor of shape []. */
  readonly rate: Tensor;
  /**
   * A moving average with decay `beta`, started at 0, of the constant 1: 1 − betaᵗ after t steps. Kept as
   * state because 1 − betaᵗ computed from the power loses all its digits while betaᵗ is near 1.
   */
  averageOfOnes(beta: number): Tensor;
}

export interface Optimizer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** Arrays of the parameter's shape that it keeps, and what they start from. */
  slots(options: z.output<z.ZodObject<S>>): Readonly<Record<string, number>>;
  /** The next parameter and slots. */
  update(
    step: { readonly w: Tensor; readonly g: Tensor; readonly slots: Slots },
    options: z.output<z.ZodObject<S>>,
    ctx: UpdateContext,
  ): { readonly w: Tensor; readonly slots: Slots };
}
function defineOptimizer<S extends z.ZodRawShape>(optimizer: Optimizer<S>): Optimizer {
  return optimizer as unknown as Optimizer;
}

/** What every optimizer has. */
export interface CommonOptions {
  readonly learning_rate: number;
  readonly weight_decay: number | null;
  readonly clipnorm: number | null;
  readonly global_clipnorm: number | null;
  readonly clipvalue: number | null;
}
const limit = (what: string) => z.number().positive().nullable().default(null).describe(what);
const common = (rate: number, decay: number | null = null) => ({
  learning_rate: z.number().min(0).default(rate).describe("Step size."),
  weight_decay: z.number().min(0).nullable().default(decay).describe("w ← w − w·weight_decay·lr."),
  clipnorm: limit("Largest norm of the gradient of one weight."),
  global_clipnorm: limit("Largest norm of all gradients together."),
  clipvalue: limit("Largest absolute value of a gradient's element."),
});
const decay = (initial: number, what: string) =>
  z.number().min(0).max(1).default(initial).describe(what);
const epsilonOption = z.number().min(0).default(1e-7).describe("Keeps the division finite.");

/** β·a + (1 − β)·x */
const average = (a: Tensor, x: Tensor, beta: number) =>
  op.add(op.mul(a, beta), op.mul(x, 1 - beta));

const adamOptions = {
  beta_1: decay(0.9, "Decay of the mean of gradients."),
  beta_2: decay(0.999, "Decay of the mean of squared gradients."),
  epsilon: epsilonOption,
};
/** m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε)  (Kingma & Ba 2015) */
const adamUpdate: Optimizer<typeof adamOptions>["update"] = ({ w, g, slots }, options, ctx) => {
  const { beta_1, beta_2, epsilon } = options;
  const momentum = average(slots["momentum"]!, g, beta_1);
  const velocity = average(slots["velocity"]!, op.square(g), beta_2);
  const alpha = op.mul(
    ctx.rate,
    op.div(op.sqrt(ctx.averageOfOnes(beta_2)), ctx.averageOfOnes(beta_1)),
  );
  const step = op.div(op.mul(momentum, alpha), op.add(op.sqrt(velocity), epsilon));
  return { w: op.sub(w, step), slots: { momentum, velocity } };
};
const adamSlots = () => ({ momentum: 0, velocity: 0 });

export const optimizers: readonly Optimizer[] = [
  defineOptimizer({
    name: "sgd",
    doc: "w ← w − lr·g; with momentum m ← μm − lr·g, w ← w + m; nesterov: w ← w + μm − lr·g",
    options: {
      ...common(0.01),
      momentum: decay(0, "μ, the share of the last step that is kept."),
      nesterov: z.boolean().default(false).describe("Look ahead along the momentum."),
    },
    slots: ({ momentum }) => (momentum === 0 ? {} : { momentum: 0 }),
    update({ w, g, slots }, { momentum, nesterov }, { rate }) {
      const step = op.mul(g, rate);
      if (momentum === 0) return { w: op.sub(w, step), slots: {} };
      const m = op.sub(op.mul(slots["momentum"]!, momentum), step);
      const move = nesterov ? op.sub(op.mul(m, momentum), step) : m;
      return { w: op.add(w, move), slots: { momentum: m } };
    },
  }),
  defineOptimizer({
    name: "adam",
    doc: "w ← w − lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v + ε), m and v means of g and g²",
    options: { ...common(0.001), ...adamOptions },
    slots: adamSlots,
    update: adamUpdate,
  }),
  defineOptimizer({
    name: "adamw",
    doc: "Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
    options: { ...common(0.001, 0.004), ...adamOptions },
    slots: adamSlots,
    update: adamUpdate,
  }),
  defineOptimizer({
    name: "rmsprop",
    doc: "w ← w − lr·g/√(v + ε), v a mean of g²; centered: of the variance",
    options: {
      ...common(0.001),
      rho: decay(0.9, "Decay of the mean of squared gradients."),
      momentum: decay(0, "Share of the last step that is kept."),
      epsilon: epsilonOption,
      centered: z.boolean().default(false).describe("Divide by the deviation, not the size."),
    },
    slots: ({ momentum, centered }) => ({
      velocity: 0,
      ...(momentum > 0 ? { momentum: 0 } : {}),
      ...(centered ? { average: 0 } : {}),
    }),
    update({ w, g, slots }, { rho, momentum, epsilon, centered }, { rate }) {
      const velocity = average(slots["velocity"]!, op.square(g), rho);
      const mean = centered ? average(slots["average"]!, g, rho) : undefined;
      const spread = mean ? op.sub(velocity, op.square(mean)) : velocity;
      const step = op.mul(op.div(g, op.sqrt(op.add(spread, epsilon))), rate);
      const m = momentum > 0 ? op.add(op.mul(slots["momentum"]!, momentum), step) : step;
      const kept = { velocity, ...(mean ? { average: mean } : {}) };
      return { w: op.sub(w, m), slots: momentum > 0 ? { ...kept, momentum: m } : kept };
    },
  }),
  defineOptimizer({
    name: "adagrad",
    doc: "w ← w − lr·g/√(a + ε), a the sum of all g² (Duchi 2011)",
    options: {
      ...common(0.001),
      initial_accumulator_value: z.number().min(0).default(0.1).describe("a at the start."),
      epsilon: epsilonOption,
    },
    slots: ({ initial_accumulator_value }) => ({ accumulator: initial_accumulator_value }),
    update({ w, g, slots }, { epsilon }, { rate }) {
      const accumulator = op.add(slots["accumulator"]!, op.square(g));
      const step = op.div(op.mul(g, rate), op.sqrt(op.add(accumulator, epsilon)));
      return { w: op.sub(w, step), slots: { accumulator } };
    },
  }),
];

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
  if (global_clipnorm === null) return gradients;
  const total = gradients.map(squares).reduce((a, b) => op.add(a, b));
  return gradients.map((g) => shrink(g, total, global_clipnorm));
}

/** w − w·weight_decay·lr */
export const decayed = (w: Tensor, rate: Tensor, { weight_decay }: CommonOptions): Tensor =>
  weight_decay ? op.sub(w, op.mul(op.mul(w, weight_decay), rate)) : w;

/** The spec's reference to an optimizer. */
export const optimizerOption = () => named<Optimizer>("optimizer", () => optimizers);
