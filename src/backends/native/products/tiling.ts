/** How large a register tile is, what stays in which cache, and which loop threads share: all by simple models. */
import { invariant } from "../../../support/errors.ts";
import type { Target } from "../target.ts";
import type { Loop, Loops } from "./operands.ts";
import type { Schedule } from "./schedule.ts";

export interface Tile {
  /** Position of its row loop in `rows`. */
  readonly row: number;
  /** Tiles of the first row loop that one thread takes together, so that all who walk it share it alike. */
  readonly perUnit: number;
  /** `tall` of the `tiles` have size + 1 rows. */
  readonly size: number;
  readonly tall: number;
  readonly tiles: number;
  readonly vectors: number;
}
/** Product of extents. */
export const extentOf = (list: readonly number[]) => list.reduce((p, n) => p * n, 1);

/**
 * Cycles of one step of k for a tile of `rows` by `vectors`, with its share of starting and storing it. A tile
 * must hide the latency of the multiply-add (half a cycle of slack for what the compiler adds).
 */
function tileCycles(rows: number, vectors: number, depth: number, t: Target): number {
  const fma = (rows * vectors) / t.fmaPerCycle;
  const loads = (rows + vectors) / t.loadsPerCycle;
  return (
    Math.max(fma, loads, t.fmaLatency + 0.5) + 0.05 * loads + (rows * vectors * 2 + 16) / depth
  );
}

/** Rows divided as evenly as possible, so that no tile is a remnant: 37 rows are 2 × 6 + 5 × 5. */
function divideRows(extent: number, height: number) {
  const tiles = Math.ceil(extent / height);
  const size = Math.floor(extent / tiles);
  return { tiles, size, tall: extent - size * tiles };
}

/**
 * The tile with the fewest modelled cycles an element.
 * @param canTile whether a tile's rows may lie along a loop
 */
export function chooseTile(
  rows: readonly Loop[],
  canTile: (row: Loop) => boolean,
  vectors: number,
  quantum: number,
  depth: number,
  t: Target,
): Tile {
  let best: (Tile & { cycles: number }) | undefined;
  const common = commonCut(rows[0]!.extent, t);
  for (const [row, loop] of [...rows.entries()].reverse()) {
    if (!canTile(loop)) continue;
    const { extent } = loop;
    for (let nv = quantum; nv <= Math.min(vectors, 6); nv += quantum) {
      if (vectors % nv !== 0) continue;
      for (let mr = 1; mr === 1 || mr * nv + Math.min(mr, nv) + 3 <= t.registers; mr++) {
        const cut = divideRows(extent, mr);
        const perUnit = row === 0 ? tilesPerUnit(cut, common) : 1;
        if (perUnit === undefined && (nv <= 2 || common.tall === 0)) continue;
        const { tiles, size, tall } = cut;
        const cost = (n: number) => tileCycles(n, nv, depth, t);
        const all = tall * cost(size + 1) + (tiles - tall) * cost(size);
        const cycles = ((all / extent) * vectors) / nv;
        if (!best || cycles < best.cycles * 0.995)
          best = { row, perUnit: perUnit ?? 1, ...cut, vectors: nv, cycles };
      }
    }
  }
  invariant(best, "no tile fits the registers");
  return best;
}

type Cut = ReturnType<typeof divideRows>;

/**
 * All that walks the same rows cuts them alike, or into equal parts of that, so that threads can go on from one
 * to the next. Undefined if a cut does not fit.
 */
function tilesPerUnit(cut: Cut, common: Cut): number | undefined {
  if (cut.size === common.size && cut.tall === common.tall) return 1;
  const even = cut.tall === 0 && common.tall === 0 && common.size % cut.size === 0;
  return even ? common.size / cut.size : undefined;
}

/** How rows of an extent are cut wherever one loop walks them all: best for two vectors and a long sum. */
export function commonCut(extent: number, t: Target): Cut {
  let best: (Cut & { cycles: number }) | undefined;
  for (let mr = 1; mr * 2 + Math.min(mr, 2) + 3 <= t.registers; mr++) {
    const cut = divideRows(extent, mr);
    const cost = (n: number) => tileCycles(n, 2, 256, t);
    const cycles =
      (cut.tall * cost(cut.size + 1) + (cut.tiles - cut.tall) * cost(cut.size)) / extent;
    if (!best || cycles < best.cycles * 0.995) best = { ...cut, cycles };
  }
  return best!;
}

/** Blocks of k with fewer steps than this would mostly load and store their sums. */
const shortest = 32;

/** Floats of B that are put side by side at a time, at most: every thread has memory for so many. */
export const mostPacked = 1 << 15;

/** Floats of a panel's columns in a block of k. */
export const packedSize = (k: readonly Loop[], kBlock: number, span: number): number =>
  kBlock * extentOf(k.slice(1).map((x) => x.extent)) * span;

/** Tiles that must read a panel for its copy to be worth making. */
const fewestReaders = 6;

/**
 * B's rows that lie apart take few sets of the first cache, and many pages: tiles that share a panel read a copy, which
 * stays in the first cache. The next panel's rows are asked for meanwhile, a few with every tile.
 */
export function worthPacking({ rows, k }: Loops, tile: Tile, span: number): boolean {
  const row = rows[tile.row]!;
  const readers = (extentOf(rows.map((x) => x.extent)) / row.extent) * tile.tiles;
  return readers >= fewestReaders && Math.abs(k.at(-1)!.b) > span;
}

/** A block of k keeps B's panel in the first cache; a block of rows keeps A's rows and their sums in the second. */
export function chooseBlocks(
  { rows, k }: Loops,
  tile: Tile,
  span: number,
  depth: number,
  packs: boolean,
  t: Target,
) {
  const row = rows[tile.row]!;
  const inner = extentOf(k.slice(1).map((x) => x.extent));
  const last = k.at(-1)!;
  // A's lines serve a few tiles and come from the second cache else: more rounds of sums would cost more.
  const lines = row.a < 16 && last.a >= 16 ? 64 * Math.min(2, conflict(last.a * 4, 64)) : 0;
  const perStep = span * 4 * (packs ? 1 : conflict(last.b * 4, span * 4)) + lines;
  const rowTiles = (extentOf(rows.map((x) => x.extent)) / row.extent) * tile.tiles;
  const fitting = t.l1 / 2 / perStep;
  const goal = Math.max(Math.ceil(shortest / inner), Math.floor(fitting / inner));
  const first = k[0]!.extent;
  const kBlock =
    !k[0]!.guards &&
    (depth * perStep > t.l1 || depth > 2 * fitting) &&
    depth >= 4 * shortest &&
    rowTiles > 2
      ? Math.ceil(first / Math.ceil(first / goal))
      : first;
  const units = tile.row === 0 ? tile.tiles : rows[0]!.extent;
  const perUnit = (extentOf(rows.map((x) => x.extent)) / units) * ((depth * kBlock) / first) * 4;
  return { kBlock, rowBlock: Math.min(units, Math.max(1, Math.floor(t.l2 / 2 / perUnit))) };
}

/** How many times more of the first cache lines `stride` bytes apart take: only some sets are reached. */
const conflict = (stride: number, bytes: number) =>
  Math.max(1, gcd(Math.abs(stride), 4096) / Math.max(64, bytes));
const gcd = (p: number, q: number): number => (q === 0 ? p : gcd(q, p % q));
/** Bytes from which on it matters whose cache an operand is in. */
const worthOwning = 64 << 10;

/**
 * Threads that share rows each read all of B, and those that share panels all of A. What lives in panels, as
 * weights do, then stays in the cache of the thread that made it.
 */
export const sharesPanels = (bytesOfA: number, bytesOfB: number, ownsPanels: boolean): boolean =>
  bytesOfB >= worthOwning && (ownsPanels || bytesOfB > bytesOfA);

/** The loop that threads share. */
export type Shared = "outer" | "rows" | "panels" | "tiles";

/**
 * The first loop that divides evenly among the threads, else the best.
 * @param byPanels whether threads had better share panels than rows
 */
export function chooseParallel(
  { outer, outerInside }: Pick<Schedule, "outer" | "outerInside">,
  units: number,
  panels: number,
  tile: Tile,
  byPanels: boolean,
  { threads }: Target,
): Shared {
  const rows = ["rows", units] as const;
  const columns = ["panels", panels] as const;
  const around = outer.slice(0, 1).map((x) => ["outer", x.extent] as const);
  // What lies within blocks of rows leaves rows to be shared, as those who make and use them do.
  const choices = [
    ...(outerInside ? [] : around),
    ...(byPanels && !outerInside ? [columns, rows] : [rows, columns]),
    ...(outerInside ? around : []),
    // Where tiles lie along the first row loop they are what "rows" shares.
    ...(tile.row === 0 ? [] : [["tiles", tile.tiles] as const]),
  ];
  const balance = (n: number) => n / (threads * Math.ceil(n / threads));
  const even = choices.find(([, n]) => balance(n) >= 0.95);
  return (even ?? [...choices].sort((p, q) => balance(q[1]) - balance(p[1]))[0]!)[0];
}
