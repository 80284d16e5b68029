/**
 * Decides how a product is computed. A schedule is a record of decisions: every extent, stride and bound that
 * the printer needs, and nothing else. Roles: the vector axis is that along which the output is contiguous; the
 * operand that has it is B (read as vectors), the other is A (one element for all lanes). Output axes of A are
 * rows (M), those of both or of B alone are outer, summed axes are K.
 */

import { type Axis, type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { IndexAlgebra } from "../../../ir/index-algebra.ts";
import { type Layout, type LayoutOf, laneOffset } from "../layout.ts";
import type { Target } from "../target.ts";
import { argumentNumber } from "./arguments.ts";
import { bounds, guardsOf } from "./clip.ts";
import { byModel, type Decide, upTo, validShares, validTiles } from "./decisions.ts";
import { type Dot, dotRows, walkWidth } from "./dot.ts";
import {
  assignRoles,
  type Copy,
  type Loop,
  type Loops,
  makeLoops,
  type Operand,
} from "./operands.ts";
import type { Product } from "./product.ts";
import {
  chooseBlocks,
  chooseParallel,
  chooseTile,
  extentOf,
  mostPacked,
  packedSize,
  type Shared,
  sharesPanels,
  type Tile,
  worthPacking,
} from "./tiling.ts";

/** Something the epilogue reads or writes; `lanes` are offsets of its vectors, none if it is the same for all. */
export interface Argument {
  readonly buffer: TensorBuffer;
  readonly base: number;
  readonly lanes: readonly number[];
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
  /** Whether the outer loops lie within the blocks of rows: then all of them read a block of A while it is at hand. */
  readonly outerInside: boolean;
  readonly rows: readonly Loop[];
  readonly panels: Loop;
  readonly k: readonly Loop[];
  readonly tile: Tile;
  /** What a thread takes together of the first loop of rows where tiles lie along another, or of the outer loop it shares. */
  readonly together: number;
  readonly rowBlock: number;
  readonly kBlock: number;
  /** Whether the columns of B that a panel takes in a block of k are put side by side first. */
  readonly packs: boolean;
  /** Columns that exist; with `tail`, the last panel is wider and memory is not. */
  readonly valid: number;
  readonly tail: boolean;
  readonly args: readonly Argument[];
  readonly stores: readonly { readonly arg: number; readonly value: Expr }[];
  /** Where sums wait between blocks of k; a buffer of the product's own if no output can hold them. */
  readonly partial: { readonly arg: number; readonly scratch?: TensorBuffer };
  /** Vectors lie along the sum, as the one panel has few columns. */
  readonly dot?: Dot;
  /** Which loop threads share. */
  readonly parallel: Shared;
  readonly flops: number;
}

/**
 * @param decide has the last word on what is free to decide: for tests and tuning
 * @returns undefined if the product does not fit the scheme (then it is printed as plain loops)
 */
export function chooseSchedule(
  product: Product,
  layoutOf: LayoutOf,
  target: Target,
  decide: Decide = byModel,
): Schedule | undefined {
  const operands = assignRoles(product, layoutOf, target, decide);
  if (!operands) return undefined;
  const { a, b, vector, quantum, guards, along } = operands;
  const made = makeLoops(product, operands, layoutOf);
  if (!made) return undefined;
  const vectors = Math.ceil(vector.extent / (quantum * target.width)) * quantum;
  const depth = extentOf(made.k.map((x) => x.extent));
  const canTile = ({ axis }: Loop) => !axis || !bounds(guards, axis);
  // Sums in lanes fill one vector.
  const most = along ? 1 : vectors;
  const tile = decide("tile", chooseTile(made.rows, canTile, most, quantum, depth, target), () =>
    validTiles(made.rows, canTile, most, quantum, target),
  );
  const span = tile.vectors * target.width;
  const columns = vectors * target.width;
  // Blocks have room for whole panels, rows that lie one after another have not.
  const room = ({ block }: Layout) => roundUp(vector.extent, block?.width ?? 1);
  const tail = made.args.some(({ at, layout }) => at.strides.has(vector) && room(layout) < columns);
  const mayPack =
    !along && !b.copy && !guardsOf(b.load, product.summed, vector, new IndexAlgebra())?.size;
  const blocksIf = (packs: boolean) => chooseBlocks(made, tile, span, depth, packs, target);
  const fits = (kBlock: number) => packedSize(made.k, kBlock, span) <= mostPacked;
  const pays = mayPack && worthPacking(made, tile, span) && fits(blocksIf(true).kBlock);
  const packs = decide("pack", pays, () => (mayPack ? [true, false] : [false]));
  const blocks = blocksIf(packs);
  const whole = made.k[0]!.extent;
  const kBlock = decide("kBlock", tail || along ? whole : blocks.kBlock, () =>
    tail || along || made.k[0]!.guards ? [whole] : upTo(whole),
  );
  const { loops, partial } = placeSums(made, kBlock, product);
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
    b: along ? dotPanel(b, vector, vectors, target) : laneOffset(b.layout, span),
    args: loops.args.map(({ at, layout }) =>
      at.strides.has(vector) ? laneOffset(layout, span) : 0,
    ),
  };
  const units = tile.row === 0 ? tile.tiles / tile.perUnit : loops.rows[0]!.extent;
  const outerInside = decide("outerInside", sharesRows(loops, b.load.buffer, target), () => [
    true,
    false,
  ]);
  // Iterations with bounds take more or less time.
  const shareable = loops.outer.slice(0, 1).filter(canTile);
  // Threads that share rows wait for nobody from one step of a loop to the next.
  const byPanels =
    !product.nest.loop &&
    sharesPanels(
      4 * sizeOf(a.load.buffer.shape),
      4 * depth * vectors * target.width,
      loops.args[loops.stores[0]!.arg]!.layout.block !== undefined,
    );
  return {
    name: product.nest.name,
    width: target.width,
    a: { buffer: a.load.buffer, base: a.at.base, ...(a.copy ? { copy: a.copy } : {}) },
    b: {
      buffer: b.load.buffer,
      base: b.at.base,
      ...(b.copy ? { copy: b.copy } : {}),
      lanes: along ? [0] : lane(b.layout),
    },
    ...(along && { dot: dotOf(b, vector, along, target) }),
    outer: loops.outer,
    outerInside,
    rows: loops.rows,
    panels,
    k: loops.k,
    tile,
    together: 1,
    rowBlock: decide("rowBlock", blocks.rowBlock, () =>
      upTo(units * (tile.row === 0 ? tile.perUnit : 1)),
    ),
    kBlock,
    packs: packs && fits(kBlock),
    valid: vector.extent,
    tail,
    args,
    stores: loops.stores,
    partial,
    parallel: decide(
      "parallel",
      chooseParallel(
        { outer: shareable, outerInside },
        units,
        panels.extent,
        tile,
        byPanels,
        target,
      ),
      () => validShares(loops.outer.length > 0, tile),
    ),
    flops: 2 * depth * extentOf(product.nest.axes.map((x) => x.extent)),
  };
}

/** Whether outer loops read A's rows between each other, or the same, and all of B stays in the second cache beside them. */
const sharesRows = ({ outer, rows }: Loops, b: TensorBuffer, { l2 }: Target): boolean =>
  outer.length > 0 &&
  outer.every((x) => Math.abs(x.a) < Math.abs(rows[0]!.a)) &&
  4 * sizeOf(b.shape) <= l2 / 4;

/** From one vector of sums to the next. */
const dotPanel = ({ at }: Operand, vector: Axis, panels: number, { width }: Target): number =>
  panels === 1 ? 0 : width * (at.strides.get(vector) ?? 0);

function dotOf({ layout, at }: Operand, vector: Axis, along: Axis, target: Target): Dot {
  const columns = Math.min(vector.extent, target.width);
  const width = walkWidth(along, target);
  return {
    columns,
    step: at.strides.get(vector) ?? 0,
    block: layout.block ?? { width, stride: width },
    rows: dotRows(columns, target),
  };
}

const roundUp = (n: number, unit: number) => Math.ceil(n / unit) * unit;

/** Sums wait in the first output, or in memory like it if its old value is still needed. */
function placeSums(
  loops: Loops,
  kBlock: number,
  { nest, a, b }: Product,
): { readonly loops: Loops; readonly partial: Schedule["partial"] } {
  const { arg } = loops.stores[0]!;
  const isBlocked = kBlock < loops.k[0]!.extent;
  const { buffer } = loops.args[arg]!;
  const isRead = readsItself(loops.stores) || a.buffer === buffer || b.buffer === buffer;
  if (!isBlocked || !isRead) return { loops, partial: { arg } };
  const scratch: TensorBuffer = { ...buffer, name: `${nest.name}.sums` };
  const extended = (x: Loop): Loop => ({ ...x, args: [...x.args, x.args[arg]!] });
  return {
    loops: {
      ...loops,
      outer: loops.outer.map(extended),
      rows: loops.rows.map(extended),
      args: [...loops.args, { ...loops.args[arg]!, buffer: scratch }],
    },
    partial: { arg: loops.args.length, scratch },
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
