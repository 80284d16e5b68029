/** What must hold of memory: nothing writes where another buffer lies whose values are still to be read. */
import type { TensorBuffer } from "../../../ir/expr.ts";
import { invariant } from "../../../support/errors.ts";
import { type Arena, bytesOf } from "../arena.ts";
import { readsOf, writesOf } from "../order.ts";
import type { ProcedurePlan, ProgramPlan } from "../plan.ts";
import { inTime } from "./plan.ts";

/** @returns the arena. @throws an internal error if two buffers get into each other's way */
export function verifyArena(arena: Arena, plan: ProgramPlan): Arena {
  const buffers = [...arena.offsets.keys()];
  const neighbours = new Map(
    buffers.map((b) => [b, buffers.filter((c) => c !== b && overlap(b, c, arena, plan))]),
  );
  for (const [b, others] of neighbours) {
    const lasts = "kind" in b || plan.layoutOf(b).zeros === true;
    invariant(!lasts || others.length === 0, () => `${b.name} shares memory that it must keep`);
  }
  for (const procedure of plan.procedures) verifyProcedure(procedure, neighbours);
  return arena;
}

function overlap(b: TensorBuffer, c: TensorBuffer, { offsets }: Arena, plan: ProgramPlan): boolean {
  const [p, q] = [offsets.get(b)!, offsets.get(c)!];
  return p < q + bytesOf(c, plan.layoutOf) && q < p + bytesOf(b, plan.layoutOf);
}

/** Tasks of one group run side by side, so what one writes must not lie where another reads or writes. */
function verifyProcedure(
  plan: ProcedurePlan,
  neighbours: ReadonlyMap<TensorBuffer, readonly TensorBuffer[]>,
): void {
  const { name, copies } = plan;
  const groups = inTime(plan);
  const written = new Map<TensorBuffer, number>();
  const check = (b: TensorBuffer, now: number) => {
    for (const c of neighbours.get(b) ?? [])
      invariant(
        (written.get(c) ?? -1) < (written.get(b) ?? now),
        () => `${name}: ${c.name} overwrites ${b.name} before it is read`,
      );
  };
  for (const [now, group] of groups.entries()) {
    for (const task of group) for (const b of writesOf(task)) written.set(b, now);
    for (const task of group) for (const b of [...writesOf(task), ...readsOf(task)]) check(b, now);
  }
  for (const { from } of copies) check(from, groups.length);
}
