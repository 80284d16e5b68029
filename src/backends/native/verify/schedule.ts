/**
 * What must hold of a schedule, whoever decided it. Its loops are compared with the product that they compute:
 * they walk every element of every axis once, with the strides that its indices have in memory; no address lies
 * outside a buffer; bounds skip what lies outside an operand and nothing else; sums wait where nothing is lost.
 * It costs microseconds a product. A violation is a fault of ours and begins with `internal:`.
 */

import { type Axis, type Expr, type Load, load } from "../../../ir/expr.ts";
import { IndexAlgebra } from "../../../ir/index-algebra.ts";
import { invariant } from "../../../support/errors.ts";
import { type Layout, type LayoutOf, laneOffset, unitDimensions } from "../layout.ts";
import type { Nest } from "../nests/nest.ts";
import { argumentNumber } from "../products/arguments.ts";
import { type Dot, dotRegisters } from "../products/dot.ts";
import { isBlocked, span } from "../products/print-tile.ts";
import { accumulator, findProduct, type Product } from "../products/product.ts";
import type { Schedule } from "../products/schedule.ts";
import { mostPacked, packedSize } from "../products/tiling.ts";
import type { Target } from "../target.ts";
import { verifyBounds } from "./bounds.ts";
import { verifyWalk } from "./walk.ts";

/** Throws an internal error, saying of which schedule what does not hold. */
export type Fits = (holds: boolean, what: string) => void;

/** What a schedule's operands and arguments stand for. */
export interface Places {
  readonly product: Product;
  readonly vector: Axis;
  readonly a: Load;
  readonly b: Load;
  readonly args: ReadonlyMap<number, Load>;
  /** Arguments that the epilogue reads. */
  readonly read: ReadonlySet<number>;
  /** Arguments that tiles write, partial sums included. */
  readonly stored: ReadonlySet<number>;
}

/** @param layoutOf also of copies and of what partial sums wait in */
export function verifySchedule(
  s: Schedule,
  nest: Nest,
  layoutOf: LayoutOf,
  target: Pick<Target, "registers">,
): void {
  const fits: Fits = (holds, what) => invariant(holds, () => `schedule of ${s.name}: ${what}`);
  const places = placesOf(s, nest, layoutOf, fits);
  verifyTile(s, places.vector, target, fits);
  verifySharing(s, fits);
  verifyLanes(s, places, layoutOf, fits);
  if (s.dot) verifyDot(s, s.dot, places, layoutOf, target, fits);
  verifySums(s, places, fits);
  verifyWalk(s, places, layoutOf, fits);
  verifyBounds(s, places, layoutOf, fits);
}

function placesOf(s: Schedule, nest: Nest, layoutOf: LayoutOf, fits: Fits): Places {
  const product = findProduct(nest);
  const { buffer } = nest.stores[0]!;
  const vector = unitDimensions(layoutOf(buffer), buffer.shape)
    .map((d) => nest.axes[d]!)
    .find(({ extent }) => extent === s.valid);
  invariant(product && vector, () => `schedule of ${s.name}: its nest is no product`);
  const { args, read } = argumentsOf(s, product, fits);
  const algebra = new IndexAlgebra();
  const usesVector = (x: Load) =>
    x.at.some((e) =>
      algebra.linear(e).terms.some((t) => t.atom.kind === "index" && t.atom.axis === vector),
    );
  const [a, b] = usesVector(product.b) ? [product.a, product.b] : [product.b, product.a];
  fits(usesVector(b) && !usesVector(a), "not just one operand has the vector axis");
  for (const [side, x] of [[s.a, a] as const, [s.b, b] as const])
    fits(
      side.buffer === x.buffer && (side.copy?.source ?? x.buffer) === x.buffer,
      `it reads ${side.buffer.name} instead of ${x.buffer.name}`,
    );
  const stored = new Set([...s.stores.map((x) => x.arg), ...(isBlocked(s) ? [s.partial.arg] : [])]);
  return { product, vector, a, b, args, read, stored };
}

/** The loads and stores that the arguments stand for, found by comparing epilogues. */
function argumentsOf(s: Schedule, { nest, epilogue }: Product, fits: Fits) {
  const args = new Map<number, Load>();
  const read = new Set<number>();
  const seen = new Set<Expr>();
  const pair = (mine: Expr, theirs: Expr): void => {
    if (seen.has(mine)) return;
    seen.add(mine);
    fits(mine.kind === theirs.kind, "its epilogue is another one");
    if (mine.kind === "load" && theirs.kind === "load" && mine.buffer !== accumulator) {
      const n = argumentNumber(mine.buffer);
      fits(s.args[n]?.buffer === theirs.buffer, `its epilogue reads argument ${n} for another`);
      args.set(n, theirs);
      read.add(n);
    }
    if (mine.kind === "call" && theirs.kind === "call") {
      fits(mine.fn === theirs.fn, "its epilogue is another one");
      for (const [i, x] of mine.args.entries()) pair(x, theirs.args[i]!);
    }
  };
  fits(s.stores.length === epilogue.length, "it stores more or less than its nest");
  const own = nest.axes.map((axis): Expr => ({ kind: "index", axis }));
  for (const [i, { arg, value }] of s.stores.entries()) {
    const { buffer } = epilogue[i]!;
    pair(value, epilogue[i]!.value);
    fits(s.args[arg]?.buffer === buffer, `it stores ${buffer.name} elsewhere`);
    args.set(arg, load(buffer, own));
  }
  const { scratch, arg } = s.partial;
  if (scratch) args.set(arg, load(scratch, own));
  for (const n of s.args.keys()) fits(args.has(n), `argument ${n} stands for nothing`);
  return { args, read };
}

/** The tile fits the registers, and its copies are exactly the rows and columns that there are. */
function verifyTile(s: Schedule, vector: Axis, t: Pick<Target, "registers">, fits: Fits): void {
  const { row, perUnit, size, tall, tiles, vectors } = s.tile;
  const along = s.rows[row];
  fits(along !== undefined && size >= 1 && vectors >= 1 && tiles >= 1, "it has no tile");
  fits(tall >= 0 && tall < tiles, `${tall} of ${tiles} tiles are tall`);
  const together = perUnit === 1 || (row === 0 && tall === 0 && tiles % perUnit === 0);
  fits(perUnit >= 1 && together, `threads cannot take ${perUnit} of ${tiles} tiles together`);
  fits(size * tiles + tall === along!.extent, `tiles are not ${along!.extent} rows`);
  const height = tall > 0 ? size + 1 : size;
  const used = height * vectors + Math.min(height, vectors) + 3;
  fits(height === 1 || used <= t.registers, `a tile of ${height}×${vectors} vectors spills`);
  const columns = s.panels.extent * span(s);
  fits(
    s.valid === vector.extent && s.valid <= columns && s.valid > columns - span(s),
    `${s.panels.extent} panels of ${span(s)} are not ${vector.extent} columns`,
  );
  const first = s.k[0]!;
  fits(s.rowBlock >= 1 && s.kBlock >= 1 && s.kBlock <= first.extent, "a block is empty");
  const packed = s.packs ? packedSize(s.k, s.kBlock, span(s)) : 0;
  fits(packed <= mostPacked, `it packs ${packed} floats at a time`);
  fits(!isBlocked(s) || !first.guards, "a sum is both clipped and cut into blocks");
  fits(!isBlocked(s) || !s.tail, "blocks of a sum need whole panels");
}

/** Threads share a loop whose iterations store at different places: never a sum. */
function verifySharing(s: Schedule, fits: Fits): void {
  const shared: Readonly<Record<string, boolean>> = {
    outer: s.outer.length > 0,
    rows: true,
    panels: true,
    // Where tiles lie along the first row loop, "rows" is what shares them.
    tiles: s.tile.row !== 0,
  };
  fits(shared[s.parallel] === true, `threads cannot share ${s.parallel}`);
  const outside = [...s.outer, ...s.rows.filter((_, i) => i !== s.tile.row)];
  for (const { guards } of s.k)
    for (const axis of (guards ?? []).flatMap((g) => [...g.terms.keys()]))
      fits(
        outside.some((x) => x.axis === axis),
        `bounds depend on ${axis.name}, which is no loop around the tile`,
      );
}

/** Vector v of panel p lies where the layout says that column p·span + v·width does. */
function verifyLanes(s: Schedule, { args, vector, b }: Places, layoutOf: LayoutOf, fits: Fits) {
  const check = (lanes: readonly number[], step: number, layout: Layout, what: string) => {
    fits(lanes.length === s.tile.vectors, `${what} has ${lanes.length} vectors`);
    for (const p of [0, Math.min(1, s.panels.extent - 1), s.panels.extent - 1])
      for (const [v, lane] of lanes.entries())
        fits(
          lane + p * step === laneOffset(layout, p * span(s) + v * s.width),
          `${what} has vector ${v} of panel ${p} at ${lane + p * step}`,
        );
    const width = layout.block?.width ?? s.width;
    fits(width % s.width === 0, `${what} has blocks that are no whole vectors`);
  };
  if (!s.dot) check(s.b.lanes, s.panels.b, layoutOf(s.b.copy?.target ?? b.buffer), s.b.buffer.name);
  for (const [n, arg] of s.args.entries()) {
    const uses = args.get(n)!.at.some((e) => e.kind === "index" && e.axis === vector);
    if (arg.lanes.length > 0)
      check(arg.lanes, s.panels.args[n]!, layoutOf(arg.buffer), arg.buffer.name);
    else fits(!uses && s.panels.args[n] === 0, `${arg.buffer.name} has no vectors`);
  }
  fits(s.panels.a === 0, `${s.a.buffer.name} moves with the columns`);
}

/** Vectors along the sum are whole, in blocks that B's layout has; all columns are in one vector of sums. */
function verifyDot(
  s: Schedule,
  { columns, step, block, rows }: Dot,
  { b }: Places,
  layoutOf: LayoutOf,
  t: Pick<Target, "registers">,
  fits: Fits,
): void {
  const own = layoutOf(s.b.copy?.target ?? b.buffer).block;
  const k = s.k.at(-1)!;
  fits(
    own
      ? own.width === block.width && own.stride === block.stride
      : block.width === block.stride && k.b === 1,
    `${b.buffer.name} has no blocks of ${block.width} along the sum`,
  );
  const panel = s.panels.extent === 1 ? 0 : s.width * step;
  fits(s.b.lanes.join() === "0" && s.panels.b === panel, `${b.buffer.name} has other vectors`);
  fits(columns === Math.min(s.valid, s.width), `${columns} columns are not ${s.valid}`);
  fits(s.tail || s.panels.extent === 1 || s.valid % s.width === 0, "its last columns are nowhere");
  fits(k.a === 1 && s.k.every((x) => !x.guards), "its sum is no walk along rows");
  const whole = block.width % s.width === 0 && k.extent % block.width === 0;
  fits(whole, `a sum of ${k.extent} is no whole blocks of ${block.width}`);
  fits(
    !isBlocked(s) && !s.packs && s.tile.vectors === 1,
    "sums in lanes are neither cut nor packed",
  );
  fits(rows >= 1 && dotRegisters(rows, columns) <= t.registers, `${rows} rows at a time spill`);
}

/** Partial sums wait where the finished ones go, or in memory of their own, and nobody else looks there. */
function verifySums(s: Schedule, { read, a, b }: Places, fits: Fits): void {
  const { arg, scratch } = s.partial;
  fits(s.args[arg] !== undefined && s.args[arg].lanes.length > 0, "sums have nowhere to wait");
  if (!isBlocked(s)) return;
  const { buffer } = s.args[arg]!;
  const isOwn = scratch ? buffer === scratch : s.stores.some((x) => x.arg === arg);
  fits(isOwn, `sums wait in ${buffer.name}, which is not written`);
  const readers = [...read].some((n) => s.args[n]!.buffer === buffer);
  fits(
    !readers && ![a.buffer, b.buffer].includes(buffer),
    `sums wait in ${buffer.name}, which is read`,
  );
}
