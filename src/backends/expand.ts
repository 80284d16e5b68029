/** Functions that a target lacks, or computes badly, written in others. */
import { call, constant, type Expr, type ScalarFunction } from "../ir/expr.ts";
import { rewrite } from "../ir/rewrite.ts";

const add = (a: Expr, b: Expr) => call("add", a, b);
const mul = (a: Expr, b: Expr) => call("mul", a, b);
const c = constant;
/** Σ cₖ·xᵏ by Horner's scheme, lowest coefficient first. */
const polynomial = (x: Expr, coefficients: readonly number[]): Expr =>
  coefficients.reduceRight<Expr>((sum, k) => add(mul(sum, x), c(k)), c(0));

/** Abramowitz & Stegun 7.1.26: error below 1.5e-7. */
function erf(x: Expr): Expr {
  const a = call("abs", x);
  const t = call("div", c(1), add(mul(a, c(0.3275911)), c(1)));
  const series = polynomial(
    t,
    [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429],
  );
  const tail = mul(series, call("exp", call("neg", mul(a, a))));
  const value = call("sub", c(1), tail);
  return call("select", call("lt", x, c(0)), call("neg", value), value);
}

/** sign(x)·(1 − e)/(1 + e) with e = e^−2|x|, which cannot overflow; its series near 0. */
function tanh(x: Expr): Expr {
  const a = call("abs", x);
  const e = call("exp", mul(a, c(-2)));
  const value = call("div", call("sub", c(1), e), add(c(1), e));
  const signed = call("select", call("lt", x, c(0)), call("neg", value), value);
  const series = mul(x, polynomial(mul(x, x), [1, -1 / 3, 2 / 15, -17 / 315]));
  return call("select", call("lt", a, c(0.25)), series, signed);
}

const expansions: Partial<Record<ScalarFunction, (x: Expr) => Expr>> = { erf, tanh };

/** Replaces calls of the given functions by their expansions. */
export function expand(body: Expr, functions: readonly ScalarFunction[]): Expr {
  return rewrite(body, (e) => {
    if (e.kind !== "call" || !functions.includes(e.fn)) return e;
    return expansions[e.fn]?.(e.args[0]!) ?? e;
  });
}
