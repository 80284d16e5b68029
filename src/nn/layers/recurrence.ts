/**
 * The steps of a recurrence as ops. Within them time comes first, [time, batch, …], and nothing mixes steps: what
 * depends on the state becomes a loop, all else is computed for all steps at once (`src/ops/loop.ts`).
 */
import type { Shape, Tensor } from "../../ir/graph.ts";
import { scan } from "../../ops/loop.ts";
import { add, mul, where } from "../../ops/pointwise.ts";
import { fill, flip, reshape, slice, transpose } from "../../ops/view.ts";
import { behind, type Mask, maskOver } from "../mask.ts";

/** The states after a step from those before it. */
export type Step = (before: readonly Tensor[]) => readonly Tensor[];

export interface Walk {
  readonly states: number;
  /** Of one example's state. */
  readonly state: Shape;
  /** Which steps are there, and which leave the states as they are. */
  readonly mask: Mask;
  readonly return_sequences: boolean;
  readonly go_backwards: boolean;
  readonly zero_output_for_mask: boolean;
}

/**
 * Walks the steps of x [batch, time, …] from states of 0.
 * @returns the first state after the last step, [batch, state…], or after each, [batch, time, state…] in the
 * order in which it walked
 */
export function walk(x: Tensor, step: Step, how: Walk): Tensor {
  const { state, go_backwards: reverse } = how;
  const [batch, steps] = x.type.shape as [number, number];
  const present = how.mask && stepsPresent(how.mask, x, 2 + state.length);
  const initial = Array.from({ length: how.states }, () => fill(0, [batch, ...state]));
  const [h] = scan(initial, present ? skipping(present, step) : step, { steps, reverse });
  const y = present && how.zero_output_for_mask ? where(present, h!, 0) : h!;
  if (how.return_sequences) return swapped(reverse ? flip(y, 0) : y);
  return reshape(part(y, 0, reverse ? 0 : steps - 1, 1), [batch, ...state]);
}

/** [time, batch, …] of [batch, time, …], and the other way round. */
export const swapped = (x: Tensor): Tensor =>
  transpose(x, [1, 0, ...x.type.shape.map((_, d) => d).slice(2)]);

/** [time, batch, 1, …] of a rank: 1 where a step is there. */
const stepsPresent = (mask: Tensor, x: Tensor, rank: number): Tensor =>
  behind(swapped(maskOver(mask, x.type.shape, 2)), rank);

/** A step that is left out where it is not there. */
const skipping =
  (present: Tensor, step: Step): Step =>
  (before) =>
    step(before).map((after, i) => where(present, after, before[i]!));

/** What states or inputs are multiplied by, its columns by gates. */
export interface Projection {
  /** x times some columns of w. */
  product(x: Tensor, w: Tensor): Tensor;
  /** Its last dimension is gates·units. */
  readonly w: Tensor;
  /** [1, gates·units] */
  readonly bias: Tensor | undefined;
  /** What dropout leaves: [gates, batch, …], or [1, batch, …] for all of them. */
  readonly mask: Tensor | undefined;
}

/**
 * (x·mask)·w + bias at every step: one product for all gates, or one for each if each has a mask of its own.
 * @param x [time, batch, …]
 * @returns for each gate [time, batch, …, units]
 */
export function project(x: Tensor, gates: number, how: Projection): Tensor[] {
  const { product, w, bias, mask } = how;
  const [masks, ...shape] = mask?.type.shape ?? [1];
  const units = w.type.shape.at(-1)! / gates;
  const each = Array.from({ length: gates }, (_, g) => g);
  const own = (y: Tensor, g: number) => part(y, y.type.shape.length - 1, g * units, units);
  const kept = (g: number) => (mask ? mul(x, reshape(part(mask, 0, g, 1), shape)) : x);
  const plus = (y: Tensor, b: Tensor | undefined) => (b ? add(y, b) : y);
  if (masks === 1) {
    const all = plus(product(kept(0), w), bias);
    return each.map((g) => own(all, g));
  }
  return each.map((g) => plus(product(kept(g), own(w, g)), bias && own(bias, g)));
}

/** Some elements along one dimension. */
export const part = (x: Tensor, dim: number, first: number, count: number): Tensor =>
  slice(
    x,
    x.type.shape.map((_, d) => (d === dim ? first : 0)),
    x.type.shape.map((n, d) => (d === dim ? count : n)),
  );
