/**
 * Chains: tasks that threads share by the same rows, one after the other, are done for one unit of rows at a time. What
 * one hands on to the next is then still in the cache, where a whole batch of it would have gone to memory and come back.
 */
import { sizeOf } from "../../ir/graph.ts";
import { memoryOf } from "../rows.ts";
import { elementBytes } from "./layout.ts";
import { loopOf, readsOf, type Sharing, type Task, writesOf } from "./order.ts";
import { extentOf } from "./products/tiling.ts";
import type { Target } from "./target.ts";

/** Two or more tasks of a group that follow each other, shared by the rows of one grain. */
export type Chain = readonly Task[];

type ByRows = Extract<Sharing, { readonly by: "rows" }>;
const byRows = ({ sharing }: Task): ByRows | undefined =>
  sharing.by === "rows" ? sharing : undefined;
const grainOf = (t: Task): string | undefined => {
  const own = byRows(t);
  return own && JSON.stringify(own.grain);
};

/** The tasks of a group, those that are shared alike next to each other. No two that are not meet in memory. */
export function rowsTogether(group: readonly Task[]): readonly Task[] {
  if (group.some(loopOf)) return group;
  const kinds = [...new Set(group.map(grainOf))];
  return kinds.flatMap((kind) => group.filter((t) => grainOf(t) === kind));
}

/** The chains of a group that pay. */
export function chainsOf(group: readonly Task[], target: Target): readonly Chain[] {
  const chains: Task[][] = [];
  let current: Task[] = [];
  const end = () => {
    if (current.length > 1 && bytesByRows(current) > (target.l2 * target.threads) / 2)
      chains.push(current);
    current = [];
  };
  for (const task of group) {
    const last = current.at(-1);
    const joins = isLink(task) && (!last || grainOf(last) === grainOf(task));
    if (!joins) end();
    if (isLink(task)) current.push(task);
  }
  end();
  return chains;
}

/** Tiles of one unit of rows that must read a panel of B: else its way from the second cache is too long for them. */
const fewestTiles = 8;

/** Whether a task is as fast for a unit of rows at a time as for all of a thread's. */
function isLink(task: Task): boolean {
  if (!byRows(task) || loopOf(task)) return false;
  // Chunks of a sum are products of their own.
  if (task.kind !== "product" || byRows(task)!.span > 1) return true;
  const { rows, tile } = task.schedule;
  return extentOf(rows.slice(1).map((x) => x.extent)) * tile.perUnit >= fewestTiles;
}

/** Units of rows that threads share. */
export const unitsOf = ([first]: Chain): number => byRows(first!)!.grain.count;

/** What the tasks read and write of all rows. */
function bytesByRows(tasks: readonly Task[]): number {
  const rows = (t: Task) => {
    const { size, tall, count } = byRows(t)!.grain;
    return size * count + tall;
  };
  const buffers = new Set(
    tasks.flatMap((t) =>
      [...readsOf(t), ...writesOf(t)].map(memoryOf).filter((b) => b.shape[0] === rows(t)),
    ),
  );
  return [...buffers].reduce((n, b) => n + sizeOf(b.shape) * elementBytes[b.dtype], 0);
}
