/**
 * Whether a schedule's loops walk what its product says: every axis belongs to exactly one loop, which moves
 * each operand and argument as the axis does in memory. So every output element is computed once, from every
 * term of its sum.
 */

import type { Axis, Load } from "../../../ir/expr.ts";
import { IndexAlgebra } from "../../../ir/index-algebra.ts";
import type { LayoutOf } from "../layout.ts";
import type { Loop } from "../products/operands.ts";
import { type Strided, stridesIn } from "../products/product.ts";
import type { Schedule } from "../products/schedule.ts";
import type { Fits, Places } from "./schedule.ts";

/** How far each operand and argument moves with one iteration: a, b, then the arguments. */
interface Walk {
  readonly extent: number;
  readonly moves: readonly number[];
}

export function verifyWalk(s: Schedule, places: Places, layoutOf: LayoutOf, fits: Fits): void {
  const { product, vector, a, b, args } = places;
  const algebra = new IndexAlgebra();
  const strided = (x: Load, base: number, buffer = x.buffer, along = vector): Strided => {
    const at = stridesIn(x.at, x.buffer.shape, layoutOf(buffer), along, algebra);
    fits(at !== undefined, `${x.buffer.name} has no strides`);
    fits(at!.base === base, `${x.buffer.name} begins at ${base} instead of ${at!.base}`);
    return at!;
  };
  const sides = [
    strided(a, s.a.base, s.a.copy?.target),
    strided(b, s.b.base, s.b.copy?.target, s.dot && s.k.at(-1)!.axis),
    ...s.args.map((arg, n) => strided(args.get(n)!, arg.base)),
  ];
  const ofAxis = (axis: Axis): Walk => ({
    extent: axis.extent,
    moves: sides.map((x) => x.strides.get(axis) ?? 0),
  });
  const ofLoop = (x: Loop): Walk => {
    const own = s.args.map((_, n) => x.args[n] ?? 0);
    return { extent: x.extent, moves: [x.a, x.b, ...own] };
  };
  const outer = product.nest.axes.filter((x) => x !== vector);
  fits(
    sameWalk([...s.outer, ...s.rows].map(ofLoop), outer.map(ofAxis)),
    "its loops do not walk every output once",
  );
  fits(
    sameWalk(s.k.map(ofLoop), product.summed.map(ofAxis)),
    "its loops do not walk every term of the sum once",
  );
  for (const x of [...s.outer, ...s.rows])
    if (x.axis) fits(sameWalk([ofLoop(x)], [ofAxis(x.axis)]), `loop ${x.name} is not its axis`);
  const [rows, columns, ...others] = ofAxis(vector).moves;
  fits(
    rows === 0 && columns === (s.dot?.step ?? 1),
    "neighbouring columns do not lie side by side",
  );
  for (const [n, { buffer, lanes }] of s.args.entries())
    fits(others[n] === (lanes.length > 0 ? 1 : 0), `${buffer.name} is read as if it were in rows`);
}

/** Whether loops are the axes, some of them several in one. */
function sameWalk(loops: readonly Walk[], axes: readonly Walk[]): boolean {
  const left = axes.filter((x) => x.extent > 1);
  const [loop, ...others] = loops.filter((x) => x.extent !== 1);
  if (!loop) return left.length === 0;
  return left.some((axis, i) => {
    if (loop.extent % axis.extent !== 0 || !axis.moves.every((m, n) => m === loop.moves[n]))
      return false;
    const rest = {
      extent: loop.extent / axis.extent,
      moves: loop.moves.map((m) => m * axis.extent),
    };
    return sameWalk([rest, ...others], [...left.slice(0, i), ...left.slice(i + 1)]);
  });
}
