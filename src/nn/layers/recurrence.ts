/**
 * The steps of a recurrence as ops. Within them time comes first, [time, batch, …], and nothing mixes steps: what
 * depends on the state becomes a loop, all else is computed for all steps at once (`src/ops/loop.ts`).
 */
import type { Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { scan } from "../../ops/loop.ts";
import { add, mul, where } from "../../ops/pointwise.ts";
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

/** What states or inputs are multiplied by, its columns by gates. */
export interface Projection {
  /** [k, gates·units] */
  readonly w: Tensor;
  /** [1, gates·units] */
  readonly bias: Tensor | undefined;
  /** What dropout leaves: [gates, batch, k], or [1, batch, k] for all of them. */
  readonly mask: Tensor | undefined;
}

/**
 * (x·mask)·w + bias at every step: one product for all gates, or one for each if each has a mask of its own.
 * @param x [time, batch, k]
 * @returns for each gate [time, batch, units]
 */
export function project(x: Tensor, gates: number, { w, bias, mask }: Projection): Tensor[] {
  const [masks, ...shape] = mask?.type.shape ?? [1];
  const units = w.type.shape[1]! / gates;
  const each = Array.from({ length: gates }, (_, g) => g);
  const own = (y: Tensor, g: number) => part(y, y.type.shape.length - 1, g * units, units);
  const kept = (g: number) => (mask ? mul(x, reshape(part(mask, 0, g, 1), shape)) : x);
  const plus = (y: Tensor, b: Tensor | undefined) => (b ? add(y, b) : y);
  if (masks === 1) {
    const all = plus(einsum("tbk,kn->tbn", kept(0), w), bias);
    return each.map((g) => own(all, g));
  }
  return each.map((g) => plus(einsum("tbk,kn->tbn", kept(g), own(w, g)), bias && own(bias, g)));
}

/** Some elements along one dimension. */
export const part = (x: Tensor, dim: number, first: number, count: number): Tensor =>
  slice(
    x,
    x.type.shape.map((_, d) => (d === dim ? first : 0)),
    x.type.shape.map((n, d) => (d === dim ? count : n)),
  );
