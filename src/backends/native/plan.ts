/**
 * A procedure made ready to print: nests with their schedules and copies, layouts for what they touch, and an
 * order with as few barriers as the dependences allow.
 */

import type { TensorBuffer } from "../../ir/expr.ts";
import type { Program, Variable } from "../../ir/program.ts";
import { isWindow } from "../rows.ts";
import { type Chain, chainsOf, rowsTogether } from "./chains.ts";
import { choosePanels, spaceRows } from "./choose-layouts.ts";
import { type Layout, type LayoutOf, plain, windowed } from "./layout.ts";
import { buildNests } from "./nests/build.ts";
import { type Inversion, Inverter } from "./nests/inversion.ts";
import { type Repeat, rowsOf } from "./nests/nest.ts";
import { splitSum } from "./nests/split-sum.ts";
import { group, loopOf, meetsBetweenSteps, readsOf, type Task } from "./order.ts";
import { byModel, type Decide } from "./products/decisions.ts";
import type { Target } from "./target.ts";
import { makeTasks } from "./tasks.ts";
import { verifyOrder, verifyPlan } from "./verify/plan.ts";

export interface ProcedurePlan {
  readonly name: string;
  /** A barrier stands between the groups. */
  readonly groups: readonly (readonly Task[])[];
  readonly chains: readonly Chain[];
  readonly loops: readonly GroupLoop[];
  readonly copies: readonly { readonly from: TensorBuffer; readonly to: Variable }[];
}
/** Groups first … end − 1 run for every step of a loop. */
export interface GroupLoop extends Repeat {
  readonly first: number;
  readonly end: number;
  /** Whether threads wait for each other after the last of them, before the next step; after the loop they do. */
  readonly waits: boolean;
}
export interface ProgramPlan {
  readonly procedures: readonly ProcedurePlan[];
  readonly layoutOf: LayoutOf;
}

/** @param decide what schedules are free to decide: for tests and tuning */
export function planProgram(
  program: Program,
  target: Target,
  decide: Decide = byModel,
): ProgramPlan {
  const layouts = new Map<TensorBuffer, Layout>();
  const layoutOf: LayoutOf = (b) => {
    // A window lies as its whole does, which may change yet.
    if (isWindow(b)) return windowed(layoutOf(b.of), b.start);
    const known = layouts.get(b) ?? plain(b.shape);
    layouts.set(b, known);
    return known;
  };
  const parts = program.procedures.map((procedure) => {
    const { nests, copies } = buildNests(procedure);
    const inverter = new Inverter(decide);
    const split = nests.flatMap((n) =>
      splitSum(n.loop ? n : inverter.rewritten(n), target, decide),
    );
    return { procedure, nests: split, copies, inverter };
  });
  const all = parts.flatMap((p) => p.nests);
  for (const row of rowsOf(all)) for (const b of [row, row.of]) layouts.set(b, plain(b.shape));
  choosePanels(all, target, layouts, decide);
  // Copies at the end of a step are of raw memory.
  for (const { from, to } of parts.flatMap((p) => p.copies)) layouts.set(from, layoutOf(to));
  for (const { nests, copies } of parts)
    spaceRows(nests, new Set(copies.map((c) => c.from)), layouts);
  const procedures = parts.map(({ procedure, nests, copies, inverter }): ProcedurePlan => {
    const made = makeTasks(nests, layouts, layoutOf, target, decide);
    const tasks = withInversions(made, inverter);
    const { groups, loops } = groupByLoops(tasks);
    verifyOrder(procedure.name, tasks, groups);
    const chains = groups.flatMap((g) => chainsOf(g, target));
    return { name: procedure.name, groups, chains, loops, copies };
  });
  return verifyPlan({ procedures, layoutOf }, target);
}

/** Tasks between barriers, those of a loop by themselves. */
function groupByLoops(tasks: readonly Task[]): Pick<ProcedurePlan, "groups" | "loops"> {
  const groups: (readonly Task[])[] = [];
  const loops: GroupLoop[] = [];
  for (let from = 0; from < tasks.length; ) {
    const loop = loopOf(tasks[from]!);
    let to = from;
    while (to < tasks.length && loopOf(tasks[to]!) === loop) to++;
    const own = group(tasks.slice(from, to)).map(rowsTogether);
    const first = groups.length;
    groups.push(...own);
    if (loop) loops.push({ ...loop, first, end: groups.length, waits: meetsBetweenSteps(own) });
    from = to;
  }
  return { groups, loops };
}

/** Every key is inverted before the first task that reads it so. */
function withInversions(tasks: readonly Task[], inverter: Inverter): readonly Task[] {
  const done = new Set<Inversion>();
  return tasks.flatMap((task): readonly Task[] => {
    const fresh = inverter.neededBy(readsOf(task)).filter((x) => !done.has(x));
    for (const x of fresh) done.add(x);
    const made = fresh.map(
      (x): Task => ({ kind: "inversion", inversion: x, sharing: { by: "one" } }),
    );
    return [...made, task];
  });
}
