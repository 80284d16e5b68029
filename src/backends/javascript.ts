/** The parts of the dialect that plain JavaScript and gpu.js's subset of it share. */
import type { Call, Const } from "../ir/expr.ts";

/** A number that reads back as the same double. */
export function literal({ value, type }: Const): string {
  if (value === Number.POSITIVE_INFINITY) return "Infinity";
  if (value === Number.NEGATIVE_INFINITY) return "(-Infinity)";
  const text =
    type === "float" && Number.isInteger(value) && Math.abs(value) < 1e15
      ? value.toFixed(1)
      : String(value);
  return value < 0 || Object.is(value, -0) ? `(${text})` : text;
}

/** Everything but what targets disagree about: integer division, erf, rounding, conversions. */
export function commonCall({ fn }: Call, args: readonly string[]): string | undefined {
  const [a, b, c] = args;
  switch (fn) {
    case "add":
      return `(${a} + ${b})`;
    case "sub":
      return `(${a} - ${b})`;
    case "mul":
      return `(${a} * ${b})`;
    case "div":
      return `(${a} / ${b})`;
    case "neg":
      return `(-${a})`;
    case "lt":
      return `(${a} < ${b})`;
    case "le":
      return `(${a} <= ${b})`;
    case "eq":
      return `(${a} === ${b})`;
    case "and":
      return `(${a} && ${b})`;
    case "select":
      return `(${a} ? ${b} : ${c})`;
    case "min":
    case "max":
    case "abs":
    case "exp":
    case "log":
    case "sqrt":
    case "tanh":
    case "sin":
    case "cos":
    case "pow":
    case "floor":
      return `Math.${fn}(${args.join(", ")})`;
    case "mod":
      return `(${a} % ${b})`;
    case "imul":
      return `((${a} * ${b}) | 0)`;
    case "xor":
      return `(${a} ^ ${b})`;
    case "shr":
      return `(${a} >>> ${b})`;
    case "idiv":
    case "erf":
    case "toFloat":
    case "toInt":
      return undefined;
    default:
      return fn satisfies never;
  }
}
