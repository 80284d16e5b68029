/**
 * The JavaScript that gpu.js understands. Whole numbers are held in variables that gpu.js's WebAssembly
 * compiler keeps as 32-bit integers: begun from `this.output.x`, assigned, and incremented somewhere (it
 * need not happen). Anything else becomes a float, which is slow as an index and wrong beyond 2²⁴.
 */
import type { Call, Load, ReduceOp, TensorBuffer } from "../../ir/expr.ts";
import { internal } from "../../support/errors.ts";
import { commonCall, literal } from "../javascript.ts";
import type { Dialect } from "../printer.ts";

const leastFloat = "(-3.4028234663852886e+38)";

/** The integer variables of one kernel, declared together at its top. */
export class Integers {
  readonly #names: string[] = [];
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

/** @param nameOf how the kernel calls a buffer it reads */
export function dialect(nameOf: (b: TensorBuffer) => string, integers: Integers): Dialect {
  return {
    constant: (e) =>
      Number.isFinite(e.value)
        ? literal(e)
        : e.value < 0
          ? leastFloat
          : leastFloat.replace("-", ""),
    call: printCall,
    load: (e: Load, at) => `${nameOf(e.buffer)}[${at[0]}]`,
    declare: (name, type, value) =>
      type === "int" ? `${integers.declare(name)} = ${value};` : `const ${name} = ${value};`,
    start: (name: string, op: ReduceOp) => `let ${name} = ${op === "sum" ? "0.0" : leastFloat};`,
    accumulate: (name, op, value) =>
      op === "sum" ? `${name} += ${value};` : `${name} = Math.max(${name}, ${value});`,
    loop: (i, { extent }) => ({
      open: [`${integers.declare(i)} = 0;`, `for (; ${i} < ${extent};) {`],
      close: [`${i}++;`, "}"],
    }),
  };
}

function printCall(e: Call, args: readonly string[]): string {
  const [a, b] = args;
  switch (e.fn) {
    // The half keeps a quotient that is rounded down from falling below a whole number.
    case "idiv":
      return `Math.floor((${a} + 0.5) / ${b})`;
    case "mod":
      return `(${a} - ${b} * Math.floor((${a} + 0.5) / ${b}))`;
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
