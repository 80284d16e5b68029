/** Reductions in kernels' bodies, and how their lengths divide. */
import { type Expr, type Reduce, walk } from "./expr.ts";

/** The one reduction in these bodies; undefined where there is none, or there are several. */
export function onlyReduction(bodies: readonly Expr[]): Reduce | undefined {
  const found = new Set<Reduce>();
  const seen = new Set<Expr>();
  const note = (e: Expr) => {
    if (e.kind === "reduce") found.add(e);
  };
  for (const body of bodies) walk(body, note, seen);
  const [only] = found;
  return found.size === 1 ? only : undefined;
}

/** The one reduction in a body, if it is a sum. */
export function onlySum(body: Expr): Reduce | undefined {
  const only = onlyReduction([body]);
  return only?.op === "sum" ? only : undefined;
}

/** The largest divisor of a length that is not above `most`, which is at least 1. */
export function divisorUpTo(n: number, most: number): number {
  let d = Math.min(n, most);
  while (n % d !== 0) d--;
  return d;
}
