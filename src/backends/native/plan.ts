/**
 * A procedure made ready to print: nests with their schedules and copies, layouts for what they touch, and an
 * order with as few barriers as the dependences allow.
 */
import {
  type Axis,
  call,
  type Expr,
  index,
  int,
  load,
  reduce,
  type TensorBuffer,
} from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { expandPadding } from "../../ir/index-algebra.ts";
import type { Program, Variable } from "../../ir/program.ts";
import { rewrite } from "../../ir/rewrite.ts";
import { type Layout, panels, plain } from "./layout.ts";
import { buildNests, loadsOf, type Nest } from "./nest.ts";
import { type Form, formOf, singleUnits, type Units, workOf, worthSharing } from "./print-nest.ts";
import { accumulator, dimensionOf, findProduct, type Product } from "./product.ts";
import { type Copy, chooseSchedule, type LayoutOf, panelWidth, type Schedule } from "./schedule.ts";
import type { Target } from "./target.ts";

export type Task =
  | {
      readonly kind: "product";
      readonly nest: Nest;
      readonly schedule: Schedule;
      readonly sharing: Sharing;
    }
  | { readonly kind: "nest"; readonly nest: Nest; readonly form: Form; readonly sharing: Sharing };

/** Who does what of a task. Two tasks shared by the same rows need no barrier if they meet row by row. */
export type Sharing =
  | { readonly by: "one" }
  | { readonly by: "rows"; readonly units: Units; readonly grain: Units }
  | { readonly by: "other"; readonly units: Units };

export interface ProcedurePlan {
  readonly name: string;
  /** A barrier stands between the groups. */
  readonly groups: readonly (readonly Task[])[];
  readonly copies: readonly { readonly from: TensorBuffer; readonly to: Variable }[];
}
export interface ProgramPlan {
  readonly procedures: readonly ProcedurePlan[];
  readonly layoutOf: LayoutOf;
}

export function planProgram(program: Program, target: Target): ProgramPlan {
  const layouts = new Map<TensorBuffer, Layout>();
  const layoutOf: LayoutOf = (b) => {
    const known = layouts.get(b) ?? plain(b.shape);
    layouts.set(b, known);
    return known;
  };
  const parts = program.procedures.map((procedure) => {
    const { nests, copies } = buildNests(procedure);
    return { procedure, nests: nests.flatMap((n) => splitSum(n, target)), copies };
  });
  choosePanels(
    parts.flatMap((p) => p.nests),
    target,
    layouts,
  );
  const procedures = parts.map(({ procedure, nests, copies }): ProcedurePlan => {
    const tasks = makeTasks(nests, layouts, layoutOf, target);
    return { name: procedure.name, groups: group(tasks), copies };
  });
  return { procedures, layoutOf };
}

/**
 * Few outputs and a long sum: the sum is cut into a fixed number of chunks, computed side by side and added in
 * order, so that the result does not depend on the number of threads.
 */
function splitSum(nest: Nest, { width }: Target): readonly Nest[] {
  const product = findProduct(nest);
  if (!product) return [nest];
  const outputs = sizeOf(nest.axes.map((a) => a.extent));
  const depth = sizeOf(product.summed.map((a) => a.extent));
  const first = [...product.summed].sort((p, q) => q.extent - p.extent)[0];
  const chunks = first && divisorUpTo(first.extent, 20);
  if (!first || !chunks || depth < 8192 || outputs >= 32 * 10 * 2 * width) return [nest];
  const chunk: Axis = { name: "chunk", extent: chunks };
  const rest: Axis = { name: first.name, extent: first.extent / chunks };
  const whole = call("add", call("mul", index(chunk), int(rest.extent)), index(rest));
  const cut = (e: Expr) => rewrite(e, (x) => (x.kind === "index" && x.axis === first ? whole : x));
  const partial: TensorBuffer = {
    name: `${nest.name}.parts`,
    shape: [chunks, ...nest.axes.map((a) => a.extent)],
    dtype: "f32",
  };
  const summed = product.summed.map((a) => (a === first ? rest : a));
  const part: Nest = {
    name: `${nest.name}.parts`,
    axes: [chunk, ...nest.axes],
    stores: [
      {
        buffer: partial,
        value: reduce("sum", summed, call("mul", cut(product.a), cut(product.b))),
      },
    ],
  };
  const q: Axis = { name: "q", extent: chunks };
  const total = reduce("sum", [q], load(partial, [index(q), ...nest.axes.map((a) => index(a))]));
  const stores = product.epilogue.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => (e.kind === "load" && e.buffer === accumulator ? total : e)),
  }));
  return [part, { ...nest, stores }];
}

const divisorUpTo = (n: number, most: number): number | undefined => {
  for (let d = most; d > 1; d--) if (n % d === 0) return d;
  return undefined;
};

/**
 * Weights that products read as vectors live in panels for the whole run, and so does whatever shares a nest
 * with them element by element: gradients and slots.
 */
function choosePanels(
  nests: readonly Nest[],
  target: Target,
  layouts: Map<TensorBuffer, Layout>,
): void {
  const wanted = nests.flatMap((nest) => {
    const product = findProduct(nest);
    return product ? vectorWeights(product) : [];
  });
  const linked = (b: TensorBuffer) =>
    nests
      .filter((n) => n.stores.some((s) => s.buffer === b))
      .flatMap((n) => [...n.stores.map((s) => s.buffer), ...ownLoads(n)]);
  for (const weight of wanted) {
    const last = weight.shape.length - 1;
    const layout = panels(weight.shape, last, panelWidth(weight.shape[last]!, target));
    for (const b of [weight, ...linked(weight)]) {
      if (b.shape.join() === weight.shape.join() && b.dtype === "f32") layouts.set(b, layout);
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
): readonly Task[] {
  const tasks: Task[] = [];
  const rowUnits = new Map<number, Units>();
  const copied = new Map<string, TensorBuffer>();
  const plainTask = (nest: Nest): Task => {
    const form = formOf(nest, layoutOf);
    return { kind: "nest", nest, form, sharing: { by: "one" } };
  };
  for (const nest of nests) {
    const product = findProduct(nest);
    const schedule = product && chooseSchedule(product, layoutOf, target);
    if (!schedule) {
      tasks.push(plainTask(unpadded(nest)));
      for (const s of nest.stores) forget(copied, s.buffer);
      continue;
    }
    const ready = placeCopies(schedule, copied, layouts, (copy) =>
      tasks.push(plainTask(copyNest(copy))),
    );
    for (const s of nest.stores) forget(copied, s.buffer);
    const { tile, rows } = ready;
    const units: Units = { size: tile.size, tall: tile.tall, count: tile.tiles };
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

/** Plain loops test where they read. */
const unpadded = (nest: Nest): Nest => ({
  ...nest,
  stores: nest.stores.map((s) => ({ ...s, value: expandPadding(s.value) })),
});

/** Sharing by rows costs no barrier where products before or after share the same rows. */
const worthRows = 1000;

function shareNest(nest: Nest, form: Form, rowUnits: ReadonlyMap<number, Units>): Sharing {
  const first = form.loops[0];
  const work = workOf(nest);
  if (!first || work < worthRows) return { by: "one" };
  const grain = rowUnits.get(nest.axes[0]?.extent ?? 1);
  if (form.rowSize !== undefined && grain && (grain.tall === 0 || form.rowSize === 1)) {
    return { by: "rows", units: { ...grain, size: grain.size * form.rowSize }, grain };
  }
  if (work < worthSharing) return { by: "one" };
  return { by: "other", units: singleUnits(first.extent) };
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

/** Greedy: tasks that need no barrier after what has run since the last one go first, in order. */
function group(tasks: readonly Task[]): readonly (readonly Task[])[] {
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

const reads = (t: Task): ReadonlySet<TensorBuffer> => {
  const own = new Set(loadsOf(t.nest));
  if (t.kind === "product")
    for (const side of [t.schedule.a, t.schedule.b]) if (side.copy) own.add(side.copy.target);
  return own;
};
const writes = (t: Task): readonly TensorBuffer[] => t.nest.stores.map((s) => s.buffer);

/** Whether the order of two tasks matters. */
function conflict(first: Task, second: Task): boolean {
  const [w1, w2] = [writes(first), writes(second)];
  const [r1, r2] = [reads(first), reads(second)];
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
  const theirs = new Set(writes(other));
  if (
    task.kind === "product" &&
    [task.schedule.a, task.schedule.b].some((s) => s.copy && theirs.has(s.copy.target))
  )
    return false;
  let own = true;
  for (const { value } of task.nest.stores) {
    rewrite(value, (e) => {
      if (e.kind !== "load" || !theirs.has(e.buffer)) return e;
      const [row] = e.at;
      if (row?.kind !== "index" || row.axis !== task.nest.axes[0]) own = false;
      return e;
    });
  }
  return own;
}
