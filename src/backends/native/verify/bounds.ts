/**
 * Interval reasoning over a schedule's addresses: base + Σ stride·index for every index that its loops reach.
 * Where a loop has bounds, its index is replaced by what they keep in range, so that the sum is exact.
 */

import type { Axis, Load } from "../../../ir/expr.ts";
import { IndexAlgebra, rangeOf } from "../../../ir/index-algebra.ts";
import { type Layout, type LayoutOf, readAhead } from "../layout.ts";
import type { Guard } from "../products/clip.ts";
import type { Dot } from "../products/dot.ts";
import type { Loop } from "../products/operands.ts";
import { span } from "../products/print-tile.ts";
import type { Schedule } from "../products/schedule.ts";
import type { Fits, Places } from "./schedule.ts";

type Range = readonly [lo: number, hi: number];
const plus = ([a, b]: Range, [c, d]: Range): Range => [a + c, b + d];
const times = ([a, b]: Range, k: number): Range => (k < 0 ? [b * k, a * k] : [a * k, b * k]);
const upTo = (extent: number): Range => [0, extent - 1];

export function verifyBounds(s: Schedule, places: Places, layoutOf: LayoutOf, fits: Fits): void {
  const inside = ([lo, hi]: Range, size: number, what: string) =>
    fits(lo >= 0 && hi < size, `${what} at ${lo}…${hi} of ${size}`);
  const around = [...s.outer, ...s.rows];
  const reach = (base: number, stride: (x: Loop) => number, k: readonly Loop[]) =>
    reachOf(base, stride, around, k, fits);
  const { a, b } = places;
  const sizes = {
    a: layoutOf(s.a.copy?.target ?? a.buffer),
    b: layoutOf(s.b.copy?.target ?? b.buffer),
  };
  inside(
    reach(s.a.base, (x) => x.a, s.k),
    sizes.a.size,
    `it reads ${a.buffer.name}`,
  );
  const columns = s.dot
    ? plus(
        reach(s.b.base, (x) => x.b, s.k.slice(0, -1)),
        dotReach(s.dot, s.valid, s.k.at(-1)!.extent),
      )
    : plus(
        reach(s.b.base, (x) => x.b, s.k),
        lanesOf(s, s.b.lanes, s.panels.b, false),
      );
  inside(columns, sizes.b.size + readAhead, `it reads ${b.buffer.name}`);
  for (const [n, arg] of s.args.entries()) {
    const moves = reach(arg.base, (x) => x.args[n] ?? 0, []);
    const isVector = arg.lanes.length > 0;
    const all = isVector ? plus(moves, lanesOf(s, arg.lanes, s.panels.args[n]!, s.tail)) : moves;
    const isStored = places.stored.has(n);
    const size = layoutOf(arg.buffer).size + (isStored || !isVector ? 0 : readAhead);
    inside(all, size, `it ${isStored ? "writes" : "reads"} ${arg.buffer.name}`);
  }
  verifyGuards(s, places, sizes, fits);
}

/** Where columns in blocks along a sum lie. */
const dotReach = ({ step, block }: Dot, columns: number, depth: number): Range =>
  plus(
    plus(times(upTo(depth / block.width), block.stride), times(upTo(columns), step)),
    upTo(block.width),
  );

/** Where the lanes of all panels lie; `clipped`: only those of columns that exist. */
function lanesOf(s: Schedule, lanes: readonly number[], step: number, clipped: boolean): Range {
  const ends: number[] = [];
  for (const p of [0, Math.max(0, s.panels.extent - 2), s.panels.extent - 1])
    for (const [v, lane] of lanes.entries()) {
      const left = s.valid - p * span(s) - v * s.width;
      const count = clipped ? Math.min(s.width, left) : s.width;
      if (count > 0) ends.push(lane + p * step, lane + p * step + count - 1);
    }
  return [Math.min(...ends), Math.max(...ends)];
}

/** The addresses that loops reach. Each choice of bounds gives limits that hold, so the narrowest do. */
function reachOf(
  base: number,
  stride: (x: Loop) => number,
  around: readonly Loop[],
  sums: readonly Loop[],
  fits: Fits,
): Range {
  let lo = Number.NEGATIVE_INFINITY;
  let hi = Number.POSITIVE_INFINITY;
  for (const choice of choices(sums)) {
    let range: Range = [base, base];
    const coefficients = new Map<Axis, number>();
    for (const [i, x] of sums.entries()) {
      const guard = choice[i];
      if (!guard) {
        range = plus(range, times(upTo(x.extent), stride(x)));
        continue;
      }
      fits(guard.count * guard.scale === x.extent, `bounds of ${x.name} are for another loop`);
      range = plus(range, times(upTo(guard.scale), stride(x)));
      // index = (kept − base − Σ terms) / coefficient, where 0 ≤ kept < size.
      const per = (stride(x) * guard.scale) / guard.coefficient;
      range = plus(range, times(keptBy(guard, around), per));
      range = plus(range, [-per * guard.base, -per * guard.base]);
      for (const [axis, c] of guard.terms)
        coefficients.set(axis, (coefficients.get(axis) ?? 0) - per * c);
    }
    for (const x of around) {
      const extra = x.axis ? (coefficients.get(x.axis) ?? 0) : 0;
      range = plus(range, times(upTo(x.extent), stride(x) + extra));
    }
    [lo, hi] = [Math.max(lo, range[0]), Math.min(hi, range[1])];
  }
  // Another operand's bounds may leave fractions; addresses have none.
  return [Math.ceil(lo - 1e-6), Math.floor(hi + 1e-6)];
}

/** For every loop one of its bounds, or none. */
function choices(loops: readonly Loop[]): readonly (readonly (Guard | undefined)[])[] {
  const [first, ...others] = loops;
  if (!first) return [[]];
  const own = [undefined, ...(first.guards ?? [])];
  return choices(others).flatMap((rest) => own.map((g) => [g, ...rest]));
}

/** The values of an index that its bounds let through. */
function keptBy({ base, terms, coefficient, count, size }: Guard, around: readonly Loop[]): Range {
  let [lo, hi] = plus([base, base], times(upTo(count), coefficient));
  for (const [axis, c] of terms) {
    const extent = around.find((x) => x.axis === axis)?.extent ?? axis.extent;
    [lo, hi] = plus([lo, hi], times(upTo(extent), c));
  }
  return [Math.max(0, lo), Math.min(size - 1, hi)];
}

/** What may lie outside an operand is skipped, or read as zero from a copy with room; nothing else is skipped. */
function verifyGuards(
  s: Schedule,
  { a, b, product }: Places,
  layouts: { readonly a: Layout; readonly b: Layout },
  fits: Fits,
): void {
  const unused = new Set(s.k.flatMap((x) => x.guards ?? []));
  for (const [x, layout, copied, packed] of [
    [a, layouts.a, s.a.copy !== undefined, false],
    [b, layouts.b, s.b.copy !== undefined, s.packs],
  ] as const) {
    const open = x.at.flatMap((e, d) => {
      const [lo, hi] = rangeOf(e);
      return lo >= 0 && hi < x.buffer.shape[d]! ? [] : [d];
    });
    fits(!packed || open.length === 0, `it packs what lies outside ${x.buffer.name}`);
    const bare = open.filter((d) => {
      const found = [...unused].find((g) => isBoundOf(g, x, d, product.summed));
      if (found) unused.delete(found);
      return !found;
    });
    fits(
      bare.length === 0 || (copied && hasRoom(x, layout)),
      `nothing keeps it from reading outside ${x.buffer.name}`,
    );
  }
  fits(unused.size === 0, "bounds skip what lies inside");
}

function isBoundOf(g: Guard, x: Load, d: number, summed: readonly Axis[]): boolean {
  const { constant, terms } = new IndexAlgebra().linear(x.at[d]!);
  const own = terms.filter((t) => t.atom.kind === "index" && summed.includes(t.atom.axis));
  const rest = terms.filter((t) => !own.includes(t));
  const [k] = own;
  return (
    own.length === 1 &&
    k!.atom.kind === "index" &&
    k!.atom.axis.extent === g.count &&
    k!.coefficient === g.coefficient &&
    constant === g.base &&
    x.buffer.shape[d] === g.size &&
    rest.length === g.terms.size &&
    rest.every((t) => t.atom.kind === "index" && g.terms.get(t.atom.axis) === t.coefficient)
  );
}

/** Whether different indices in reach, inside and outside, have different addresses. */
function hasRoom(x: Load, layout: Layout): boolean {
  if (layout.block) return false;
  const dims = x.at
    .map((e, d) => {
      const [lo, hi] = rangeOf(e);
      const size = x.buffer.shape[d]!;
      return { stride: layout.strides[d]!, extent: Math.max(hi, size - 1) - Math.min(lo, 0) + 1 };
    })
    .filter((d) => d.extent > 1)
    .sort((p, q) => p.stride - q.stride);
  return dims.every(
    ({ stride }, i) => i === 0 || stride >= dims[i - 1]!.stride * dims[i - 1]!.extent,
  );
}
