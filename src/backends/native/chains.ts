/**
 * Chains: tasks that threads share by the same rows, one after the other, are done for some rows at a time. What one hands
 * on to the next is then still in the cache, where a whole batch of it would have gone to memory and come back.
 */
import { sizeOf } from "../../ir/graph.ts";
import { memoryOf } from "../rows.ts";
import { elementBytes } from "./layout.ts";
import { type ByRows, loopOf, readsOf, type Task, writesOf } from "./order.ts";
import { extentOf } from "./products/tiling.ts";
import type { Target } from "./target.ts";

/** Tasks of a group that follow each other, shared by the rows of one grain. */
export interface Chain {
  readonly tasks: readonly Task[];
  /** Parts into which the units of rows are divided, as if there were a thread for each. */
  readonly parts: number;
}

const byRows = ({ sharing }: Task): ByRows | undefined =>
  sharing.by === "rows" ? sharing : undefined;
const grainOf = (t: Task): string | undefined => {
  const grain = byRows(t)?.grain;
  return grain && [grain.size, grain.tall, grain.count].join();
};

/** The tasks of a group, those that are shared alike next to each other. No two that are not meet in memory. */
export function rowsTogether(group: readonly Task[]): readonly Task[] {
  if (group.some(loopOf)) return group;
  const kinds = [...new Set(group.map(grainOf))];
  return kinds.flatMap((kind) => group.filter((t) => grainOf(t) === kind));
}

/** The chains of a group that pay. All that is shared alike is divided alike: threads do not wait in between. */
export function chainsOf(group: readonly Task[], target: Target): readonly Chain[] {
  if (group.some(loopOf)) return [];
  const kinds = [...new Set(group.map(grainOf).filter((kind) => kind !== undefined))];
  return kinds.flatMap((kind) => {
    const tasks = group.filter((t) => grainOf(t) === kind);
    const parts = partsOf(tasks, target);
    if (parts === undefined) return [];
    const runs = linked(tasks, byRows(tasks[0]!)!.grain.count / parts);
    return runs.length < tasks.length ? runs.map((run): Chain => ({ tasks: run, parts })) : [];
  });
}

/** Parts that leave any number of threads that a computer may have enough to share. */
const fewestParts = 20;

/** So many parts that what tasks hand on stays in the second cache; undefined if it does anyway. */
function partsOf(tasks: readonly Task[], { l2, threads }: Target): number | undefined {
  const { count } = byRows(tasks[0]!)!.grain;
  const bytes = bytesByRows(tasks);
  if (tasks.length < 2 || bytes / threads <= l2 / 2) return undefined;
  return Math.min(count, Math.max(fewestParts, Math.ceil(bytes / (l2 / 4))));
}

/** Tiles of one part that must read a panel of B: else its way from the second cache is too long for them. */
const fewestTiles = 8;

/** Runs of tasks each of which is as fast for so many units of rows at a time as for all of a thread's. */
function linked(tasks: readonly Task[], units: number): readonly (readonly Task[])[] {
  const runs: Task[][] = [];
  let isOpen = false;
  for (const task of tasks) {
    const isLink = tilesOf(task) * units >= fewestTiles;
    if (isLink && isOpen) runs.at(-1)!.push(task);
    else runs.push([task]);
    isOpen = isLink;
  }
  return runs;
}

/** Tiles of a unit of rows that read a panel one after the other. */
function tilesOf(task: Task): number {
  // Chunks of a sum are products of their own, and what is no product reads no panels.
  if (task.kind !== "product" || byRows(task)!.span > 1) return Number.POSITIVE_INFINITY;
  const { rows, tile, together } = task.schedule;
  const others = extentOf(rows.filter((_, n) => n > 0 && n !== tile.row).map((x) => x.extent));
  return others * (tile.row === 0 ? tile.perUnit : tile.tiles * together);
}

/** What the tasks read and write of all rows. */
function bytesByRows(tasks: readonly Task[]): number {
  const { size, tall, count } = byRows(tasks[0]!)!.grain;
  const rows = size * count + tall;
  const buffers = new Set(
    tasks.flatMap((t) =>
      [...readsOf(t), ...writesOf(t)].map(memoryOf).filter((b) => b.shape[0] === rows),
    ),
  );
  return [...buffers].reduce((n, b) => n + sizeOf(b.shape) * elementBytes[b.dtype], 0);
}
