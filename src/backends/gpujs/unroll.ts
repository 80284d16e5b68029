/**
 * Several terms of a sum in one turn of its loop, for targets that wait for each load: those of one turn are waited
 * for together. The terms of a turn are added to each other first.
 */
import {
  type Axis,
  call,
  type Expr,
  index,
  int,
  type Reduce,
  reduce,
  walk,
} from "../../ir/expr.ts";
import { divisorUpTo } from "../../ir/reductions.ts";
import { rewrite } from "../../ir/rewrite.ts";

/** Parts of a term from which on its own arithmetic hides the waiting, and the code would only grow. */
const mostParts = 40;

/** @param most terms of a turn */
export const unrollSums = (body: Expr, most: number): Expr =>
  most === 1 ? body : rewrite(body, (e) => (e.kind === "reduce" ? unrolled(e, most) : e));

function unrolled(sum: Reduce, most: number): Expr {
  const inner = sum.axes.findLast((a) => a.extent > 1);
  if (sum.op !== "sum" || !inner || partsOf(sum.body) > mostParts) return sum;
  const terms = divisorUpTo(inner.extent, most);
  if (terms === 1) return sum;
  const rest: Axis = { name: inner.name, extent: inner.extent / terms };
  const at = (k: number): Expr => {
    const start = rest.extent === 1 ? int(0) : call("mul", index(rest), int(terms));
    const whole = call("add", start, int(k));
    return rewrite(sum.body, (e) => (e.kind === "index" && e.axis === inner ? whole : e));
  };
  const turn = Array.from({ length: terms }, (_, k) => at(k)).reduce((a, b) => call("add", a, b));
  const axes = sum.axes.flatMap((a) => (a !== inner ? [a] : rest.extent === 1 ? [] : [rest]));
  return axes.length === 0 ? turn : reduce("sum", axes, turn);
}

function partsOf(body: Expr): number {
  let parts = 0;
  walk(body, () => {
    parts++;
  });
  return parts;
}
