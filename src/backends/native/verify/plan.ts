/**
 * What must hold of a plan: every schedule fits its nest, copies are made before they are read, what is computed
 * is there when it is used, and no two threads meet in memory between two barriers.
 */

import type { Load, TensorBuffer } from "../../../ir/expr.ts";
import { buffersRead, walk } from "../../../ir/expr.ts";
import { invariant } from "../../../support/errors.ts";
import { memoryOf } from "../../rows.ts";
import type { LayoutOf } from "../layout.ts";
import type { Inversion } from "../nests/inversion.ts";
import { loadsOf } from "../nests/nest.ts";
import type { Units } from "../nests/sharing.ts";
import { isOwnRow, loopOf, type NestTask, nameOf, type Task } from "../order.ts";
import type { ProcedurePlan, ProgramPlan } from "../plan.ts";
import type { Copy } from "../products/operands.ts";
import type { Target } from "../target.ts";
import { verifyInversion, verifyRuns } from "./inversion.ts";
import { verifySchedule } from "./schedule.ts";

type Groups = ProcedurePlan["groups"];

/** @returns the plan. @throws an internal error if something does not hold */
export function verifyPlan(plan: ProgramPlan, target: Pick<Target, "registers">): ProgramPlan {
  for (const procedure of plan.procedures) {
    const { name, groups } = procedure;
    for (const task of groups.flat()) {
      if (task.kind === "product") verifySchedule(task.schedule, task.nest, plan.layoutOf, target);
      if (task.kind === "inversion") verifyInversion(task.inversion);
      verifyUnits(task);
    }
    verifyGroups(name, groups);
    verifyLoops(procedure);
    verifyChains(procedure);
    verifyCopies(name, inTime(procedure).flat(), plan.layoutOf);
  }
  return plan;
}

/** Groups as they run, with two steps of every loop: what goes wrong between steps does so between these. */
export function inTime({ groups, loops }: ProcedurePlan): Groups {
  return groups.flatMap((group, g) => {
    const loop = loops.find((l) => l.first <= g && g < l.end);
    if (!loop) return [group];
    const steps = groups.slice(loop.first, loop.end);
    return g === loop.first ? [...steps, ...steps] : [];
  });
}

/** A loop is of its groups' tasks, all of them, and its steps overlap only where threads stay apart. */
function verifyLoops({ name, groups, loops }: ProcedurePlan): void {
  for (const [g, group] of groups.entries()) {
    const around = loops.filter((l) => l.first <= g && g < l.end);
    invariant(around.length <= 1, `${name}: loops overlap`);
    const [loop] = around;
    for (const task of group) {
      const own = loopOf(task);
      const fits = own?.steps === loop?.steps && own?.reverse === loop?.reverse;
      invariant(fits, () => `${name}: ${nameOf(task)} is not in its loop`);
    }
  }
  for (const { first, end, waits } of loops)
    if (!waits) verifyGroups(name, [[...new Set([...groups[end - 1]!, ...groups[first]!])]]);
}

/**
 * A chain is of neighbours in a group whose threads keep to the same rows; and all that keeps to these is divided alike,
 * or a thread would find rows that are still another's.
 */
function verifyChains({ name, groups, chains }: ProcedurePlan): void {
  const grain = ({ sharing }: Task) =>
    sharing.by === "rows" && [sharing.grain.size, sharing.grain.tall, sharing.grain.count].join();
  for (const { tasks, parts } of chains) {
    const [first] = tasks;
    const group = groups.find((g) => g.includes(first!)) ?? [];
    const at = group.indexOf(first!);
    invariant(
      at >= 0 &&
        tasks.every((t, i) => group[at + i] === t && grain(t) && grain(t) === grain(first!)),
      () => `${name}: the chain from ${nameOf(first!)} is no chain`,
    );
    const others = group.filter((t) => grain(t) === grain(first!));
    invariant(
      parts >= 1 &&
        others.every((t) => chains.some((c) => c.tasks.includes(t) && c.parts === parts)),
      () => `${name}: not all rows are divided as in the chain from ${nameOf(first!)}`,
    );
  }
}

/** Grouping keeps every task, and the order of any two that meet in memory. */
export function verifyOrder(procedure: string, tasks: readonly Task[], groups: Groups): void {
  const place = new Map(groups.flat().map((t, i) => [t, i]));
  invariant(
    place.size === tasks.length && tasks.every((t) => place.has(t)),
    `${procedure}: tasks are lost`,
  );
  for (const [i, first] of tasks.entries())
    for (const second of tasks.slice(i + 1))
      invariant(
        place.get(first)! < place.get(second)! || !sharedBy(first, second),
        () => `${procedure}: ${nameOf(second)} comes before ${nameOf(first)}`,
      );
}

const copiesOf = (t: Task): readonly Copy[] =>
  t.kind === "product" ? [t.schedule.a, t.schedule.b].flatMap((x) => x.copy ?? []) : [];

const writesOf = (t: Task): ReadonlySet<TensorBuffer> => {
  if (t.kind === "inversion") return new Set([t.inversion.starts, t.inversion.order]);
  const { scratch } = t.kind === "product" ? t.schedule.partial : {};
  return new Set([...t.nest.stores.map((s) => memoryOf(s.buffer)), ...(scratch ? [scratch] : [])]);
};

/** What a task reads in fact: of an operand that is copied, the copy. */
function readsOf(t: Task): ReadonlySet<TensorBuffer> {
  if (t.kind === "inversion") return new Set(buffersRead(t.inversion.key));
  const copies = copiesOf(t);
  const epilogue = t.kind === "product" ? t.schedule.args.map((x) => x.buffer) : [];
  const own = [...loadsOf(t.nest)].filter(
    (b) => epilogue.includes(b) || !copies.some((c) => c.source === b),
  );
  return new Set([...own.map(memoryOf), ...copies.map((c) => c.target)]);
}

/** A buffer that both use and at least one writes. */
function sharedBy(first: Task, second: Task): TensorBuffer | undefined {
  const [w1, w2] = [writesOf(first), writesOf(second)];
  const [r1, r2] = [readsOf(first), readsOf(second)];
  return [...w1].find((b) => r2.has(b) || w2.has(b)) ?? [...w2].find((b) => r1.has(b));
}

/** Within a group threads do not wait for each other. */
function verifyGroups(procedure: string, groups: Groups): void {
  for (const tasks of groups)
    for (const [i, first] of tasks.entries())
      for (const second of tasks.slice(i + 1)) {
        const buffer = sharedBy(first, second);
        invariant(
          !buffer || staysApart(first, second),
          () =>
            `${procedure}: nothing waits between ${nameOf(first)} and ${nameOf(second)}, which share ${buffer?.name}`,
        );
      }
}

/** Whether what one thread writes no other thread touches. */
function staysApart(first: Task, second: Task): boolean {
  const [p, q] = [first.sharing, second.sharing];
  if (p.by === "one" || q.by === "one") return p.by === q.by;
  if (p.by !== "rows" || q.by !== "rows") return false;
  const alike = (["size", "tall", "count"] as const).every((k) => p.grain[k] === q.grain[k]);
  return alike && keepsToRows(first, writesOf(second)) && keepsToRows(second, writesOf(first));
}

/** Whether a task reads others' results in its own rows only. */
function keepsToRows(task: Task, theirs: ReadonlySet<TensorBuffer>): boolean {
  if (task.kind === "inversion" || copiesOf(task).some((c) => theirs.has(c.target))) return false;
  return everyLoad(task, (e) => !theirs.has(memoryOf(e.buffer)) || isOwnRow(e, task));
}

function everyLoad(task: NestTask, test: (e: Load) => boolean): boolean {
  let all = true;
  for (const { value } of task.nest.stores)
    walk(value, (e) => {
      if (e.kind === "load" && !test(e)) all = false;
    });
  return all;
}

/** In the order in which tasks run: what is read has been written, and copies are of what is there now. */
function verifyCopies(procedure: string, tasks: readonly Task[], layoutOf: LayoutOf): void {
  const written = new Map<TensorBuffer, number>();
  const inversions: Inversion[] = [];
  for (const [now, task] of tasks.entries()) {
    for (const b of readsOf(task))
      invariant(
        "kind" in b || written.has(b) || writesOf(task).has(b),
        () => `${procedure}: ${nameOf(task)} reads ${b.name} before it is there`,
      );
    if (task.kind === "inversion") inversions.push(task.inversion);
    else verifyRuns(task.nest, inversions);
    for (const { key, order } of inversions.filter((x) => readsOf(task).has(x.order)))
      for (const source of buffersRead(key))
        invariant(
          (written.get(source) ?? -1) < written.get(order)!,
          () => `${procedure}: ${nameOf(task)} reads ${order.name} of an old ${source.name}`,
        );
    for (const { source, target, layout } of copiesOf(task)) {
      const isFresh = (written.get(memoryOf(source)) ?? -1) < written.get(target)!;
      invariant(isFresh, () => `${procedure}: ${nameOf(task)} reads an old ${target.name}`);
      const same = JSON.stringify(layoutOf(target)) === JSON.stringify(layout);
      invariant(same, () => `${procedure}: ${target.name} has another layout than it was made for`);
    }
    for (const b of writesOf(task)) written.set(b, now);
  }
}

/** Threads' shares are the whole of the loop that they share, and rows are the rows of the first axis. */
function verifyUnits(task: Task): void {
  const { sharing } = task;
  if (sharing.by === "one") {
    invariant(task.kind !== "product", `${nameOf(task)}: a product is done by one thread`);
    return;
  }
  invariant(task.kind !== "inversion", () => `${nameOf(task)}: threads share a sort`);
  const { nest } = task;
  const reach = ({ size, tall, count }: Units) => size * count + tall;
  const { units } = sharing;
  const holds = (fits: boolean, what: string) => invariant(fits, () => `${nest.name}: ${what}`);
  if (task.kind === "nest") {
    const { axis } = task.form.loops[0]!;
    const rest = reach(units) - axis.extent;
    holds(rest >= 0 && rest < units.size, `threads share ${reach(units)} of ${axis.extent}`);
  }
  if (sharing.by !== "rows") return;
  const first = nest.axes[0]?.extent ?? 1;
  const rows = first * sharing.span;
  holds(reach(sharing.grain) === rows, `threads share ${reach(sharing.grain)} of ${rows} rows`);
  if (task.kind === "nest") {
    const size = task.form.rowSize ?? 0;
    const { grain } = sharing;
    const alike = units.size * sharing.span === grain.size * size && units.count === grain.count;
    holds(alike && units.tall === grain.tall && (size === 1 || units.tall === 0), "no whole rows");
    return;
  }
  const { tile, parallel, outer, rows: loops } = task.schedule;
  if (sharing.span > 1) {
    const { together } = task.schedule;
    const chunks = outer[0]?.axis === nest.axes[0] && outer[0]?.extent === units.size * units.count;
    const alike = together === units.size && together * sharing.span === sharing.grain.size;
    holds(chunks && alike && parallel === "outer", "it says to share chunks and does not");
    return;
  }
  const { size, tall, tiles, perUnit } = tile;
  const byTiles =
    size * perUnit === units.size && tall === units.tall && tiles / perUnit === units.count;
  const { together } = task.schedule;
  const cut =
    tile.row === 0
      ? byTiles
      : together === units.size && units.tall === 0 && together * units.count === rows;
  const inside = outer.every((x) => task.schedule.outerInside && x.axis !== nest.axes[0]);
  const along = inside && loops[0]!.extent === rows;
  holds(cut && along && parallel === "rows", "it says to share rows and does not");
}
