/**
 * Decides how a product is computed. A schedule is a record of decisions: every extent, stride and bound that
 * the printer needs, and nothing else. Roles: the vector axis is that along which the output is contiguous; the
 * operand that has it is B (read as vectors), the other is A (one element for all lanes). Output axes of A are
 * rows (M), those of both or of B alone are outer, summed axes are K.
 */
import { type Axis, type Expr, type TensorBuffer, walk } from "../../ir/expr.ts";
import { IndexAlgebra } from "../../ir/index-algebra.ts";
import { invariant } from "../../support/errors.ts";
import { type Layout, laneOffset, unitDimension } from "./layout.ts";
import {
  accumulator,
  dimensionOf,
  isUnitAlong,
  outside,
  type Product,
  paddedFor,
  panelsFor,
  type Strided,
  stridesIn,
} from "./product.ts";
import type { Target } from "./target.ts";

/** One loop, with the elements each operand moves by when it advances. */
export interface Loop {
  readonly name: string;
  readonly extent: number;
  readonly a: number;
  readonly b: number;
  readonly args: readonly number[];
}
export interface Tile {
  /** Position of its row loop in `rows`. */
  readonly row: number;
  /** `tall` of the `tiles` have size + 1 rows. */
  readonly size: number;
  readonly tall: number;
  readonly tiles: number;
  readonly vectors: number;
}
/** Something the epilogue reads or writes; `lanes` are offsets of its vectors, none if it is the same for all. */
export interface Argument {
  readonly buffer: TensorBuffer;
  readonly base: number;
  readonly lanes: readonly number[];
}
/** A copy of an operand that goes before the product. */
export interface Copy {
  readonly source: TensorBuffer;
  readonly target: TensorBuffer;
  readonly layout: Layout;
}

export interface Schedule {
  readonly name: string;
  readonly width: number;
  readonly a: { readonly buffer: TensorBuffer; readonly base: number; readonly copy?: Copy };
  readonly b: {
    readonly buffer: TensorBuffer;
    readonly base: number;
    readonly copy?: Copy;
    readonly lanes: readonly number[];
  };
  /** Nest, outside in: outer, blocks of rows[0], blocks of k[0], panels, rows, tiles, k. */
  readonly outer: readonly Loop[];
  readonly rows: readonly Loop[];
  readonly panels: Loop;
  readonly k: readonly Loop[];
  readonly tile: Tile;
  readonly rowBlock: number;
  readonly kBlock: number;
  /** Columns that exist; with `tail`, the last panel is wider and memory is not. */
  readonly valid: number;
  readonly tail: boolean;
  readonly args: readonly Argument[];
  readonly stores: readonly { readonly arg: number; readonly value: Expr }[];
  /** Which loop threads share. */
  readonly parallel: "outer" | "rows" | "panels" | "tiles";
  readonly flops: number;
}

export type LayoutOf = (buffer: TensorBuffer) => Layout;

/** Panels are two vectors wide, or whatever wastes less on a narrow tensor. */
export const panelWidth = (n: number, { width }: Target): number =>
  n <= width ? width : n > 2 * width && n <= 3 * width ? 3 * width : 2 * width;

/** @returns undefined if the product does not fit the scheme (then it is printed as plain loops) */
export function chooseSchedule(
  product: Product,
  layoutOf: LayoutOf,
  target: Target,
): Schedule | undefined {
  const operands = assignRoles(product, layoutOf, target);
  if (!operands) return undefined;
  const { a, b, vector, quantum } = operands;
  const loops = makeLoops(product, operands, layoutOf);
  if (!loops) return undefined;
  const vectors = Math.ceil(vector.extent / (quantum * target.width)) * quantum;
  const depth = extentOf(loops.k.map((x) => x.extent));
  const tile = chooseTile(loops.rows, vectors, quantum, depth, target);
  const span = tile.vectors * target.width;
  const lane = (x: Layout) =>
    Array.from({ length: tile.vectors }, (_, i) => laneOffset(x, i * target.width));
  const args = loops.args.map(({ buffer, at, layout }): Argument => {
    const varies = at.strides.has(vector);
    return { buffer, base: at.base, lanes: varies ? lane(layout) : [] };
  });
  const panels: Loop = {
    name: "panel",
    extent: vectors / tile.vectors,
    a: 0,
    b: laneOffset(b.layout, span),
    args: loops.args.map(({ at, layout }) =>
      at.strides.has(vector) ? laneOffset(layout, span) : 0,
    ),
  };
  // Blocks have room for whole panels, rows that lie one after another have not.
  const isTight = loops.args.some(({ at, layout }) => at.strides.has(vector) && !layout.block);
  const tail = vector.extent % span !== 0 && isTight;
  const canBlock = !tail && !readsItself(loops.stores);
  const blocks = chooseBlocks(loops, tile, span, depth, target);
  const units = tile.row === 0 ? tile.tiles : loops.rows[0]!.extent;
  return {
    name: product.nest.name,
    width: target.width,
    a: { buffer: a.load.buffer, base: a.at.base, ...(a.copy ? { copy: a.copy } : {}) },
    b: {
      buffer: b.load.buffer,
      base: b.at.base,
      ...(b.copy ? { copy: b.copy } : {}),
      lanes: lane(b.layout),
    },
    outer: loops.outer,
    rows: loops.rows,
    panels,
    k: loops.k,
    tile,
    rowBlock: blocks.rowBlock,
    kBlock: canBlock ? blocks.kBlock : loops.k[0]!.extent,
    valid: vector.extent,
    tail,
    args,
    stores: loops.stores,
    parallel: chooseParallel(loops.outer, units, panels.extent, tile, target),
    flops: 2 * depth * extentOf(product.nest.axes.map((x) => x.extent)),
  };
}

const extentOf = (list: readonly number[]) => list.reduce((p, n) => p * n, 1);

interface Operand {
  readonly load: Product["a"];
  readonly layout: Layout;
  readonly at: Strided;
  readonly copy: Copy | undefined;
}
interface Operands {
  readonly a: Operand;
  readonly b: Operand;
  readonly vector: Axis;
  /** Vectors that a tile must have a multiple of, so that it covers whole blocks. */
  readonly quantum: number;
}

function assignRoles(
  { nest, a, b, epilogue }: Product,
  layoutOf: LayoutOf,
  target: Target,
): Operands | undefined {
  const outLayout = layoutOf(epilogue[0]!.buffer);
  const dim = unitDimension(outLayout);
  const vector = dim === undefined ? undefined : nest.axes[dim];
  if (!vector) return undefined;
  const algebra = new IndexAlgebra();
  const usesVector = (x: Product["a"]) =>
    x.at.some((e) =>
      algebra.linear(e).terms.some((t) => t.atom.kind === "index" && t.atom.axis === vector),
    );
  if (usesVector(a) === usesVector(b)) return undefined;
  const [first, second] = usesVector(b) ? [a, b] : [b, a];
  const operand = (load: Product["a"], layout: Layout, copy: boolean): Operand | undefined => {
    const at = stridesIn(load.at, load.buffer.shape, layout, vector, algebra);
    const source = load.buffer;
    const target: TensorBuffer = { ...source, name: `${source.name}.copy` };
    return at && { load, layout, at, copy: copy ? { source, target, layout } : undefined };
  };
  const stored = { a: layoutOf(first.buffer), b: layoutOf(second.buffer) };
  const pad = outside(first) !== undefined;
  const usable = isUnitAlong(second, stored.b, vector) && !outside(second);
  const vDim = dimensionOf(second, vector);
  if (vDim < 0 || outside(second)) return undefined;
  // Rows and sums cannot walk blocks; a copy in rows, with zeros around it where it is read outside, can.
  const straighten = pad || stored.a.block !== undefined;
  const rowOperand = operand(first, straighten ? paddedFor(first) : stored.a, straighten);
  const width = panelWidth(vector.extent, target);
  const vectorOperand = operand(
    second,
    usable ? stored.b : panelsFor(second, vDim, width),
    !usable,
  );
  if (!rowOperand || !vectorOperand) return undefined;
  const blocks = [vectorOperand.layout, ...epilogue.map((s) => layoutOf(s.buffer))].map(
    (x) => x.block?.width ?? 0,
  );
  return {
    a: rowOperand,
    b: vectorOperand,
    vector,
    quantum: Math.max(target.width, ...blocks) / target.width,
  };
}

/** Whether the first output's old value is needed: then it cannot hold a partial sum. */
function readsItself(stores: Loops["stores"]): boolean {
  let found = false;
  for (const { value } of stores) {
    walk(value, (e) => {
      if (e.kind === "load" && argumentNumber(e.buffer) === stores[0]!.arg) found = true;
    });
  }
  return found;
}

interface Loops {
  readonly outer: readonly Loop[];
  readonly rows: readonly Loop[];
  readonly k: readonly Loop[];
  readonly args: readonly {
    readonly buffer: TensorBuffer;
    readonly at: Strided;
    readonly layout: Layout;
  }[];
  readonly stores: readonly { readonly arg: number; readonly value: Expr }[];
}

/** Strided loops; neighbours that are one run in every operand become one. */
function makeLoops(
  { nest, summed, epilogue }: Product,
  { a, b, vector }: Operands,
  layoutOf: LayoutOf,
): Loops | undefined {
  const args = argumentsOf(nest.axes, vector, epilogue, layoutOf);
  if (!args) return undefined;
  const loop = (axis: Axis): Loop => ({
    name: axis.name,
    extent: axis.extent,
    a: a.at.strides.get(axis) ?? 0,
    b: b.at.strides.get(axis) ?? 0,
    args: args.list.map(({ at }) => at.strides.get(axis) ?? 0),
  });
  const others = nest.axes.filter((x) => x !== vector && x.extent > 1);
  const isOuter = (x: Axis) => b.at.strides.has(x);
  const none: Loop = { name: "one", extent: 1, a: 0, b: 0, args: args.list.map(() => 0) };
  const steep = (p: Loop, q: Loop) =>
    Math.abs(q.a) - Math.abs(p.a) || Math.abs(q.b) - Math.abs(p.b);
  const k = fuse(
    summed
      .filter((x) => x.extent > 1)
      .map(loop)
      .sort(steep),
  );
  const rows = fuse(others.filter((x) => !isOuter(x)).map(loop));
  return {
    outer: others.filter(isOuter).map(loop),
    rows: rows.length > 0 ? rows : [none],
    k: k.length > 0 ? k : [none],
    args: args.list,
    stores: args.stores,
  };
}

function fuse(loops: readonly Loop[]): readonly Loop[] {
  const done: Loop[] = [];
  for (const x of [...loops].reverse()) {
    const y = done[0];
    const run = (p: number, q: number) => p === q * y!.extent;
    const joins = y && run(x.a, y.a) && run(x.b, y.b) && x.args.every((s, i) => run(s, y.args[i]!));
    if (joins) done[0] = { ...y, name: `${x.name}${y.name}`, extent: x.extent * y.extent };
    else done.unshift(x);
  }
  return done;
}

/** Everything the epilogue reads or writes, each place once. */
function argumentsOf(
  axes: readonly Axis[],
  vector: Axis,
  epilogue: Product["epilogue"],
  layoutOf: LayoutOf,
) {
  const algebra = new IndexAlgebra();
  const list: { buffer: TensorBuffer; at: Strided; layout: Layout; key: string }[] = [];
  const ids = new Map<TensorBuffer, number>();
  let linear = true;
  const place = (buffer: TensorBuffer, at: readonly Expr[]): number => {
    const layout = layoutOf(buffer);
    const strided = stridesIn(at, buffer.shape, layout, vector, algebra);
    if (!strided) {
      linear = false;
      return 0;
    }
    if (!ids.has(buffer)) ids.set(buffer, ids.size);
    const key = `${ids.get(buffer)}:${strided.base}:${axes.map((x) => strided.strides.get(x) ?? 0).join()}`;
    const known = list.findIndex((x) => x.key === key);
    if (known >= 0) return known;
    list.push({ buffer, at: strided, layout, key });
    return list.length - 1;
  };
  const own: Expr[] = axes.map((axis) => ({ kind: "index", axis }));
  const memo = new Map<Expr, Expr>();
  const resolve = (e: Expr): Expr => {
    const known = memo.get(e);
    if (known) return known;
    const made = resolved(e);
    memo.set(e, made);
    return made;
  };
  const resolved = (e: Expr): Expr => {
    if (e.kind === "load" && e.buffer !== accumulator) return argument(place(e.buffer, e.at));
    return e.kind === "call" ? { ...e, args: e.args.map(resolve) } : e;
  };
  const stores = epilogue.map(({ buffer, value }) => ({
    arg: place(buffer, own),
    value: resolve(value),
  }));
  return linear ? { list, stores } : undefined;
}

/** In a schedule, the n-th argument is a load from this. */
export const argument = (n: number): Expr => ({
  kind: "load",
  buffer: argumentBuffers(n),
  at: [],
});
const made: TensorBuffer[] = [];
function argumentBuffers(n: number): TensorBuffer {
  while (made.length <= n) made.push({ name: `e${made.length}`, shape: [], dtype: "f32" });
  return made[n]!;
}
export const argumentNumber = (buffer: TensorBuffer): number => made.indexOf(buffer);

/**
 * Cycles of one step of k for a tile of `rows` by `vectors`, with its share of starting and storing it. A tile
 * must hide the latency of the multiply-add (half a cycle of slack for what the compiler adds).
 */
function tileCycles(rows: number, vectors: number, depth: number, t: Target): number {
  const fma = (rows * vectors) / t.fmaPerCycle;
  const loads = (rows + vectors) / t.loadsPerCycle;
  return Math.max(fma, loads, t.fmaLatency + 0.5) + (rows * vectors * 2 + 16) / depth;
}

/** Rows divided as evenly as possible, so that no tile is a remnant: 37 rows are 2 × 6 + 5 × 5. */
function divideRows(extent: number, height: number) {
  const tiles = Math.ceil(extent / height);
  const size = Math.floor(extent / tiles);
  return { tiles, size, tall: extent - size * tiles };
}

/** The tile with the fewest modelled cycles an element. */
function chooseTile(
  rows: readonly Loop[],
  vectors: number,
  quantum: number,
  depth: number,
  t: Target,
): Tile {
  let best: (Tile & { cycles: number }) | undefined;
  // All that walks the same rows cuts them alike, so that threads can go on from one to the next.
  const whole = rows.length === 1;
  const common = commonCut(rows[0]!.extent, t);
  for (const [row, { extent }] of [...rows.entries()].reverse()) {
    for (let nv = quantum; nv <= Math.min(vectors, 6); nv += quantum) {
      if (vectors % nv !== 0) continue;
      for (let mr = 1; mr === 1 || mr * nv + Math.min(mr, nv) + 3 <= t.registers; mr++) {
        const cut = divideRows(extent, mr);
        if (whole && nv <= 2 && cut.size !== common.size) continue;
        const { tiles, size, tall } = cut;
        const cost = (n: number) => tileCycles(n, nv, depth, t);
        const all = tall * cost(size + 1) + (tiles - tall) * cost(size);
        const cycles = ((all / extent) * vectors) / nv;
        if (!best || cycles < best.cycles * 0.995) best = { row, ...cut, vectors: nv, cycles };
      }
    }
  }
  invariant(best, "no tile fits the registers");
  return best;
}

/** How rows of an extent are cut wherever one loop walks them all: best for two vectors and a long sum. */
function commonCut(extent: number, t: Target) {
  let best: (ReturnType<typeof divideRows> & { cycles: number }) | undefined;
  for (let mr = 1; mr * 2 + Math.min(mr, 2) + 3 <= t.registers; mr++) {
    const cut = divideRows(extent, mr);
    const cost = (n: number) => tileCycles(n, 2, 256, t);
    const cycles =
      (cut.tall * cost(cut.size + 1) + (cut.tiles - cut.tall) * cost(cut.size)) / extent;
    if (!best || cycles < best.cycles * 0.995) best = { ...cut, cycles };
  }
  return best!;
}

/** A block of k keeps B's panel in the first cache; a block of rows keeps A's rows and their sums in the second. */
function chooseBlocks({ rows, k }: Loops, tile: Tile, span: number, depth: number, t: Target) {
  const row = rows[tile.row]!;
  const inner = extentOf(k.slice(1).map((x) => x.extent));
  const last = k.at(-1)!;
  const lines = row.a < 16 && last.a >= 16 ? 64 * conflict(last.a * 4, 64) : 0;
  const perStep = span * 4 * conflict(last.b * 4, span * 4) + lines;
  const rowTiles = (extentOf(rows.map((x) => x.extent)) / row.extent) * tile.tiles;
  const goal = Math.max(1, Math.floor(t.l1 / 2 / perStep / inner));
  const first = k[0]!.extent;
  const kBlock =
    depth * perStep > t.l1 && rowTiles > 2 ? Math.ceil(first / Math.ceil(first / goal)) : first;
  const units = tile.row === 0 ? tile.tiles : rows[0]!.extent;
  const perRow = (depth * kBlock) / first;
  const perUnit = (extentOf(rows.map((x) => x.extent)) / units) * perRow * 4;
  return { kBlock, rowBlock: Math.min(units, Math.max(1, Math.floor(t.l2 / 2 / perUnit))) };
}

/** How many times more of the first cache lines `stride` bytes apart take: only some sets are reached. */
const conflict = (stride: number, bytes: number) =>
  Math.max(1, gcd(Math.abs(stride), 4096) / Math.max(64, bytes));
const gcd = (p: number, q: number): number => (q === 0 ? p : gcd(q, p % q));
/** The first loop that divides evenly among the threads, else the best. */
function chooseParallel(
  outer: readonly Loop[],
  units: number,
  panels: number,
  tile: Tile,
  { threads }: Target,
): Schedule["parallel"] {
  const choices = [
    ...(outer[0] ? [["outer", outer[0].extent] as const] : []),
    ["rows", units] as const,
    ["panels", panels] as const,
    ["tiles", tile.tiles] as const,
  ];
  const balance = (n: number) => n / (threads * Math.ceil(n / threads));
  const even = choices.find(([, n]) => balance(n) >= 0.95);
  return (even ?? [...choices].sort((p, q) => balance(q[1]) - balance(p[1]))[0]!)[0];
}

/** One line for `inspect --stage kernels` and for tests. */
export function describe(s: Schedule): string {
  const { size, tall, vectors, row } = s.tile;
  const height = tall > 0 ? `${size}/${size + 1}` : String(size);
  const loops = [...s.outer, ...s.rows].map((x) => `${x.name}(${x.extent})`).join(" ");
  const sum = s.k.map((x) => `${x.name}(${x.extent})`).join(" ");
  const copies = [s.a.copy && "a padded", s.b.copy && "b in panels"].filter(Boolean).join(", ");
  return `tile ${height}×${vectors * s.width} on ${s.rows[row]!.name}, ${loops} by panels(${s.panels.extent}), sum ${sum} in blocks of ${s.kBlock}, ${copies || "operands as stored"}, threads share ${s.parallel}`;
}
