/** Adam and its kin: moving averages of the gradient and of its size. */
import { z } from "zod";
import * as op from "../../ops/pointwise.ts";
import {
  average,
  averageOfOnes,
  common,
  decay,
  defineOptimizer,
  epsilonOption,
  type Optimizer,
  type UpdateContext,
} from "./optimizer.ts";

export const momentOptions = {
  beta_1: decay(0.9, "Decay of the mean of gradients."),
  beta_2: decay(0.999, "Decay of the mean of squared gradients."),
  epsilon: epsilonOption,
};
const adamOptions = {
  ...momentOptions,
  amsgrad: z
    .boolean()
    .default(false)
    .describe("Divide by the largest mean of squares so far (Reddi et al. 2018)."),
};
type Adam = Optimizer<typeof adamOptions>;
type AdamOptions = z.output<z.ZodObject<typeof adamOptions>>;

/** The means of g and of g², as they are after this step. */
export const moments = (
  { g, slots }: Pick<Parameters<Adam["update"]>[0], "g" | "slots">,
  { beta_1, beta_2 }: Pick<AdamOptions, "beta_1" | "beta_2">,
) => ({
  momentum: average(slots["momentum"]!, g, beta_1),
  velocity: average(slots["velocity"]!, op.square(g), beta_2),
});

/** m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε)  (Kingma & Ba 2015) */
export function adamUpdate(
  { w, g, slots }: Parameters<Adam["update"]>[0],
  options: AdamOptions,
  ctx: UpdateContext,
): ReturnType<Adam["update"]> {
  const { beta_1, beta_2, epsilon, amsgrad } = options;
  const { momentum, velocity } = moments({ g, slots }, options);
  const largest = amsgrad ? op.maximum(slots["velocity_hat"]!, velocity) : undefined;
  const alpha = op.mul(
    ctx.rate,
    op.div(op.sqrt(averageOfOnes(ctx, beta_2)), averageOfOnes(ctx, beta_1)),
  );
  const size = op.add(op.sqrt(largest ?? velocity), epsilon);
  const kept = { momentum, velocity, ...(largest ? { velocity_hat: largest } : {}) };
  return { w: op.sub(w, op.div(op.mul(momentum, alpha), size)), slots: kept };
}
const adamSlots: Adam["slots"] = ({ amsgrad }) => ({
  momentum: 0,
  velocity: 0,
  ...(amsgrad ? { velocity_hat: 0 } : {}),
});

export const adamOptimizers: readonly Optimizer[] = [
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
    name: "adamax",
    doc: "w ← w − lr·m/((1−β₁ᵗ)·(u + ε)), u ← max(β₂u, |g|) (Kingma & Ba 2015)",
    options: { ...common(0.001), ...momentOptions },
    slots: () => ({ momentum: 0, norm: 0 }),
    update({ w, g, slots }, { beta_1, beta_2, epsilon }, ctx) {
      const momentum = average(slots["momentum"]!, g, beta_1);
      const norm = op.maximum(op.mul(slots["norm"]!, beta_2), op.abs(g));
      const size = op.mul(op.add(norm, epsilon), averageOfOnes(ctx, beta_1));
      return { w: op.sub(w, op.div(op.mul(momentum, ctx.rate), size)), slots: { momentum, norm } };
    },
  }),
  defineOptimizer({
    name: "nadam",
    doc: "Adam with Nesterov's momentum, which grows: uₜ = β₁·(1 − ½·0.96ᵗ) (Dozat 2016)",
    options: { ...common(0.001), ...momentOptions },
    slots: () => ({ momentum: 0, velocity: 0 }),
    update({ w, g, slots }, { beta_1, beta_2, epsilon }, ctx) {
      const { momentum, velocity } = moments({ g, slots }, { beta_1, beta_2 });
      // uₜ and uₜ₊₁, and the products of all up to them
      const warmth = ctx.shared("momentum_warmth", 1, (old) => op.mul(old, 0.96)); // 0.96ᵗ
      const now = op.mul(op.sub(1, op.mul(warmth, 0.5)), beta_1);
      const next = op.mul(op.sub(1, op.mul(warmth, 0.48)), beta_1);
      const product = ctx.shared("momentum_product", 1, (old) => op.mul(old, now));
      const ahead = op.div(op.mul(momentum, next), op.sub(1, op.mul(product, next)));
      const own = op.div(op.mul(g, op.sub(1, now)), op.sub(1, product));
      const size = op.sqrt(op.div(velocity, averageOfOnes(ctx, beta_2)));
      const step = op.div(op.mul(op.add(ahead, own), ctx.rate), op.add(size, epsilon));
      return { w: op.sub(w, step), slots: { momentum, velocity } };
    },
  }),
];
