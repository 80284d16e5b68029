/**
 * Scalar expressions over index variables: the language kernels are written in.
 * A kernel says `output[axes…] = body`; everything a backend prints is built from these five forms.
 * Expressions are immutable and may be shared; axes and buffers compare by identity, never by name.
 */

/** An index variable running over 0 … extent−1. The name is a hint for printers only. */
export interface Axis {
  readonly name: string;
  readonly extent: number;
}

/** Storage type. `u8` and `i32` hold whole numbers; arithmetic on values is in `f32`. */
export type DType = "f32" | "i32" | "u8";

/** A dense row-major array a kernel reads or writes. */
export interface TensorBuffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What an expression's value is: a number of the model, an index, or a truth value (never stored). */
export type ScalarType = "float" | "int" | "bool";

/**
 * The scalar functions every dialect must print.
 * `div` is real division; `idiv` and `mod` are for non-negative indices; comparisons give `bool`.
 * `imul` (by a constant below 2²¹, wrapping to 32 bits), `xor` and `shr` (logical) serve random numbers.
 */
export type ScalarFunction =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "min"
  | "max"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "tanh"
  | "sin"
  | "cos"
  | "erf"
  | "pow"
  | "floor"
  | "idiv"
  | "mod"
  | "imul"
  | "xor"
  | "shr"
  | "lt"
  | "le"
  | "eq"
  | "and"
  | "select"
  | "toFloat"
  | "toInt";

export type Expr = Const | Index | Load | Call | Reduce;
export interface Const {
  readonly kind: "const";
  readonly value: number;
  readonly type: "float" | "int";
}
export interface Index {
  readonly kind: "index";
  readonly axis: Axis;
}
/**
 * One element of a buffer; `at` has one index a dimension and lies inside the shape, unless the load is
 * `padded`: then it may lie outside, where the value is zero.
 */
export interface Load {
  readonly kind: "load";
  readonly buffer: TensorBuffer;
  readonly at: readonly Expr[];
  readonly padded?: true;
}
export interface Call {
  readonly kind: "call";
  readonly fn: ScalarFunction;
  readonly args: readonly Expr[];
}
/** Sum or maximum of `body` over all values of `axes`, in row-major order of the axes. */
export interface Reduce {
  readonly kind: "reduce";
  readonly op: ReduceOp;
  readonly axes: readonly Axis[];
  readonly body: Expr;
}
export type ReduceOp = "sum" | "max";

/**
 * Reads one element of an op's input: a load, or the producer's own expression where it is fused. What lies
 * in memory can also be read `padded`, with zeros around it, unless something else lies there.
 */
export type Access = ((at: readonly Expr[]) => Expr) & {
  readonly padded?: (at: readonly Expr[]) => Expr | undefined;
};

/** One kernel: `output[axes…] = body` for every value of the axes. */
export interface Compute {
  readonly name: string;
  readonly output: TensorBuffer;
  /** It writes this one of the output's rows only, `output[row, axes…] = body`. */
  readonly row?: Expr;
  readonly axes: readonly Axis[];
  readonly body: Expr;
}

/**
 * Kernels that run in order for every value of an axis, up or down. The axis occurs in them only as the first index
 * of what they load, plus a constant, and of what they write.
 */
export interface Loop {
  readonly name: string;
  readonly axis: Axis;
  readonly reverse: boolean;
  readonly kernels: readonly Compute[];
}

/** What a kernel writes at a time. */
export const writtenShape = ({ output, row }: Compute): readonly number[] =>
  row ? output.shape.slice(1) : output.shape;

export const constant = (value: number): Const => ({ kind: "const", value, type: "float" });
export const int = (value: number): Const => ({ kind: "const", value, type: "int" });
export const index = (axis: Axis): Index => ({ kind: "index", axis });
export const load = (buffer: TensorBuffer, at: readonly Expr[]): Load => ({
  kind: "load",
  buffer,
  at,
});
export const call = (fn: ScalarFunction, ...args: readonly Expr[]): Call => ({
  kind: "call",
  fn,
  args,
});
export const reduce = (op: ReduceOp, axes: readonly Axis[], body: Expr): Expr =>
  axes.length === 0 ? body : { kind: "reduce", op, axes, body };

/** The value a reduction starts from. */
export const identityOf = (op: ReduceOp): number => (op === "sum" ? 0 : Number.NEGATIVE_INFINITY);

/** Sub-expressions, in evaluation order. */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "const":
    case "index":
      return [];
    case "load":
      return e.at;
    case "call":
      return e.args;
    case "reduce":
      return [e.body];
    default:
      return e satisfies never;
  }
}

export function typeOf(e: Expr): ScalarType {
  switch (e.kind) {
    case "const":
      return e.type;
    case "index":
      return "int";
    case "load":
      return e.buffer.dtype === "f32" ? "float" : "int";
    case "reduce":
      return typeOf(e.body);
    case "call":
      return callType(e);
    default:
      return e satisfies never;
  }
}

function callType({ fn, args }: Call): ScalarType {
  switch (fn) {
    case "lt":
    case "le":
    case "eq":
    case "and":
      return "bool";
    case "idiv":
    case "mod":
    case "imul":
    case "xor":
    case "shr":
    case "toInt":
      return "int";
    case "select":
      return typeOf(args[1]!);
    case "add":
    case "sub":
    case "mul":
    case "neg":
    case "min":
    case "max":
    case "abs":
      return typeOf(args[0]!);
    case "div":
    case "exp":
    case "log":
    case "sqrt":
    case "tanh":
    case "sin":
    case "cos":
    case "erf":
    case "pow":
    case "floor":
    case "toFloat":
      return "float";
    default:
      return fn satisfies never;
  }
}

/** Calls `visit` once for every distinct node reachable from `e`, children first. */
export function walk(e: Expr, visit: (node: Expr) => void, seen = new Set<Expr>()): void {
  if (seen.has(e)) return;
  seen.add(e);
  for (const child of children(e)) walk(child, visit, seen);
  visit(e);
}

/** The buffers a body reads, in order of first use. */
export function buffersRead(body: Expr): readonly TensorBuffer[] {
  const found = new Set<TensorBuffer>();
  walk(body, (node) => {
    if (node.kind === "load") found.add(node.buffer);
  });
  return [...found];
}
