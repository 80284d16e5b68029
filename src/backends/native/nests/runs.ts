/**
 * Sums over a run: their terms are zero outside some neighbouring values of the axis, as a condition around them
 * says. Their loop walks the run only.
 */
import {
  type Axis,
  call,
  children,
  type Expr,
  index,
  int,
  type Reduce,
  reduce,
} from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { fromLinear, IndexAlgebra } from "../../../ir/index-algebra.ts";
import type { Run } from "../../printer.ts";

const zero: Expr = { kind: "const", value: 0, type: "float" };

/** Σ axis: from ≤ axis < to ? body : 0 */
export function sumOverRun(axis: Axis, from: Expr, to: Expr, body: Expr): Expr {
  const at = index(axis);
  const inside = call("and", call("le", from, at), call("lt", at, to));
  return reduce("sum", [axis], call("select", inside, body, zero));
}

export const isZero = (e: Expr): boolean => e.kind === "const" && e.value === 0;

const known = new WeakMap<Reduce, Run | "none">();

/** The run of a sum over one axis, inside the extent whatever its bounds are; undefined if it has none. */
export function runOf(e: Reduce): Run | undefined {
  const found = known.get(e) ?? findRun(e) ?? "none";
  known.set(e, found);
  return found === "none" ? undefined : found;
}

function findRun({ op, axes, body }: Reduce): Run | undefined {
  const [axis, ...others] = axes;
  if (op !== "sum" || others.length > 0 || body.kind !== "call" || body.fn !== "select")
    return undefined;
  const [inside, value, outside] = body.args;
  if (inside?.kind !== "call" || inside.fn !== "and" || !isZero(outside!)) return undefined;
  const [low, high] = inside.args;
  if (low?.kind !== "call" || low.fn !== "le" || high?.kind !== "call" || high.fn !== "lt")
    return undefined;
  const from = withoutAxis(low.args[1]!, low.args[0]!, axis!);
  const to = withoutAxis(high.args[0]!, high.args[1]!, axis!);
  if (!from || !to) return undefined;
  return {
    axis: axis!,
    from: call("max", from, int(0)),
    to: call("min", to, int(axis!.extent)),
    body: value!,
  };
}

/** What the axis is compared with where `e`, which is the axis plus something, is compared with `bound`. */
function withoutAxis(e: Expr, bound: Expr, axis: Axis): Expr | undefined {
  const { constant, terms } = new IndexAlgebra().linear(e);
  const isAxis = (x: Expr) => x.kind === "index" && x.axis === axis;
  const own = terms.find((t) => isAxis(t.atom));
  const others = terms.filter((t) => t !== own);
  if (own?.coefficient !== 1 || [bound, ...others.map((t) => t.atom)].some((x) => uses(x, axis)))
    return undefined;
  const rest = { constant, terms: others };
  return constant === 0 && others.length === 0 ? bound : call("sub", bound, fromLinear(rest));
}

const uses = (e: Expr, axis: Axis): boolean =>
  (e.kind === "index" && e.axis === axis) || children(e).some((c) => uses(c, axis));

/** Terms of a reduction that are computed, on average where they are a run: all runs together are its extent. */
export function termsOf(e: Reduce): number {
  const all = sizeOf(e.axes.map((a) => a.extent));
  const run = runOf(e);
  if (!run) return all;
  const around = new Set<Axis>();
  const note = (x: Expr): void => {
    if (x.kind === "index") around.add(x.axis);
    for (const c of children(x)) note(c);
  };
  note(run.from);
  return Math.max(1, all / sizeOf([...around].map((a) => a.extent)));
}
