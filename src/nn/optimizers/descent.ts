/** Steps along the gradient, or along its sign. */
import { z } from "zod";
import * as op from "../../ops/pointwise.ts";
import { average, common, decay, defineOptimizer, type Optimizer } from "./optimizer.ts";

export const descentOptimizers: readonly Optimizer[] = [
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
    name: "lion",
    doc: "w ← w − lr·sign(β₁m + (1−β₁)g), m ← β₂m + (1−β₂)g (Chen et al. 2023)",
    options: {
      ...common(0.001),
      beta_1: z.number().gt(0).max(1).default(0.9).describe("Share of the mean in the step."),
      beta_2: decay(0.99, "Decay of the mean of gradients."),
    },
    slots: () => ({ momentum: 0 }),
    update({ w, g, slots }, { beta_1, beta_2 }, { rate }) {
      const direction = op.sign(average(slots["momentum"]!, g, beta_1));
      const momentum = average(slots["momentum"]!, g, beta_2);
      return { w: op.sub(w, op.mul(direction, rate)), slots: { momentum } };
    },
  }),
];
