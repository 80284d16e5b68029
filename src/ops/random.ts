/**
 * Counter-based random numbers: a hash of (seed, step, request, element). The same on every backend and for
 * any number of threads, with no state to save. Multipliers are below 2²¹, so that products are exact in
 * a double and wrap alike everywhere; uniformity, serial and avalanche statistics are checked by a test.
 */
import { call, constant, type Expr, int } from "../ir/expr.ts";
import { defineOp, type Shape, type Tensor } from "../ir/graph.ts";
import { flatten } from "../ir/index-algebra.ts";

const add = (a: Expr, b: Expr) => call("add", a, b);
const times = (a: Expr, multiplier: number) => call("imul", a, int(multiplier));
const xor = (a: Expr, b: Expr) => call("xor", a, b);
/** h ^ (h >>> bits) */
const fold = (h: Expr, bits: number) => xor(h, call("shr", h, int(bits)));

/** Two words that are different for every seed, step and request. */
function keys(seed: number, step: Expr, request: number): readonly [Expr, Expr] {
  const first = fold(times(int(seed % 16777216), 2047323), 15);
  const second = fold(times(add(add(first, step), int(Math.floor(seed / 16777216))), 1484469), 14);
  const third = fold(times(add(second, int(request)), 1693337), 16);
  return [times(xor(second, call("imul", third, int(128))), 1738219), third];
}

/** 24 random bits of an element. */
function bits(element: Expr, [k0, k1]: readonly [Expr, Expr]): Expr {
  const a = fold(add(times(element, 1804091), k0), 16);
  const b = fold(times(a, 1418467), 15);
  const c = fold(xor(times(b, 1867085), k1), 16);
  const d = fold(times(c, 1234599), 15);
  return call("shr", fold(times(d, 1979813), 16), int(8));
}

const uniformOp = defineOp<{ seed: number; request: number; shape: Shape }>({
  name: "uniform",
  infer: (_, { shape }) => ({ shape, dtype: "f32" }),
  lower([step], at, y) {
    const { seed, request } = y.attrs;
    const random = bits(flatten(at, y.type.shape), keys(seed, step!([]), request));
    return call("mul", call("toFloat", random), constant(2 ** -24));
  },
  grad: () => [undefined],
  work: () => 30,
});

/**
 * Uniform numbers in [0, 1), multiples of 2⁻²⁴.
 * @param step a tensor of shape [], i32: other numbers every step
 * @param seed below 2³²
 * @param request tells apart the places of a model that draw numbers; below 2²⁴
 */
export const uniform = (step: Tensor, seed: number, request: number, shape: Shape): Tensor =>
  uniformOp([step], { seed, request, shape });
