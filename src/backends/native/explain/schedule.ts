/** A schedule in a few short lines, in the words of ARCHITECTURE.md. */

import type { Axis } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import type { LayoutOf } from "../layout.ts";
import type { Nest } from "../nests/nest.ts";
import type { Sharing } from "../order.ts";
import type { Copy, Loop } from "../products/operands.ts";
import { isBlocked, span } from "../products/print-tile.ts";
import { findProduct } from "../products/product.ts";
import type { Schedule } from "../products/schedule.ts";

const count = (n: number) => Math.round(n).toLocaleString("en-US");
/** What equations call axes: those of sums have a number where their name is taken. */
type Names = ReadonlyMap<Axis, string>;
function namesOf(nest: Nest): Names {
  const names = new Map<Axis, string>();
  for (const axis of [...nest.axes, ...(findProduct(nest)?.summed ?? [])]) {
    const taken = new Set(names.values());
    let name = axis.name;
    for (let n = 2; taken.has(name); n++) name = `${axis.name}${n}`;
    names.set(axis, name);
  }
  return names;
}
const nameOf = ({ axis, name }: Loop, names: Names) => (axis && names.get(axis)) ?? name;
const listed = (loops: readonly Loop[], names: Names) =>
  loops.map((x) => `${nameOf(x, names)}<${x.extent}${x.guards ? " clipped" : ""}`).join(", ");

export function explainSchedule(s: Schedule, nest: Nest, layoutOf: LayoutOf): readonly string[] {
  const { size, tall, vectors, row } = s.tile;
  const names = namesOf(nest);
  const height = tall > 0 ? `${size} or ${size + 1}` : String(size);
  const inside = s.outerInside ? ", of each block of rows" : "";
  const outer = s.outer.length > 0 ? [`outer    ${listed(s.outer, names)}${inside}`] : [];
  const others = s.rows.filter((x, i) => i !== row && x.extent > 1);
  return [
    `tile     ${height} rows × ${s.dot?.columns ?? vectors * s.width} columns of sums in registers, ${count(s.flops / 2)} multiply-adds`,
    ...outer,
    `rows     ${[...(others.length > 0 ? [listed(others, names)] : []), tilesOf(s)].join(", ")}${rowBlocks(s)}`,
    `columns  ${columnsOf(s, nest)}`,
    `sum      ${sumOf(s, names)}`,
    `reads    ${s.a.buffer.name} ${s.dot ? "by vectors along the sum" : "an element at a time"}, ${rowLayout(s)}`,
    `         ${s.b.buffer.name} by vectors, ${columnLayout(s, layoutOf)}`,
    `threads  share ${sharedBy(s, names)}`,
  ];
}

/** `i<37 = 2 tiles of 6 and 5 of 5` */
function tilesOf({ rows, tile: { row, size, tall, tiles } }: Schedule): string {
  const { name, extent } = rows[row]!;
  if (extent === 1) return "one";
  const low = tiles - tall;
  const kinds =
    tall > 0 ? `${tall} tiles of ${size + 1} and ${low} of ${size}` : `${tiles} tiles of ${size}`;
  return `${name}<${extent} = ${tiles === 1 ? "one tile" : kinds}`;
}

function rowBlocks({ rowBlock, rows, tile }: Schedule): string {
  const units = tile.row === 0 ? tile.tiles : rows[0]!.extent;
  if (rowBlock >= units) return "";
  const what = tile.row === 0 ? "tiles" : rows[0]!.name;
  return `; ${rowBlock} of ${what} at a time stay in the second cache`;
}

function columnsOf(s: Schedule, { axes }: Nest): string {
  const vector = axes.findLast((x) => x.extent === s.valid)?.name ?? "column";
  const { extent } = s.panels;
  const left = s.valid - (extent - 1) * span(s);
  const panels = extent === 1 ? `one panel of ${span(s)}` : `${extent} panels of ${span(s)}`;
  const rest = left < span(s) ? `, ${extent === 1 ? "of which" : "the last with"} ${left}` : "";
  if (s.dot && extent === 1)
    return `${vector}<${s.valid} in one vector of sums, each added up from ${s.width} lanes`;
  const sums = s.dot ? `, each added up from ${s.width} lanes` : ` (vectors of ${s.width})`;
  const lanes = s.width === 1 ? "" : sums;
  return `${vector}<${s.valid} = ${panels}${rest}${lanes}`;
}

function sumOf(s: Schedule, names: Names): string {
  const loops = listed(s.k, names);
  const clipped = s.k.some((x) => x.guards) ? "; what lies outside is skipped" : "";
  if (!isBlocked(s)) return `${loops}${clipped}`;
  const where = s.partial.scratch ? "memory of their own" : "the result";
  return `${loops}, ${s.kBlock} of ${nameOf(s.k[0]!, names)} at a time stay in the first cache; sums wait in ${where}${clipped}`;
}

function rowLayout({ a }: Schedule): string {
  return a.copy ? copyOf(a.copy) : "as it lies";
}

function copyOf({ source, layout }: Copy): string {
  if (layout.block) return `from a copy in panels of ${layout.block.width}`;
  const isLarger = layout.size > sizeOf(source.shape);
  return isLarger ? "from a copy with zeros around it" : "from a copy in rows";
}

function columnLayout({ b, packs }: Schedule, layoutOf: LayoutOf): string {
  if (b.copy) return copyOf(b.copy);
  if (packs) return "those of a panel put side by side first";
  const { block } = layoutOf(b.buffer);
  return block ? `in panels of ${block.width}` : "as it lies";
}

function sharedBy(s: Schedule, names: Names): string {
  const { tile, rows, panels, outer } = s;
  switch (s.parallel) {
    case "outer":
      return listed(outer.slice(0, 1), names);
    case "rows":
      if (tile.row === 0 && tile.perUnit > 1)
        return `the ${tile.tiles} tiles of rows, ${tile.perUnit} at a time`;
      return tile.row === 0 ? `the ${tile.tiles} tiles of rows` : listed(rows.slice(0, 1), names);
    case "panels":
      return `the ${panels.extent} panels of columns`;
    case "tiles":
      return `the ${tile.tiles} tiles of rows`;
    default:
      return s.parallel satisfies never;
  }
}

export function explainSharing(sharing: Sharing): string {
  switch (sharing.by) {
    case "one":
      return "too little to share: one thread";
    case "rows":
      return sharing.span > 1
        ? `threads share sums of rows as in products: ${sharing.grain.count} × ${sharing.grain.size}`
        : `threads share rows as in products: ${sharing.grain.count} × ${sharing.grain.size}${sharing.grain.tall > 0 ? `, ${sharing.grain.tall} of one more` : ""}`;
    case "other":
      return `threads share ${sharing.units.count} parts of the first loop`;
    default:
      return sharing satisfies never;
  }
}
