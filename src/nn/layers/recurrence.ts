/**
 * The steps of a recurrence as ops. Within them time comes first, [time, batch, …], and nothing mixes steps: what
 * depends on the state becomes a loop, all else is computed for all steps at once (`src/ops/loop.ts`).
 */
import type { Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { scan } from "../../ops/loop.ts";
import { mul, where } from "../../ops/pointwise.ts";
import { fill, flip, reshape, slice, transpose } from "../../ops/view.ts";
import { type Mask, maskOver } from "../mask.ts";

/** The states after a step from those before it. */
export type Step = (before: readonly Tensor[]) => readonly Tensor[];

export interface Walk {
  readonly states: number;
  readonly units: number;
  /** Which steps are there, and which leave the states as they are. */
  readonly mask: Mask;
  readonly return_sequences: boolean;
  readonly go_backwards: boolean;
  readonly zero_output_for_mask: boolean;
}

/**
 * Walks the steps of x [batch, time, features] from states of 0.
 * @returns the first state after the last step, [batch, units], or after each, [batch, time, units] in the order
 * in which it walked
 */
export function walk(x: Tensor, step: Step, how: Walk): Tensor {
  const { units, go_backwards: reverse } = how;
  const [batch, steps] = x.type.shape as [number, number];
  const present = how.mask && stepsPresent(how.mask, x);
  const initial = Array.from({ length: how.states }, () => fill(0, [batch, units]));
  const [h] = scan(initial, present ? skipping(present, step) : step, { steps, reverse });
  const y = present && how.zero_output_for_mask ? where(present, h!, 0) : h!;
  if (how.return_sequences) return transpose(reverse ? flip(y, 0) : y, [1, 0, 2]);
  return reshape(part(y, 0, reverse ? 0 : steps - 1, 1), [batch, units]);
}

/** [time, batch, 1]: 1 where a step is there. */
function stepsPresent(mask: Tensor, x: Tensor): Tensor {
  const [batch, steps] = x.type.shape as [number, number];
  return reshape(transpose(maskOver(mask, x.type.shape, 2), [1, 0]), [steps, batch, 1]);
}

/** A step that is left out where it is not there. */
const skipping =
  (present: Tensor, step: Step): Step =>
  (before) =>
    step(before).map((after, i) => where(present, after, before[i]!));

/**
 * (x·mask)·w at every step, where each gate may have a mask of its own.
 * @param x [time, batch, k]
 * @param w [k, gates·units]
 * @param mask [masks, batch, k]: one for all columns of w, or one for each gate
 * @returns [time, batch, gates·units]
 */
export function times(x: Tensor, w: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return einsum("tbk,kn->tbn", x, w);
  const [time, batch, k] = x.type.shape as [number, number, number];
  const [masks, width] = [mask.type.shape[0]!, w.type.shape[1]!];
  if (masks === 1) return einsum("tbk,kn->tbn", mul(x, reshape(mask, [batch, k])), w);
  const kept = mul(reshape(x, [time, 1, batch, k]), mask);
  const product = einsum("tgbk,kgn->tbgn", kept, reshape(w, [k, masks, width / masks]));
  return reshape(product, [time, batch, width]);
}

/** Some elements along one dimension. */
export const part = (x: Tensor, dim: number, first: number, count: number): Tensor =>
  slice(
    x,
    x.type.shape.map((_, d) => (d === dim ? first : 0)),
    x.type.shape.map((n, d) => (d === dim ? count : n)),
  );
