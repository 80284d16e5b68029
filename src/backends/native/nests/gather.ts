/**
 * Rows that an index in memory chooses lie anywhere, and no processor foresees where. The row of some iterations on is
 * asked for while one is read, so that several are on their way from memory at a time.
 */
import { type Axis, type Expr, type Load, walk } from "../../../ir/expr.ts";
import type { CodePrinter } from "../../../support/code-printer.ts";
import { printBodies } from "../../printer.ts";
import { elementBytes, type PointerOf } from "../layout.ts";
import { placeText } from "./places.ts";
import { nestDialect, type VectorNest } from "./vector-nest.ts";

/** A load of whole vectors from a row, and the axis that chooses the row. */
interface Gather {
  readonly load: Load;
  readonly axis: Axis;
}

/** Rows on their way: about as many as hide the time that memory takes, at the time that a row of 1 KB does. */
const ahead = 8;
/** Bytes that memory is read by. */
const line = 64;

/** What the innermost loop gathers along an axis of an outer one. */
export function gathersOf({ stores, places, vector, first }: VectorNest): readonly Gather[] {
  const found = new Map<Load, Axis>();
  const note = (e: Expr) => {
    if (e.kind !== "load" || places.get(e.buffer)?.lane !== 1) return;
    const chosenBy = new Set(e.at.flatMap((i) => (i.kind === "load" ? axesOf(i) : [])));
    const [axis, ...others] = chosenBy;
    if (axis && others.length === 0 && axis !== vector && axis !== first) found.set(e, axis);
  };
  for (const { value } of stores) walk(value, note);
  return [...found].map(([load, axis]) => ({ load, axis }));
}

function axesOf(e: Expr): readonly Axis[] {
  const axes: Axis[] = [];
  walk(e, (x) => {
    if (x.kind === "index") axes.push(x.axis);
  });
  return axes;
}

/** Asks for the part of a later row that the innermost loop will walk. */
export function askForRows(
  gathers: readonly Gather[],
  nest: VectorNest,
  names: ReadonlyMap<Axis, string>,
  width: number,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  for (const { load, axis } of gathers) {
    const own = names.get(axis);
    const later = new Map(names).set(nest.first, "0");
    later.set(axis, `MIN(${own} + ${ahead}, ${axis.extent - 1})`);
    if (own === undefined || load.at.some((i) => axesOf(i).some((a) => !later.has(a)))) continue;
    const { statements, results } = printBodies(
      load.at,
      later,
      nestDialect(nest, width, pointerOf),
    );
    const row = placeText(nest.places.get(load.buffer)!, results, pointerOf);
    const bytes = nest.vector.extent * elementBytes[load.buffer.dtype];
    code.block(`for (int32_t l = 0; l < ${bytes}; l += ${line})`, () => {
      code.lines(statements);
      code.line(`__builtin_prefetch((const char *)${row} + l);`);
    });
  }
}
