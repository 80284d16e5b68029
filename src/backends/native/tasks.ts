/** From nests to tasks: a schedule or a form for each, the copies that schedules ask for, and how threads share them. */
import {
  type Axis,
  type Expr,
  index,
  type Load,
  load,
  type TensorBuffer,
  walk,
} from "../../ir/expr.ts";
import { expandPadding } from "../../ir/index-algebra.ts";
import { isRow, memoryOf, wholeOf } from "../rows.ts";
import type { Layout, LayoutOf } from "./layout.ts";
import { type Form, formOf } from "./nests/form.ts";
import type { Nest, Repeat } from "./nests/nest.ts";
import { type Units, workOf, worthSharing } from "./nests/sharing.ts";
import { type ByRows, isWithin, loopOf, type Sharing, type Task } from "./order.ts";
import type { Decide } from "./products/decisions.ts";
import type { Copy } from "./products/operands.ts";
import { findProduct } from "./products/product.ts";
import { chooseSchedule, type Schedule } from "./products/schedule.ts";
import { commonCut } from "./products/tiling.ts";
import type { Target } from "./target.ts";

export function makeTasks(
  nests: readonly Nest[],
  layouts: Map<TensorBuffer, Layout>,
  layoutOf: LayoutOf,
  target: Target,
  decide: Decide,
): readonly Task[] {
  const tasks: Task[] = [];
  const changing = writtenInLoops(nests);
  const rowUnits = new Map<number, Units>();
  const copied = new Map<string, TensorBuffer>();
  const plainTask = (nest: Nest): Task => {
    const form = formOf(nest, layoutOf, target.width);
    return { kind: "nest", nest, form, sharing: { by: "one" } };
  };
  for (const nest of nests) {
    const product = findProduct(nest);
    const schedule = product && chooseSchedule(product, layoutOf, target, decide);
    if (!schedule) {
      tasks.push(plainTask(unpadded(nest)));
      for (const s of nest.stores) forget(copied, wholeOf(s.buffer));
      continue;
    }
    const ready = placeCopies(schedule, copied, layouts, (copy) => {
      const { loop } = nest;
      const changes = isRow(copy.source) || changing.get(loop!)?.has(copy.source);
      if (loop && changes) tasks.push(plainTask({ ...copyNest(copy), loop }));
      else {
        // What stays the same for all steps of a loop is copied before it.
        const start = loop ? tasks.findIndex((t) => loopOf(t) === loop) : -1;
        tasks.splice(start < 0 ? tasks.length : start, 0, plainTask(copyNest(copy)));
      }
    });
    for (const s of nest.stores) forget(copied, wholeOf(s.buffer));
    const { partial } = ready;
    if (partial.scratch) layouts.set(partial.scratch, layoutOf(nest.stores[0]!.buffer));
    const units = unitsOf(ready, rowUnits, target);
    const { extent } = ready.rows[0]!;
    const byRows =
      ready.parallel === "rows" &&
      extent === nest.axes[0]?.extent &&
      // What is outer lies within blocks of rows, and is not what they are rows of.
      ready.outer.every((x) => ready.outerInside && x.axis !== nest.axes[0]);
    if (byRows && !rowUnits.has(extent)) rowUnits.set(extent, units);
    const chunks =
      ready.parallel === "outer" && ready.outer[0]?.axis === nest.axes[0]
        ? shareChunks(nest, rowUnits)
        : undefined;
    const sharing: Sharing = byRows
      ? { by: "rows", units, grain: units, span: 1 }
      : (chunks ?? { by: "other", units });
    const together = byRows && ready.tile.row > 0 ? units.size : chunks ? chunks.units.size : 1;
    tasks.push({ kind: "product", nest, schedule: { ...ready, together }, sharing });
  }
  return tasks.map((t) =>
    t.kind === "nest" ? { ...t, sharing: shareNest(t.nest, t.form, rowUnits) } : t,
  );
}

function writtenInLoops(nests: readonly Nest[]): ReadonlyMap<Repeat, ReadonlySet<TensorBuffer>> {
  const found = new Map<Repeat, Set<TensorBuffer>>();
  for (const { loop, stores } of nests) {
    if (!loop) continue;
    const own = found.get(loop) ?? new Set();
    for (const s of stores) own.add(memoryOf(s.buffer));
    found.set(loop, own);
  }
  return found;
}

/** Plain loops test where they read. */
const unpadded = (nest: Nest): Nest => ({
  ...nest,
  stores: nest.stores.map((s) => ({ ...s, value: expandPadding(s.value) })),
});

/** How threads share a product's rows: tiles, or where these lie along another loop as many rows as other products take. */
function unitsOf(
  { tile, rows }: Schedule,
  rowUnits: ReadonlyMap<number, Units>,
  target: Target,
): Units {
  const { size, tall, tiles, perUnit } = tile;
  if (tile.row === 0) return { size: size * perUnit, tall, count: tiles / perUnit };
  const { extent } = rows[0]!;
  const { tiles: count, ...cut } = commonCut(extent, target);
  const usual = rowUnits.get(extent) ?? { size: cut.size, tall: cut.tall, count };
  return usual.tall === 0 ? usual : { size: 1, tall: 0, count: extent };
}

/** A sum over rows in chunks, some of which are of one thread's rows, if such is the first axis. */
function shareChunks(nest: Nest, rowUnits: ReadonlyMap<number, Units>): ByRows | undefined {
  const [first] = nest.axes;
  if (!first || nest.loop) return undefined;
  for (const [rows, grain] of rowUnits) {
    const { size, tall, count } = grain;
    const [chunks, span] = [first.extent / count, rows / first.extent];
    if (![chunks, span].every(Number.isInteger) || span === 1 || tall > 0) continue;
    const reads = nest.stores.flatMap((s) => loadsWithin(s.value, rows));
    if (
      chunks * span === size &&
      reads.length > 0 &&
      reads.every((e) => isWithin(e.at[0]!, first, span))
    )
      return { by: "rows", units: { size: chunks, tall: 0, count }, grain, span };
  }
  return undefined;
}

/** The loads of what has so many rows. */
function loadsWithin(value: Expr, rows: number): readonly Load[] {
  const found: Load[] = [];
  walk(value, (e) => {
    if (e.kind === "load" && e.buffer.shape[0] === rows) found.push(e);
  });
  return found;
}

/** Sharing by rows costs no barrier where products before or after share the same rows. */
const worthRows = 1000;

function shareNest(nest: Nest, form: Form, rowUnits: ReadonlyMap<number, Units>): Sharing {
  const { axis, step } = form.loops[0]!;
  const work = workOf(nest);
  if (work < worthRows) return { by: "one" };
  const grain = rowUnits.get(nest.axes[0]?.extent ?? 1);
  if (form.rowSize !== undefined && grain && (grain.tall === 0 || form.rowSize === 1)) {
    const size = grain.size * form.rowSize;
    return { by: "rows", units: { ...grain, size }, grain, span: 1 };
  }
  const chunks = form.rowSize === 1 ? shareChunks(nest, rowUnits) : undefined;
  if (chunks) return chunks;
  if (work < worthSharing) return { by: "one" };
  return { by: "other", units: { size: step, tall: 0, count: Math.ceil(axis.extent / step) } };
}

/** Gives each copy its layout, and lets products share copies of what did not change in between. */
function placeCopies(
  schedule: Schedule,
  copied: Map<string, TensorBuffer>,
  layouts: Map<TensorBuffer, Layout>,
  add: (copy: Copy) => void,
): Schedule {
  const place = (copy: Copy): Copy => {
    const key = `${bufferId(copy.source)}:${JSON.stringify(copy.layout)}`;
    const known = copied.get(key);
    if (known) return { ...copy, target: known };
    layouts.set(copy.target, copy.layout);
    copied.set(key, copy.target);
    add(copy);
    return copy;
  };
  const { a, b } = schedule;
  return {
    ...schedule,
    a: a.copy ? { ...a, copy: place(a.copy) } : a,
    b: b.copy ? { ...b, copy: place(b.copy) } : b,
  };
}

const ids = new WeakMap<TensorBuffer, number>();
let nextId = 0;
function bufferId(b: TensorBuffer): number {
  const known = ids.get(b);
  if (known !== undefined) return known;
  ids.set(b, nextId);
  return nextId++;
}
function forget(copied: Map<string, TensorBuffer>, source: TensorBuffer): void {
  for (const key of copied.keys()) if (key.startsWith(`${bufferId(source)}:`)) copied.delete(key);
}

function copyNest({ source, target }: Copy): Nest {
  const axes = source.shape.map((extent, d): Axis => ({ name: "ijklmn"[d] ?? `i${d}`, extent }));
  return {
    name: target.name,
    axes,
    stores: [
      {
        buffer: target,
        value: load(
          source,
          axes.map((a) => index(a)),
        ),
      },
    ],
  };
}
