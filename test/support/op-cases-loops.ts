/** Recurrences for the op cases: loops over time of every kind that layers make, on random shapes. */
import type { Shape, Tensor } from "../../src/ir/graph.ts";
import { einsum } from "../../src/ops/contract.ts";
import { scan } from "../../src/ops/loop.ts";
import * as p from "../../src/ops/pointwise.ts";
import { concatenate, fill, flip, slice, transpose } from "../../src/ops/view.ts";
import type { Recipe } from "./op-cases.ts";

/** [time, batch, units], as inputs of a loop are. */
const sequence = (steps: number, batch: number, units: number): Shape => [steps, batch, units];
const part = (x: Tensor, k: number, units: number) =>
  slice(x, [0, 0, k * units], [...x.type.shape.slice(0, 2), units]);
const times = (h: Tensor, w: Tensor) => einsum("tbk,kn->tbn", h, w);
const last = (h: Tensor, t = h.type.shape[0]! - 1) =>
  slice(h, [t, 0, 0], [1, ...h.type.shape.slice(1)]);

/** h[t] = tanh(x[t] + h[t−1]·R) from a given state, either way. */
const simple = (name: string, reverse: boolean, after: (h: Tensor) => Tensor): Recipe => ({
  name,
  shapes(r) {
    const [t, b, u] = [r.int(1, 5), r.int(1, 3), r.int(1, 4)];
    return [sequence(t, b, u), [u, u], [b, u]];
  },
  build([x, w, h0]) {
    const steps = x!.type.shape[0]!;
    const step = ([h]: readonly Tensor[]) => [p.tanh(p.add(x!, times(h!, w!)))];
    return after(scan([h0!], step, { steps, reverse })[0]!);
  },
});

const loops: readonly Recipe[] = [
  simple("recurrence", false, (h) => h),
  simple("recurrence, last step", false, last),
  simple("recurrence backward", true, (h) => p.mul(h, h)),
  simple("recurrence backward, flipped", true, (h) => flip(h, 0)),
  {
    name: "recurrence with gates and a mask",
    shapes(r) {
      const [t, b, u] = [r.int(1, 5), r.int(1, 3), r.int(1, 3)];
      return [sequence(t, b, 4 * u), [u, 4 * u], [4 * u], [b, u], [b, t, 1]];
    },
    build([x, w, bias, dropped, mask]) {
      const [steps, b, gates] = x!.type.shape as [number, number, number];
      const u = gates / 4;
      const zero = fill(0, [b, u]);
      const states = scan(
        [zero, zero],
        ([h, c]) => {
          const z = p.add(p.add(x!, bias!), times(p.mul(h!, dropped!), w!));
          const [i, f, o] = [0, 1, 3].map((k) => p.sigmoid(part(z, k, u)));
          const kept = p.less(fill(0, [steps, b, 1]), transpose(mask!, [1, 0, 2]));
          const next = p.add(p.mul(f!, c!), p.mul(i!, p.tanh(part(z, 2, u))));
          return [p.where(kept, p.mul(o!, p.tanh(next)), h!), p.where(kept, next, c!)];
        },
        { steps },
      );
      return concatenate([...states], 2);
    },
  },
  {
    name: "two recurrences, one over the other",
    shapes(r) {
      const [t, b, u] = [r.int(2, 5), r.int(1, 3), r.int(1, 3)];
      return [sequence(t, b, u), [u, u], [u, u], [u, u]];
    },
    build([x, r1, w2, r2]) {
      const [steps, b, u] = x!.type.shape as [number, number, number];
      const run = (input: Tensor, w: Tensor, reverse: boolean) =>
        scan([fill(0.5, [b, u])], ([h]) => [p.tanh(p.add(input, times(h!, w)))], {
          steps,
          reverse,
        })[0]!;
      const below = run(x!, r1!, false);
      return p.add(run(times(below, w2!), r2!, true), below);
    },
  },
  {
    name: "states that are late inputs, swapped and kept",
    shapes(r) {
      const [t, b, u] = [r.int(1, 5), r.int(1, 3), r.int(1, 4)];
      return [sequence(t, b, u), [b, u]];
    },
    build([x, s0]) {
      const steps = x!.type.shape[0]!;
      const states = scan(
        [s0!, s0!, s0!, p.neg(s0!), s0!],
        ([late, sum, a, b, same]) => [x!, p.add(sum!, p.mul(late!, x!)), b!, a!, p.tanh(same!)],
        { steps },
      );
      return concatenate(states, 2);
    },
  },
];

/** Small values: what is fed back tens of times must not blow up differences of rounding. */
export const loopRecipes = loops.map((recipe): Recipe => ({ ...recipe, domain: [-0.8, 0.8] }));
