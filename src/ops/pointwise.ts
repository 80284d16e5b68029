/**
 * Pointwise ops: an output element depends on the same element of each input. Inputs broadcast as in
 * NumPy. Each op is one line: its scalar formula and its vector-Jacobian product.
 */
import { call, constant, type DType, type Expr, int, type ScalarFunction } from "../ir/expr.ts";
import { defineOp, type Op, type ScaleShift, type Tensor } from "../ir/graph.ts";
import { invariant } from "../support/errors.ts";
import { broadcastShapes, broadcastTo } from "./broadcast.ts";
import { fill, fillValue } from "./view.ts";

/** A tensor, or a number that stands for a tensor full of it. */
export type Operand = Tensor | number;
/** From the cotangent of the result, the inputs and the result: the cotangent of each input. */
export type Gradient = (context: {
  dy: Tensor;
  x: readonly Tensor[];
  y: Tensor;
}) => readonly (Tensor | undefined)[];

/** What a pointwise op may say beside its formula and gradient. */
export interface Extra {
  /** Operations an element costs; transcendental functions about ten. */
  readonly work?: number;
  readonly dtype?: DType;
  readonly simplify?: (x: readonly Tensor[], y: Tensor) => Tensor | undefined;
  readonly exact?: boolean;
  /** Its scale and shift where exactly one input has a core. */
  readonly scaleShift?: (x: readonly ScaleShift[]) => ScaleShift | undefined;
}

/**
 * The constructor of a pointwise op.
 * @param formula an element of the result from those of the inputs
 * @param grad the vector-Jacobian product; undefined for an input that has no gradient
 */
export function pointwise(
  name: string,
  formula: (...x: Expr[]) => Expr,
  grad: Gradient,
  extra: Extra = {},
) {
  const op: Op<undefined> = {
    name,
    infer(inputs) {
      const [first] = inputs;
      invariant(first && inputs.every((t) => t.dtype === first.dtype), `${name}: mixed dtypes`);
      return { shape: first.shape, dtype: extra.dtype ?? first.dtype };
    },
    lower: (inputs, at) => formula(...inputs.map((x) => x(at))),
    grad: (dy, y) => grad({ dy, x: y.inputs, y }),
    work: () => extra.work ?? 1,
    ...(extra.exact ? { exact: true } : {}),
    simplify: (y) => foldConstants(y, formula) ?? extra.simplify?.(y.inputs, y),
    scaleShift(inputs, y) {
      const varying = inputs.filter((x) => x.core).length;
      if (varying === 0) return { shift: make(...inputs.map((x) => x.shift!)) };
      return varying === 1 && y.type.dtype === "f32" ? extra.scaleShift?.(inputs) : undefined;
    },
  };
  const apply = defineOp(op);
  const make = (...operands: Operand[]): Tensor => {
    const tensors = operands.filter((x) => typeof x !== "number");
    const shape = broadcastShapes(tensors.map((x) => x.type.shape));
    const dtype = tensors[0]?.type.dtype ?? "f32";
    return apply(
      operands.map((x) => (typeof x === "number" ? fill(x, shape, dtype) : broadcastTo(x, shape))),
      undefined,
    );
  };
  return make;
}

/** f(fill a, fill b) = fill f(a, b). */
function foldConstants(y: Tensor, formula: (...x: Expr[]) => Expr): Tensor | undefined {
  const values = y.inputs.map(fillValue);
  if (values.some((v) => v === undefined) || y.type.dtype !== "f32") return undefined;
  const value = evaluate(formula(...values.map((v) => constant(v!))));
  return value === undefined ? undefined : fill(value, y.type.shape);
}

/** The value of an arithmetic expression of constants, where the function is exact in any precision. */
function evaluate(e: Expr): number | undefined {
  if (e.kind === "const") return e.value;
  if (e.kind !== "call") return undefined;
  const [a, b] = e.args.map(evaluate);
  if (a === undefined) return undefined;
  if (e.fn === "neg") return -a;
  if (b === undefined) return undefined;
  if (e.fn === "add") return a + b;
  if (e.fn === "sub") return a - b;
  return e.fn === "mul" ? a * b : undefined;
}

const is = (x: Tensor | undefined, value: number) => x !== undefined && fillValue(x) === value;
const scalar =
  (fn: ScalarFunction) =>
  (...x: Expr[]) =>
    call(fn, ...x);

/** f(scale)·core + f(shift): what a linear function of one input does. */
function linear({ core, scale, shift }: ScaleShift, f: (x: Tensor) => Tensor): ScaleShift {
  const moved = shift && f(shift);
  if (!core) return { shift: moved };
  const one = core.type.shape.map(() => 1);
  return { core, scale: f(scale ?? fill(1, one)), shift: moved };
}
/** The sum of two, of which at most one has a core. */
function plus(a: ScaleShift, b: ScaleShift): ScaleShift {
  const shift = a.shift && b.shift ? add(a.shift, b.shift) : (a.shift ?? b.shift);
  return { ...(a.core ? a : b), shift };
}

export const add = pointwise("add", scalar("add"), ({ dy }) => [dy, dy], {
  simplify: ([a, b]) => (is(a, 0) ? b : is(b, 0) ? a : undefined),
  scaleShift: ([a, b]) => plus(a!, b!),
});
export const sub = pointwise("sub", scalar("sub"), ({ dy }) => [dy, neg(dy)], {
  simplify: ([a, b]) => (is(b, 0) ? a : is(a, 0) ? neg(b!) : undefined),
  scaleShift: ([a, b]) => plus(a!, linear(b!, neg)),
});
export const mul = pointwise(
  "mul",
  scalar("mul"),
  ({ dy, x: [a, b] }) => [mul(dy, b!), mul(dy, a!)],
  {
    simplify: ([a, b], y) => {
      if (is(a, 1)) return b;
      if (is(b, 1)) return a;
      if (is(a, -1)) return neg(b!);
      if (is(b, -1)) return neg(a!);
      return is(a, 0) || is(b, 0) ? fill(0, y.type.shape, y.type.dtype) : undefined;
    },
    scaleShift: ([a, b]) =>
      a!.core ? linear(a!, (x) => mul(x, b!.shift!)) : linear(b!, (x) => mul(a!.shift!, x)),
  },
);
// d(a/b) = da/b − a·db/b²
export const div = pointwise(
  "div",
  scalar("div"),
  ({ dy, x: [, b], y }) => [div(dy, b!), neg(mul(dy, div(y, b!)))],
  {
    work: 4,
    simplify: ([a, b]) => (is(b, 1) ? a : undefined),
    scaleShift: ([a, b]) => (a!.core ? linear(a!, (x) => div(x, b!.shift!)) : undefined),
  },
);
export const neg = pointwise("neg", scalar("neg"), ({ dy }) => [neg(dy)], {
  simplify: ([a], y) => (a!.op === y.op ? a!.inputs[0] : undefined),
  scaleShift: ([a]) => linear(a!, neg),
});
export const exp = pointwise("exp", scalar("exp"), ({ dy, y }) => [mul(dy, y)], { work: 12 });
export const log = pointwise("log", scalar("log"), ({ dy, x: [a] }) => [div(dy, a!)], { work: 12 });
export const sqrt = pointwise("sqrt", scalar("sqrt"), ({ dy, y }) => [div(mul(dy, 0.5), y)], {
  work: 6,
});
export const tanh = pointwise("tanh", scalar("tanh"), ({ dy, y }) => [mul(dy, sub(1, mul(y, y)))], {
  work: 15,
});
export const sin = pointwise("sin", scalar("sin"), ({ dy, x: [a] }) => [mul(dy, cos(a!))], {
  work: 12,
});
export const cos = pointwise("cos", scalar("cos"), ({ dy, x: [a] }) => [neg(mul(dy, sin(a!)))], {
  work: 12,
});
export const abs = pointwise("abs", scalar("abs"), ({ dy, x: [a] }) => [mul(dy, sign(a!))]);
export const floor = pointwise("floor", scalar("floor"), () => [undefined]);
// d erf(x) = 2/√π · e^(−x²)
export const erf = pointwise(
  "erf",
  scalar("erf"),
  ({ dy, x: [a] }) => [mul(dy, mul(2 / Math.sqrt(Math.PI), exp(neg(mul(a!, a!)))))],
  { work: 15 },
);
/** xᵖ for x > 0. */
export const pow = pointwise(
  "pow",
  scalar("pow"),
  ({ dy, x: [a, p], y }) => [mul(dy, mul(p!, pow(a!, sub(p!, 1)))), mul(dy, mul(y, log(a!)))],
  { work: 25 },
);

/** 1 where the condition holds, else 0. */
const truth = (condition: Expr) => call("select", condition, constant(1), constant(0));
const comparison = (name: string, test: (a: Expr, b: Expr) => Expr, extra: Extra = {}) =>
  pointwise(
    name,
    (a, b) => truth(test(a!, b!)),
    () => [undefined, undefined],
    { dtype: "f32", ...extra },
  );
export const less = comparison("less", (a, b) => call("lt", a, b));
export const lessEqual = comparison("lessEqual", (a, b) => call("le", a, b));
export const equal = comparison("equal", (a, b) => call("eq", a, b), { exact: true });
export const greater = (a: Operand, b: Operand): Tensor => less(b, a);

export const sign = pointwise(
  "sign",
  (a) =>
    call(
      "select",
      call("lt", constant(0), a!),
      constant(1),
      call("select", call("lt", a!, constant(0)), constant(-1), constant(0)),
    ),
  () => [undefined],
);
// Where both are equal the gradient goes to the first.
export const maximum = pointwise("maximum", scalar("max"), ({ dy, x: [a, b] }) => [
  mul(dy, lessEqual(b!, a!)),
  mul(dy, less(a!, b!)),
]);
export const minimum = pointwise("minimum", scalar("min"), ({ dy, x: [a, b] }) => [
  mul(dy, lessEqual(a!, b!)),
  mul(dy, less(b!, a!)),
]);
/** `a` where the condition (a 0/1 tensor) is not 0, else `b`. */
export const where = pointwise(
  "where",
  (c, a, b) => call("select", call("eq", c!, constant(0)), b!, a!),
  ({ dy, x: [c] }) => [undefined, mul(dy, c!), mul(dy, sub(1, c!))],
);

/** The same values; no gradient flows through. */
export const stopGradient = pointwise(
  "stopGradient",
  (x) => x!,
  () => [undefined],
  { work: 0 },
);

export const toFloat = pointwise(
  "toFloat",
  (x) => call("toFloat", x!),
  () => [undefined],
  { dtype: "f32", work: 0 },
);
/** As `f32`; whole numbers become floats, floats stay as they are. */
export const float = (x: Tensor): Tensor => (x.type.dtype === "f32" ? x : toFloat(x));
const toInt = pointwise(
  "toInt",
  (x) => call("toInt", x!),
  () => [undefined],
  { dtype: "i32", work: 0 },
);
/** As `i32`, rounding down; whole numbers keep their value. */
export const integer = (x: Tensor): Tensor =>
  x.type.dtype === "i32" ? x : x.type.dtype === "u8" ? widen(x) : toInt(x);
const widen = pointwise(
  "widen",
  (x) => call("add", x!, int(0)),
  () => [undefined],
  { dtype: "i32", work: 0 },
);

export const relu = pointwise(
  "relu",
  (x) => call("max", x!, constant(0)),
  ({ dy, y }) => [mul(dy, greater(y, 0))],
);
// 1/(1 + e⁻ˣ); its derivative y·(1 − y) needs no exponential that could overflow.
export const sigmoid = pointwise(
  "sigmoid",
  (x) => call("div", constant(1), call("add", constant(1), call("exp", call("neg", x!)))),
  ({ dy, y }) => [mul(dy, mul(y, sub(1, y)))],
  { work: 16 },
);
// log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which cannot overflow. Its derivative is sigmoid(x), also at 0,
// where those of max and |x| would not add up to it.
export const softplus = pointwise(
  "softplus",
  (x) =>
    call(
      "add",
      call("max", x!, constant(0)),
      call("log", call("add", constant(1), call("exp", call("neg", call("abs", x!))))),
    ),
  ({ dy, x: [a] }) => [mul(dy, sigmoid(a!))],
  { work: 28 },
);

export const square = (x: Tensor): Tensor => mul(x, x);
/** xᵖ for x ≥ 0 and a known p ≥ 0, without logarithms where it can do without. */
export function power(x: Tensor, p: number): Tensor {
  if (p === 0) return fill(1, x.type.shape);
  if (p === 1) return x;
  if (p === 2) return square(x);
  return p === 0.5 ? sqrt(x) : pow(x, p);
}
export const clip = (x: Tensor, lo: number, hi: number): Tensor => minimum(maximum(x, lo), hi);
