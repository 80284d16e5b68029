/**
 * Copies in which memory turns round: what is contiguous in the source is not in the target. They are done in
 * squares of vectors, read along one axis, transposed in registers, and written along the other.
 */

import { type Axis, index, type Load, load } from "../../../ir/expr.ts";
import type { CodePrinter } from "../../../support/code-printer.ts";
import { type LayoutOf, type PointerOf, unitDimension } from "../layout.ts";
import type { Nest } from "./nest.ts";
import { hasText, indexText, Places, placeText } from "./places.ts";

type Names = ReadonlyMap<Axis, string>;

/** A copy as squares along two axes: the source is contiguous along `from`, the target along `to`. */
export interface Turn {
  readonly from: Axis;
  readonly to: Axis;
  /** One square, whose first element the names say. */
  readonly body: (names: Names, pointerOf: PointerOf, code: CodePrinter) => void;
}

/** @returns undefined if the nest is no such copy, or its extents are not whole vectors */
export function turnOf(nest: Nest, layoutOf: LayoutOf, width: number): Turn | undefined {
  const [store, ...others] = nest.stores;
  if (others.length > 0 || store?.value.kind !== "load" || width === 1) return undefined;
  const target = load(
    store.buffer,
    nest.axes.map((a) => index(a)),
  );
  const source = store.value;
  if (target.buffer.dtype !== "f32" || source.buffer.dtype !== "f32") return undefined;
  const to = axisAlong(target, layoutOf);
  const from = axisAlong(source, layoutOf);
  if (!to || !from || to === from || from.extent % width !== 0 || to.extent % width !== 0)
    return undefined;
  const read = laneText(source, from, width, layoutOf);
  const write = laneText(target, to, width, layoutOf);
  if (!read || !write) return undefined;
  return {
    from,
    to,
    body(names, pointerOf, code) {
      const all = new Map(nest.axes.map((a) => [a, names.get(a) ?? "0"]));
      const moved = (axis: Axis, n: number) =>
        n === 0 ? all : new Map(all).set(axis, `(${all.get(axis)} + ${n})`);
      const lines = Array.from({ length: width }, (_, n) => n);
      const rows = lines.map((n) => `LD(${read(moved(to, n), pointerOf)})`);
      code.line(`vf r[${width}] = {${rows.join(", ")}};`);
      code.line("transpose(r);");
      for (const n of lines) code.line(`ST(${write(moved(from, n), pointerOf)}, r[${n}]);`);
    },
  };
}

/** The axis along which neighbours are adjacent in memory. */
function axisAlong({ buffer, at }: Load, layoutOf: LayoutOf): Axis | undefined {
  const d = unitDimension(layoutOf(buffer), buffer.shape);
  const e = d === undefined ? undefined : at[d];
  return e?.kind === "index" ? e.axis : undefined;
}

/** The pointer to the vector of an element and those after it along an axis. */
function laneText(
  place: Load,
  along: Axis,
  width: number,
  layoutOf: LayoutOf,
): ((names: Names, pointerOf: PointerOf) => string) | undefined {
  const places = new Places(along, width, layoutOf);
  const { buffer, at } = places.of(place);
  const found = places.all.get(buffer)!;
  if (places.failed || found.lane !== 1 || !at.every(hasText)) return undefined;
  return (names, pointerOf) => {
    const own = new Map(names).set(places.first, names.get(along)!);
    return placeText(
      found,
      at.map((e) => indexText(e, own)),
      pointerOf,
    );
  };
}
