/** How C writes expressions: once on single floats, once on vectors. */
import {
  type Call,
  type Const,
  identityOf,
  type Load,
  type ScalarType,
  typeOf,
} from "../../ir/expr.ts";
import { internal } from "../../support/errors.ts";
import type { Dialect } from "../printer.ts";
import { runOf } from "./nests/runs.ts";

/** A float literal that reads back as the same single-precision number. */
export function floatLiteral(value: number): string {
  if (Number.isNaN(value)) return "NAN";
  if (Math.abs(value) > 3.4028234663852886e38) return value > 0 ? "INFINITY" : "(-INFINITY)";
  const text = String(Math.fround(value));
  const point = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 || Object.is(value, -0)
    ? `(${Object.is(value, -0) ? "-0.0" : point}f)`
    : `${point}f`;
}

const constant = (e: Const) => (e.type === "float" ? floatLiteral(e.value) : String(e.value));

type Functions = Readonly<Record<string, (a: string, b: string, c: string) => string>>;

const shared: Functions = {
  add: (a, b) => `(${a} + ${b})`,
  sub: (a, b) => `(${a} - ${b})`,
  mul: (a, b) => `(${a} * ${b})`,
  div: (a, b) => `(${a} / ${b})`,
  neg: (a) => `(-${a})`,
  lt: (a, b) => `(${a} < ${b})`,
  le: (a, b) => `(${a} <= ${b})`,
  eq: (a, b) => `(${a} == ${b})`,
  and: (a, b) => `(${a} & ${b})`,
};

const scalar: Functions = {
  ...shared,
  select: (c, a, b) => `(${c} ? ${a} : ${b})`,
  exp: (a) => `sexp(${a})`,
  log: (a) => `slog(${a})`,
  tanh: (a) => `stanh(${a})`,
  sqrt: (a) => `__builtin_sqrtf(${a})`,
  sin: (a) => `sinf(${a})`,
  cos: (a) => `cosf(${a})`,
  pow: (a, b) => `powf(${a}, ${b})`,
  floor: (a) => `__builtin_floorf(${a})`,
  idiv: (a, b) => `(${a} / ${b})`,
  mod: (a, b) => `(${a} % ${b})`,
  imul: (a, b) => `((int32_t)((uint32_t)${a} * (uint32_t)${b}))`,
  xor: (a, b) => `(${a} ^ ${b})`,
  shr: (a, b) => `((int32_t)((uint32_t)${a} >> ${b}))`,
  toFloat: (a) => `((float)${a})`,
  toInt: (a) => `((int32_t)__builtin_floorf(${a}))`,
};

function scalarCall(e: Call, args: readonly string[]): string {
  const isInt = typeOf(e) === "int";
  if (e.fn === "min" || e.fn === "max") return `${isInt ? "i" : "s"}${e.fn}(${args.join(", ")})`;
  if (e.fn === "abs") return isInt ? `abs(${args[0]})` : `__builtin_fabsf(${args[0]})`;
  const print = scalar[e.fn];
  if (!print) throw internal(`C has no ${e.fn}`);
  return print(args[0] ?? "", args[1] ?? "", args[2] ?? "");
}

const cTypes: Readonly<Record<ScalarType, string>> = {
  float: "float",
  int: "int32_t",
  bool: "int",
};

/** @param load an element of a buffer, given its printed indices */
export const scalarDialect = (load: (e: Load, at: readonly string[]) => string): Dialect => ({
  constant,
  call: scalarCall,
  load,
  declare: (name, type, value) => `const ${cTypes[type]} ${name} = ${value};`,
  start: (name, op) => `float ${name} = ${floatLiteral(identityOf(op))};`,
  accumulate: (name, op, value) =>
    op === "sum" ? `${name} += ${value};` : `${name} = smax(${name}, ${value});`,
  runOf,
  loop: (i, { extent }, run) => ({
    open: [
      run
        ? `for (int32_t ${i} = ${run.from}, ${i}_end = ${run.to}; ${i} < ${i}_end; ${i}++) {`
        : `for (int32_t ${i} = 0; ${i} < ${extent}; ${i}++) {`,
    ],
    close: ["}"],
  }),
});

const vector: Functions = {
  ...shared,
  select: (c, a, b) => `SELECT(${c}, ${a}, ${b})`,
  min: (a, b) => `vmin(${a}, ${b})`,
  max: (a, b) => `vmax(${a}, ${b})`,
  abs: (a) => `vabs(${a})`,
  exp: (a) => `vexp(${a})`,
  log: (a) => `vlog(${a})`,
  tanh: (a) => `vtanh(${a})`,
  sqrt: (a) => `vsqrt(${a})`,
  floor: (a) => `vfloor(${a})`,
  pow: (a, b) => `vexp(${b} * vlog(${a}))`,
};

/** What `vector` can print; a product's epilogue with anything else is printed on its own. */
export const isVectorFunction = (fn: string): boolean => fn in vector;

const ints: Functions = {
  ...shared,
  select: (c, a, b) => `ISELECT(${c}, ${a}, ${b})`,
  min: (a, b) => `ISELECT(${a} < ${b}, ${a}, ${b})`,
  max: (a, b) => `ISELECT(${a} > ${b}, ${a}, ${b})`,
  imul: (a, b) => `((vi)((vw)${a} * (vw)${b}))`,
  xor: (a, b) => `(${a} ^ ${b})`,
  shr: (a, b) => `((vi)((vw)${a} >> (vw)${b}))`,
  toInt: (a) => `__builtin_convertvector(vfloor(${a}), vi)`,
};

/** How a call on vectors is printed, whatever its type; undefined if there is no such code. */
export function vectorCall(e: Call): ((a: string, b: string, c: string) => string) | undefined {
  if (e.fn === "toFloat") return (a) => `__builtin_convertvector(${a}, vf)`;
  if (typeOf(e) === "float") return e.fn === "pow" ? undefined : vector[e.fn];
  return ints[e.fn];
}

/** For epilogues: every value is a vector, conditions are masks. */
export const vectorDialect = (load: (e: Load) => string): Dialect => ({
  constant: (e) => `SPLAT(${floatLiteral(e.value)})`,
  call: (e, [a = "", b = "", c = ""]) => vector[e.fn]!(a, b, c),
  load: (e) => load(e),
  declare: (name, _, value) => `const vf ${name} = ${value};`,
  start: () => {
    throw internal("a reduction in an epilogue");
  },
  accumulate: () => "",
  loop: () => ({ open: [], close: [] }),
});

/** Elementary functions on single floats, written so that the compiler can vectorise loops over them. */
export const scalarPrelude = `
INLINE float smax(float a, float b) { return a > b || a != a ? a : b; }
INLINE float smin(float a, float b) { return a < b || a != a ? a : b; }
INLINE int32_t imax(int32_t a, int32_t b) { return a > b ? a : b; }
INLINE int32_t imin(int32_t a, int32_t b) { return a < b ? a : b; }
typedef union { float f; int32_t i; } Bits;
INLINE float sexp(float a) {
  float x = smin(smax(a, -87.3f), 88.3f);
  float n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  float r = (x - n * 0.693359375f) - n * -2.12194440e-4f, p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f; p = p * r + 8.3334519073e-3f; p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f; p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  Bits b; b.i = ((int32_t)n + 127) << 23;
  float y = p * b.f;
  y = a > 88.72f ? INFINITY : y;
  y = a < -87.3f ? 0.0f : y;
  return a != a ? a : y;
}
INLINE float slog(float a) {
  Bits b, c; b.f = a;
  float e = (float)((b.i >> 23) - 126);
  c.i = (b.i & 0x007fffff) | 0x3f000000;
  float m = c.f;
  int small = m < 0.707106781186547524f;
  e = small ? e - 1.0f : e; m = (small ? m + m : m) - 1.0f;
  float z = m * m, p = 7.0376836292e-2f;
  p = p * m + -1.1514610310e-1f; p = p * m + 1.1676998740e-1f; p = p * m + -1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f; p = p * m + -1.6668057665e-1f; p = p * m + 2.0000714765e-1f;
  p = p * m + -2.4999993993e-1f; p = p * m + 3.3333331174e-1f;
  float y = p * m * z + e * -2.12194440e-4f - z * 0.5f + m + e * 0.693359375f;
  y = a == INFINITY ? a : y;
  y = a == 0.0f ? -INFINITY : y;
  return a < 0.0f || a != a ? NAN : y;
}
INLINE float stanh(float x) {
  float a = __builtin_fabsf(x), z = x * x, p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f; p = p * z + -5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f; p = p * z + -3.33332819422e-1f;
  float near = p * z * x + x, far = 1.0f - 2.0f / (sexp(a + a) + 1.0f);
  return a < 0.625f ? near : (x < 0.0f ? -far : far);
}
`;
