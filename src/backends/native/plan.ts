/**
 * A procedure made ready to print: nests with their schedules and copies, layouts for what they touch, and an
 * order with as few barriers as the dependences allow.
 */

import { type Axis, index, load, type TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { expandPadding } from "../../ir/index-algebra.ts";
import type { Program, Variable } from "../../ir/program.ts";
import { isRow, isWindow, memoryOf, wholeOf } from "../rows.ts";
import { type Layout, type LayoutOf, panels, plain, spaced, windowed } from "./layout.ts";
import { type Form, formOf } from "./nests/form.ts";
import { type Inversion, Inverter } from "./nests/inversion.ts";
import { buildNests, loadsOf, type Nest, type Repeat, rowsOf, windowedBy } from "./nests/nest.ts";
import { type Units, workOf, worthSharing } from "./nests/sharing.ts";
import { splitSum } from "./nests/split-sum.ts";
import { group, loopOf, meetsBetweenSteps, readsOf, type Sharing, type Task } from "./order.ts";
import { byModel, type Decide, validPanels } from "./products/decisions.ts";
import { type Copy, panelWidth } from "./products/operands.ts";
import { dimensionOf, findProduct, type Product } from "./products/product.ts";
import { chooseSchedule, type Schedule } from "./products/schedule.ts";
import type { Target } from "./target.ts";
import { verifyOrder, verifyPlan } from "./verify/plan.ts";

export interface ProcedurePlan {
  readonly name: string;
  /** A barrier stands between the groups. */
  readonly groups: readonly (readonly Task[])[];
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
    return { name: procedure.name, groups, loops, copies };
  });
  return verifyPlan({ procedures, layoutOf }, target);
}

/**
 * Weights that products read as vectors live in panels for the whole run, and so does whatever shares a nest
 * with them element by element: gradients and slots.
 */
function choosePanels(
  nests: readonly Nest[],
  target: Target,
  layouts: Map<TensorBuffer, Layout>,
  decide: Decide,
): void {
  const wanted = nests.flatMap((nest) => {
    const product = findProduct(nest);
    return product ? vectorWeights(product) : [];
  });
  const linked = (b: TensorBuffer) =>
    nests
      .filter((n) => n.stores.some((s) => s.buffer === b))
      .flatMap((n) => [...n.stores.map((s) => s.buffer), ...ownLoads(n)]);
  const rows = [...rowsOf(nests)].flatMap((row): TensorBuffer[] => [row, row.of]);
  const inParts = new Set([...rows, ...windowedBy(nests)]);
  for (const weight of wanted) {
    const last = weight.shape.length - 1;
    const best = panelWidth(weight.shape[last]!, target);
    const width = decide("panel", best, () => validPanels(target));
    const layout = panels(weight.shape, last, width);
    for (const b of [weight, ...linked(weight)]) {
      const isAlike = b.shape.join() === weight.shape.join() && b.dtype === "f32";
      if (isAlike && !inParts.has(b)) layouts.set(b, layout);
    }
  }
}

/** Tasks between barriers, those of a loop by themselves. */
function groupByLoops(tasks: readonly Task[]): Pick<ProcedurePlan, "groups" | "loops"> {
  const groups: (readonly Task[])[] = [];
  const loops: GroupLoop[] = [];
  for (let from = 0; from < tasks.length; ) {
    const loop = loopOf(tasks[from]!);
    let to = from;
    while (to < tasks.length && loopOf(tasks[to]!) === loop) to++;
    const own = group(tasks.slice(from, to));
    const first = groups.length;
    groups.push(...own);
    if (loop) loops.push({ ...loop, first, end: groups.length, waits: meetsBetweenSteps(own) });
    from = to;
  }
  return { groups, loops };
}

/** Elements of room after each row: a cache line of 64 bytes. */
const room = 16;
/** Bytes apart from which on rows fall into too few of the first cache's sets for a sum that walks them. */
const crowded = 512;

/** A sum that walks the rows of a temporary gets them into different cache sets. */
function spaceRows(
  nests: readonly Nest[],
  copied: ReadonlySet<TensorBuffer>,
  layouts: Map<TensorBuffer, Layout>,
): void {
  const written = new Set(nests.flatMap((n) => n.stores.map((s) => s.buffer)));
  for (const nest of nests) {
    const product = findProduct(nest);
    if (!product) continue;
    for (const { buffer, at } of [product.a, product.b]) {
      const [row] = at;
      const walks = row?.kind === "index" && product.summed.includes(row.axis);
      const isOwn = written.has(buffer) && !("kind" in buffer) && !copied.has(buffer);
      const bytes = 4 * sizeOf(buffer.shape.slice(1));
      if (walks && isOwn && !layouts.has(buffer) && bytes % crowded === 0)
        layouts.set(buffer, spaced(buffer.shape, room));
    }
  }
}

function vectorWeights({ nest, a, b }: Product): readonly TensorBuffer[] {
  const vector = nest.axes.at(-1);
  if (!vector) return [];
  return [a, b].flatMap(({ buffer, at }) => {
    const isState = "kind" in buffer && buffer.kind === "state";
    const last = at.length - 1;
    const fits = isState && last > 0 && dimensionOf({ kind: "load", buffer, at }, vector) === last;
    return fits ? [buffer] : [];
  });
}

const ownLoads = (nest: Nest): readonly TensorBuffer[] =>
  [...loadsOf(nest)].filter((b) => b.shape.join() === nest.axes.map((a) => a.extent).join());

function makeTasks(
  nests: readonly Nest[],
  layouts: Map<TensorBuffer, Layout>,
  layoutOf: LayoutOf,
  target: Target,
  decide: Decide,
): readonly Task[] {
  const tasks: Task[] = [];
  const changing = new Map<Repeat, Set<TensorBuffer>>();
  for (const { loop, stores } of nests) {
    if (!loop) continue;
    const own = changing.get(loop) ?? new Set();
    for (const s of stores) own.add(memoryOf(s.buffer));
    changing.set(loop, own);
  }
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
    const { tile, rows, partial } = ready;
    if (partial.scratch) layouts.set(partial.scratch, layoutOf(nest.stores[0]!.buffer));
    const { size, tall, tiles, perUnit } = tile;
    const units: Units = { size: size * perUnit, tall, count: tiles / perUnit };
    const byRows =
      ready.parallel === "rows" &&
      tile.row === 0 &&
      rows[0]!.extent === nest.axes[0]?.extent &&
      ready.outer.length === 0;
    if (byRows && !rowUnits.has(rows[0]!.extent)) rowUnits.set(rows[0]!.extent, units);
    const sharing: Sharing = byRows ? { by: "rows", units, grain: units } : { by: "other", units };
    tasks.push({ kind: "product", nest, schedule: ready, sharing });
  }
  return tasks.map((t) =>
    t.kind === "nest" ? { ...t, sharing: shareNest(t.nest, t.form, rowUnits) } : t,
  );
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

/** Plain loops test where they read. */
const unpadded = (nest: Nest): Nest => ({
  ...nest,
  stores: nest.stores.map((s) => ({ ...s, value: expandPadding(s.value) })),
});

/** Sharing by rows costs no barrier where products before or after share the same rows. */
const worthRows = 1000;

function shareNest(nest: Nest, form: Form, rowUnits: ReadonlyMap<number, Units>): Sharing {
  const { axis, step } = form.loops[0]!;
  const work = workOf(nest);
  if (work < worthRows) return { by: "one" };
  const grain = rowUnits.get(nest.axes[0]?.extent ?? 1);
  if (form.rowSize !== undefined && grain && (grain.tall === 0 || form.rowSize === 1)) {
    return { by: "rows", units: { ...grain, size: grain.size * form.rowSize }, grain };
  }
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
