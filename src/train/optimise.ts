/** The optimizer as part of the training graph: clip, decay, step. */
import { scoped, type Tensor } from "../ir/graph.ts";
import { clipGradients, decayed, type UpdateContext } from "../nn/optimizers.ts";
import * as op from "../ops/pointwise.ts";
import type { ChosenOptimizer } from "../spec/spec.ts";
import type { StepState } from "./step-state.ts";

/** A weight that is trained: the variable, and the loss's gradient with respect to it. */
export interface Parameter {
  readonly name: string;
  readonly layer: string;
  readonly w: Tensor;
  readonly g: Tensor;
}

/**
 * Adds the updates of the parameters, and the optimizer's slots, to the state.
 * @param rate learning rate of the step, of shape []
 */
export function optimise(
  { definition, options }: ChosenOptimizer,
  parameters: readonly Parameter[],
  rate: Tensor,
  state: StepState,
): void {
  const clipped = scoped("optimizer/clip", () =>
    clipGradients(
      parameters.map((p) => p.g),
      options,
    ),
  );
  const ctx: UpdateContext = { rate, averageOfOnes: averagesOfOnes(state) };
  for (const [i, { name, layer, w }] of parameters.entries()) {
    scoped(`${layer}/update`, () => {
      const slots = Object.entries(definition.slots(options)).map(
        ([slot, initial]) =>
          [slot, state.array(`optimizer/${name}/${slot}`, w.type.shape, initial)] as const,
      );
      const next = definition.update(
        { w: decayed(w, rate, options), g: clipped[i]!, slots: Object.fromEntries(slots) },
        options,
        ctx,
      );
      state.update(w, next.w);
      for (const [slot, old] of slots) state.update(old, next.slots[slot]!);
    });
  }
}

/** 1 − betaᵗ as state, one for each beta that is asked for. */
function averagesOfOnes(state: StepState): UpdateContext["averageOfOnes"] {
  const averages = new Map<number, Tensor>();
  return (beta) => {
    const known = averages.get(beta);
    if (known) return known;
    const old = state.scalar(`optimizer/average_of_ones/${beta}`);
    const next = op.add(op.mul(old, beta), 1 - beta);
    state.update(old, next);
    averages.set(beta, next);
    return next;
  };
}
