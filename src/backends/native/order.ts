/**
 * The order of tasks, and where threads must wait for each other: between groups. Two tasks that share the same
 * rows, and meet only in their own, need no barrier between them.
 */
import {
  type Axis,
  buffersRead,
  call,
  type Expr,
  index,
  int,
  type Load,
  type TensorBuffer,
} from "../../ir/expr.ts";
import { IndexAlgebra, rangeOf } from "../../ir/index-algebra.ts";
import { rewrite } from "../../ir/rewrite.ts";
import { memoryOf } from "../rows.ts";
import type { Form } from "./nests/form.ts";
import type { Inversion } from "./nests/inversion.ts";
import { loadsOf, type Nest, type Repeat } from "./nests/nest.ts";
import type { Units } from "./nests/sharing.ts";
import type { Schedule } from "./products/schedule.ts";

export type Task =
  | {
      readonly kind: "product";
      readonly nest: Nest;
      readonly schedule: Schedule;
      readonly sharing: Sharing;
    }
  | { readonly kind: "nest"; readonly nest: Nest; readonly form: Form; readonly sharing: Sharing }
  | {
      readonly kind: "inversion";
      readonly inversion: Inversion;
      readonly sharing: { readonly by: "one" };
    };
/** A task that computes elements of its results one by one. */
export type NestTask = Exclude<Task, { readonly kind: "inversion" }>;
/** After the layer it serves. */
export const nameOf = (t: Task): string =>
  t.kind === "inversion" ? t.inversion.name : t.nest.name;

/** The loop that it is a step of. */
export const loopOf = (t: Task): Repeat | undefined =>
  t.kind === "inversion" ? undefined : t.nest.loop;

export type ByRows = Extract<Sharing, { readonly by: "rows" }>;
/** Who does what of a task. Two tasks shared by the same rows need no barrier if they meet row by row. */
export type Sharing =
  | { readonly by: "one" }
  | {
      readonly by: "rows";
      readonly units: Units;
      readonly grain: Units;
      /** How many rows a number of the first axis stands for: of chunks of a sum over rows several. */
      readonly span: number;
    }
  | { readonly by: "other"; readonly units: Units };

/** Greedy: tasks that need no barrier after what has run since the last one go first, in order. */
export function group(tasks: readonly Task[]): readonly (readonly Task[])[] {
  const groups: Task[][] = [];
  let left = [...tasks];
  while (left.length > 0) {
    const current: Task[] = [];
    const waiting: Task[] = [];
    for (const task of left) {
      const held = waiting.some((w) => conflict(w, task));
      if (!held && current.every((c) => !conflict(c, task) || meetsByRows(c, task)))
        current.push(task);
      else waiting.push(task);
    }
    groups.push(current);
    left = waiting;
  }
  return groups;
}

/** A function of tasks that remembers what it has found. */
function once<T>(find: (task: Task) => T): (task: Task) => T {
  const known = new WeakMap<Task, T>();
  return (task) => {
    if (!known.has(task)) known.set(task, find(task));
    return known.get(task)!;
  };
}

/** The memory a task reads, copies of its operands included. */
export const readsOf = once((t: Task): ReadonlySet<TensorBuffer> => {
  if (t.kind === "inversion") return new Set(buffersRead(t.inversion.key).map(memoryOf));
  const own = new Set([...loadsOf(t.nest)].map(memoryOf));
  if (t.kind === "product")
    for (const side of [t.schedule.a, t.schedule.b]) if (side.copy) own.add(side.copy.target);
  return own;
});
/** The memory a task writes, its own scratch memory included. */
export const writesOf = once((t: Task): readonly TensorBuffer[] => {
  if (t.kind === "inversion") return [t.inversion.starts, t.inversion.order];
  const stores = t.nest.stores.map((s) => memoryOf(s.buffer));
  const scratch = t.kind === "product" ? t.schedule.partial.scratch : undefined;
  return scratch ? [...stores, scratch] : stores;
});

/**
 * Whether threads must wait at the end of a loop's step: a task of the next step's first group may begin while others
 * are still at the last group of this one.
 */
export const meetsBetweenSteps = (groups: readonly (readonly Task[])[]): boolean =>
  groups
    .at(-1)!
    .some((last) => groups[0]!.some((next) => conflict(last, next) && !meetsByRows(last, next)));

/** Whether the order of two tasks matters. */
function conflict(first: Task, second: Task): boolean {
  const [w1, w2] = [writesOf(first), writesOf(second)];
  const [r1, r2] = [readsOf(first), readsOf(second)];
  return w1.some((b) => r2.has(b) || w2.includes(b)) || w2.some((b) => r1.has(b));
}

/** Whether every thread only touches its own rows of what both use, or one thread does both. */
function meetsByRows(first: Task, second: Task): boolean {
  const [p, q] = [first.sharing, second.sharing];
  if (p.by === "one" && q.by === "one") return true;
  if (p.by !== "rows" || q.by !== "rows" || !sameUnits(p.grain, q.grain)) return false;
  return ownRowsOnly(first, second) && ownRowsOnly(second, first);
}

const sameUnits = (a: Units, b: Units) =>
  a.size === b.size && a.tall === b.tall && a.count === b.count;

/** Whether what `task` reads of `other`'s results is in its own rows. */
function ownRowsOnly(task: Task, other: Task): boolean {
  const theirs = new Set(writesOf(other));
  if (
    task.kind === "product" &&
    [task.schedule.a, task.schedule.b].some((s) => s.copy && theirs.has(s.copy.target))
  )
    return false;
  if (task.kind === "inversion") return false;
  let own = true;
  for (const { value } of task.nest.stores) {
    rewrite(value, (e) => {
      if (e.kind !== "load" || !theirs.has(memoryOf(e.buffer))) return e;
      if (!isOwnRow(e, task)) own = false;
      return e;
    });
  }
  return own;
}

/** Whether a load's first index is the task's own row, or one of those that its row stands for. */
export function isOwnRow({ at: [row] }: Load, { nest, sharing }: NestTask): boolean {
  const [first] = nest.axes;
  const span = sharing.by === "rows" ? sharing.span : 1;
  if (!row || !first) return false;
  if (span === 1) return row.kind === "index" && row.axis === first;
  return isWithin(row, first, span);
}

/** Whether an index is one of span·axis + 0 … span − 1. */
export function isWithin(at: Expr, axis: Axis, span: number): boolean {
  const rest = call("sub", at, call("mul", index(axis), int(span)));
  const [least, most] = rangeOf(new IndexAlgebra().simplify(rest));
  return least >= 0 && most < span;
}
