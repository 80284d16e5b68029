/**
 * What must hold of keys that are inverted: the sort has room for what it writes, and its results are read only as
 * what they are, a row's own run of positions.
 */
import { type Axis, children, type Expr, int, type Load, typeOf } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { IndexAlgebra, rangeOf } from "../../../ir/index-algebra.ts";
import { Numbering } from "../../../ir/numbering.ts";
import { invariant } from "../../../support/errors.ts";
import type { Inversion } from "../nests/inversion.ts";
import type { Nest } from "../nests/nest.ts";

export function verifyInversion({ name, positions, key, rows, starts, order }: Inversion): void {
  const holds = (fits: boolean, what: string) => invariant(fits, () => `${name}: ${what}`);
  holds(
    starts.dtype === "i32" && starts.shape.join() === String(rows + 1),
    `${rows} rows begin in ${starts.dtype}[${starts.shape}]`,
  );
  const count = sizeOf(positions.map((a) => a.extent));
  holds(
    order.dtype === "i32" && order.shape.join() === String(count),
    `${count} positions go to ${order.dtype}[${order.shape}]`,
  );
  holds(typeOf(key) === "int", "its key is no whole number");
  for (const axis of freeAxes(key))
    holds(positions.includes(axis), `its key depends on ${axis.name}, which is no position`);
}

function freeAxes(e: Expr): ReadonlySet<Axis> {
  const free = new Set(
    e.kind === "index" ? [e.axis] : children(e).flatMap((c) => [...freeAxes(c)]),
  );
  if (e.kind === "reduce") for (const axis of e.axes) free.delete(axis);
  return free;
}

/**
 * Wherever a nest reads positions, it is at an element x with starts[row] ≤ x < starts[row + 1].
 * @param inversions those made before the nest
 */
export function verifyRuns(nest: Nest, inversions: readonly Inversion[]): void {
  const byOrder = new Map(inversions.map((x) => [x.order, x]));
  const numbering = new Numbering();
  const isGuarded = (e: Load, guards: readonly Expr[]): boolean => {
    const found = byOrder.get(e.buffer);
    return !found || guards.some((g) => isOwnRun(g, e.at[0]!, found, numbering));
  };
  const visit = (e: Expr, guards: readonly Expr[]): void => {
    if (e.kind === "load")
      invariant(
        isGuarded(e, guards),
        () => `${nest.name} reads ${e.buffer.name} outside of a row's run`,
      );
    if (e.kind !== "call" || e.fn !== "select") {
      for (const c of children(e)) visit(c, guards);
      return;
    }
    const [test, yes, no] = e.args;
    visit(test!, guards);
    visit(yes!, [...guards, test!]);
    visit(no!, guards);
  };
  for (const { value } of nest.stores) visit(value, []);
}

/** Whether a test says starts[row] ≤ x and x < starts[row + 1], for a row that there is. */
function isOwnRun(test: Expr, x: Expr, { starts, rows, order }: Inversion, numbering: Numbering) {
  const algebra = new IndexAlgebra(numbering);
  const same = (a: Expr, b: Expr) =>
    numbering.of(algebra.simplify(a)) === numbering.of(algebra.simplify(b));
  if (test.kind !== "call" || test.fn !== "and") return false;
  const [low, high] = test.args;
  if (low?.kind !== "call" || low.fn !== "le" || high?.kind !== "call" || high.fn !== "lt")
    return false;
  const [from, to] = [low.args[0]!, high.args[1]!];
  if (from.kind !== "load" || to.kind !== "load") return false;
  const [row, next] = [from.at[0]!, to.at[0]!];
  const [first, last] = rangeOf(row);
  const [least, most] = rangeOf(x);
  return (
    from.buffer === starts &&
    to.buffer === starts &&
    same({ kind: "call", fn: "add", args: [row, int(1)] }, next) &&
    same(low.args[1]!, x) &&
    same(high.args[0]!, x) &&
    first >= 0 &&
    last < rows &&
    least >= 0 &&
    most < order.shape[0]!
  );
}
