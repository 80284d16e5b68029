/** Recurrences: state carried along the first dimension, time. */
import { defineOp, delay, Knot, type Tensor } from "../ir/graph.ts";
import { ordered } from "../ir/order.ts";
import { invariant } from "../support/errors.ts";

export interface ScanOptions {
  readonly steps: number;
  /** From the last step to the first. */
  readonly reverse?: boolean;
}

/**
 * s[t] = step(s[t − 1]), with s[−1] = initial, for every state s; t counts down from the last step if `reverse`.
 * `step` sees all times at once: its arguments are [steps, …], what the states were before each step, and so is
 * what it gives. What it computes from them may not mix steps.
 * @param initial of each state, […]
 * @returns each state after each step, [steps, …]
 */
export function scan(
  initial: readonly Tensor[],
  step: (before: readonly Tensor[]) => readonly Tensor[],
  { steps, reverse = false }: ScanOptions,
): readonly Tensor[] {
  const knots = initial.map(() => new Knot());
  const before = initial.map((x, i) => delay(x, { steps, reverse, knot: knots[i]! }));
  const after = step(before);
  invariant(after.length === initial.length, "a step gives as many states as it has");
  return knots.map((knot, i) => {
    const value = delayable(after[i]!, after.slice(0, i), before);
    invariant(
      value.type.shape.join() === before[i]!.type.shape.join(),
      () => `a state [${before[i]!.type.shape}] becomes [${value.type.shape}]`,
    );
    knot.tie(value);
    return value;
  });
}

/** A tensor of its own with the same elements. */
const hold = defineOp<undefined>({
  name: "hold",
  infer: ([x]) => x!,
  lower: ([x], at) => x!(at),
  grad: (dy) => [dy],
});

/**
 * What can be the value of one of some delays: of their loop, and no other state's.
 * @param taken what the others delay
 */
export function delayable(x: Tensor, taken: readonly Tensor[], delays: readonly Tensor[]): Tensor {
  const within = ordered([x], (y) => y.inputs).some((y) => delays.includes(y));
  return within && !taken.includes(x) && !delays.includes(x) ? x : hold([x], undefined);
}
