/** What holds for kernels whatever they compute: lists of them with loops, and rows of arrays. */
import { invariant } from "../support/errors.ts";
import { type Compute, children, type Expr, type Load, type Loop, walk } from "./expr.ts";
import { IndexAlgebra } from "./index-algebra.ts";

export const isKernel = (part: Compute | Loop): part is Compute => "body" in part;

/** All kernels in the order in which they run first. */
export const allKernels = (parts: readonly (Compute | Loop)[]): readonly Compute[] =>
  parts.flatMap((part) => (isKernel(part) ? [part] : part.kernels));

/** What a loop reads or writes of an array at step t is row t + offset; undefined for what has no rows by steps. */
export function rowOffset({ at }: Pick<Load, "at">, loop: Loop): number | undefined {
  const [row] = at;
  return row && stepOffset(row, loop);
}

/** The constant c if an expression is t + c. */
export function stepOffset(row: Expr, { axis }: Loop): number | undefined {
  const { constant, terms } = new IndexAlgebra().linear(row);
  // An axis of one step is always zero, and no longer there.
  if (terms.length === 0 && axis.extent === 1) return constant;
  const [term] = terms;
  const isStep = term?.atom.kind === "index" && term.atom.axis === axis && term.coefficient === 1;
  return terms.length === 1 && isStep ? constant : undefined;
}

/** Visits every load of a body once, with its row's offset; the loop's axis may stand nowhere else. */
export function walkRows(
  body: Expr,
  loop: Loop,
  visit: (e: Load, offset: number | undefined) => void,
): void {
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    const own = e.kind === "index" && e.axis === loop.axis;
    invariant(!own, `${loop.name}: its axis stands where no row is`);
    if (e.kind !== "load") {
      children(e).forEach(go);
      return;
    }
    const offset = rowOffset(e, loop);
    (offset === undefined ? e.at : e.at.slice(1)).forEach(go);
    visit(e, offset);
  };
  go(body);
}

export function usesAxis(e: Expr, { axis }: Loop): boolean {
  let found = false;
  walk(e, (x) => {
    if (x.kind === "index" && x.axis === axis) found = true;
  });
  return found;
}
