/** Step sizes of their own for every weight, from the size of its gradients so far. */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import {
  average,
  common,
  decay,
  defineOptimizer,
  epsilonOption,
  type Optimizer,
} from "./optimizer.ts";

const accumulatorOption = z.number().min(0).default(0.1).describe("a at the start.");
const strength = (what: string) => z.number().min(0).default(0).describe(what);

export const adaptiveOptimizers: readonly Optimizer[] = [
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
      initial_accumulator_value: accumulatorOption,
      epsilon: epsilonOption,
    },
    slots: ({ initial_accumulator_value }) => ({ accumulator: initial_accumulator_value }),
    update({ w, g, slots }, { epsilon }, { rate }) {
      const accumulator = op.add(slots["accumulator"]!, op.square(g));
      const step = op.div(op.mul(g, rate), op.sqrt(op.add(accumulator, epsilon)));
      return { w: op.sub(w, step), slots: { accumulator } };
    },
  }),
  defineOptimizer({
    name: "adadelta",
    doc: "w ← w − lr·Δ, Δ = g·√(d + ε)/√(v + ε), v and d means of g² and Δ² (Zeiler 2012)",
    options: {
      ...common(0.001),
      rho: decay(0.95, "Decay of the means."),
      epsilon: epsilonOption,
    },
    slots: () => ({ accumulated_grad: 0, accumulated_delta_var: 0 }),
    update({ w, g, slots }, { rho, epsilon }, { rate }) {
      const root = (x: Tensor) => op.sqrt(op.add(x, epsilon));
      const moved = slots["accumulated_delta_var"]!;
      const accumulated_grad = average(slots["accumulated_grad"]!, op.square(g), rho);
      const delta = op.div(op.mul(root(moved), g), root(accumulated_grad));
      const accumulated_delta_var = average(moved, op.square(delta), rho);
      const kept = { accumulated_grad, accumulated_delta_var };
      return { w: op.sub(w, op.mul(delta, rate)), slots: kept };
    },
  }),
  defineOptimizer({
    name: "ftrl",
    doc: "Follow the regularised leader: z ← z + g − (a′ᵖ − aᵖ)/lr·w, w ← (clip(z, ±l1) − z)/(a′ᵖ/lr + 2·l2)",
    options: {
      ...common(0.001),
      learning_rate_power: z.number().max(0).default(-0.5).describe("−p: how fast rates fall."),
      initial_accumulator_value: accumulatorOption,
      l1_regularization_strength: strength("Weights whose z is smaller are 0."),
      l2_regularization_strength: strength("Penalty on squares."),
      l2_shrinkage_regularization_strength: strength("Penalty on squares, by way of the gradient."),
      beta: strength("Added to √a of every weight."),
    },
    slots: (o) => ({ accumulator: o.initial_accumulator_value, linear: 0 }),
    update({ w, g, slots }, o, { rate }) {
      const raised = (a: Tensor) => op.power(a, -o.learning_rate_power);
      const accumulator = op.add(slots["accumulator"]!, op.square(g));
      const shrinkage = op.mul(w, 2 * o.l2_shrinkage_regularization_strength);
      const growth = op.sub(raised(accumulator), raised(slots["accumulator"]!));
      const pull = op.sub(op.add(g, shrinkage), op.mul(op.div(growth, rate), w));
      const linear = op.add(slots["linear"]!, pull);
      // 2·(l2 + beta/(2·lr))
      const l2 = op.add(op.div(o.beta, rate), 2 * o.l2_regularization_strength);
      const quadratic = op.add(op.div(raised(accumulator), rate), l2);
      const l1 = o.l1_regularization_strength;
      const next = op.div(op.sub(op.clip(linear, -l1, l1), linear), quadratic);
      return { w: next, slots: { accumulator, linear } };
    },
  }),
];
