/**
 * The JavaScript that gpu.js understands. Whole numbers are held in variables that gpu.js's WebAssembly
 * compiler keeps as 32-bit integers: begun from `this.output.x`, assigned, and incremented somewhere (it
 * need not happen). Anything else becomes a float, which is slow as an index and wrong beyond 2²⁴.
 */
import {
  buffersRead,
  type Call,
  type Expr,
  type Load,
  type ReduceOp,
  type TensorBuffer,
  typeOf,
} from "../../ir/expr.ts";
import { internal, RunError } from "../../support/errors.ts";
import { commonCall, literal } from "../javascript.ts";
import type { Dialect } from "../printer.ts";

const leastFloat = "(-3.4028234663852886e+38)";

/** The integer variables of one kernel, declared together at its top, where the mode has integers at all. */
export class Integers {
  readonly #names: string[] = [];
  readonly exist: boolean;
  constructor(exist = true) {
    this.exist = exist;
  }
  declare(name: string): string {
    this.#names.push(name);
    return name;
  }
  get declarations(): readonly string[] {
    return this.#names.map((n) => `let ${n} = this.output.x;`);
  }
  /** Never happens, and makes them integers. */
  get increments(): readonly string[] {
    const [first] = this.#names;
    if (first === undefined) return [];
    return [`if (${first} < -2147483640) { ${this.#names.map((n) => `${n}++;`).join(" ")} }`];
  }
}

/** A thread or loop index as a float, where the target keeps the two types strictly apart. */
export const asFloat = (index: string): string => `${index} + 0.5 - 0.5`;

/** Whole numbers up to here are exact as floats. */
const exactFloats = 2 ** 24;

/** Whether an index into something that a body reads can be too large for a float. */
export const readsFar = (body: Expr): boolean =>
  buffersRead(body).some(({ shape }) => shape.reduce((n, d) => n * d, 1) > exactFloats);

/**
 * @param nameOf how the kernel calls a buffer it reads
 * @param far an index may be too large for a float: all its parts must be integers then, quotients too
 */
export function dialect(
  nameOf: (b: TensorBuffer) => string,
  integers: Integers,
  far = false,
): Dialect {
  return {
    constant: (e) =>
      Number.isFinite(e.value)
        ? literal(e)
        : e.value < 0
          ? leastFloat
          : leastFloat.replace("-", ""),
    call: (e, args) => printCall(e, args, integers),
    // An index that is read from an array is a float until an integer variable holds it: times the size
    // of a row, it would pass 2²⁴ in a large dataset and lose its last digits.
    declares: (e) =>
      integers.exist &&
      (e.kind === "load" ? e.buffer.dtype === "i32" : far && (e.fn === "idiv" || e.fn === "mod")),
    load: (e: Load, at) => `${nameOf(e.buffer)}[${at[0]}]`,
    declare: (name, type, value) =>
      type === "int" && integers.exist
        ? `${integers.declare(name)} = ${value};`
        : `const ${name} = ${value};`,
    start: (name: string, op: ReduceOp) => `let ${name} = ${op === "sum" ? "0.0" : leastFloat};`,
    accumulate: (name, op, value) =>
      op === "sum" ? `${name} += ${value};` : `${name} = Math.max(${name}, ${value});`,
    loop: (i, { extent }) =>
      integers.exist
        ? {
            open: [`${integers.declare(i)} = 0;`, `for (; ${i} < ${extent};) {`],
            close: [`${i}++;`, "}"],
          }
        : {
            open: [
              `for (let n${i} = 0; n${i} < ${extent}; n${i}++) { const ${i} = ${asFloat(`n${i}`)};`,
            ],
            close: ["}"],
          },
  };
}

function printCall(e: Call, args: readonly string[], integers: Integers): string {
  const [a, b] = args;
  switch (e.fn) {
    case "imul":
    case "xor":
    case "shr":
      if (integers.exist) return commonCall(e, args)!;
      throw new RunError(
        "headlessgl has no integers, which dropout's random numbers need",
        "use --backend webgpu, webasm or native",
      );
    // The half keeps a quotient that is rounded down from falling below a whole number.
    case "idiv":
      return `Math.floor((${a} + 0.5) / ${b})`;
    case "mod":
      return `(${a} - ${b} * Math.floor((${a} + 0.5) / ${b}))`;
    case "min":
    case "max":
      // Clamped indices occur where the value is not used anyway, and OpenGL reads anywhere without harm.
      return !integers.exist && typeOf(e) === "int" ? a! : commonCall(e, args)!;
    case "toFloat":
      return a!;
    case "toInt":
      return `Math.floor(${a})`;
    default: {
      const text = commonCall(e, args);
      if (text === undefined) throw internal(`${e.fn} was not expanded`);
      return text;
    }
  }
}
