/**
 * Kernels as a reader would write them on paper: `relu[i, j] = max((Σ k<784: x[i, k]·w[k, j]) + b[j], 0)`.
 * Axes get names that are unique in their kernel, and a value that is used twice gets a name below it.
 */
import {
  type Axis,
  type Call,
  type Compute,
  children,
  type Expr,
  type ScalarFunction,
  type TensorBuffer,
  walk,
} from "./expr.ts";
import { Numbering } from "./numbering.ts";

/** How tightly a form binds; a smaller one inside a larger one needs parentheses. */
const binding = { reduce: 0, select: 1, and: 2, compare: 3, sum: 4, product: 5, sign: 6, atom: 7 };

/** Functions written between their arguments. */
const infix: Partial<Readonly<Record<ScalarFunction, readonly [sign: string, binding: number]>>> = {
  add: [" + ", binding.sum],
  sub: [" - ", binding.sum],
  mul: ["·", binding.product],
  div: [" / ", binding.product],
  idiv: [" // ", binding.product],
  mod: [" % ", binding.product],
  lt: [" < ", binding.compare],
  le: [" <= ", binding.compare],
  eq: [" == ", binding.compare],
  and: [" and ", binding.and],
};

/**
 * A kernel in lines: the equation, then what its short names stand for.
 * @param outer the axes of loops around it
 */
export function printCompute(kernel: Compute, outer: readonly Axis[] = []): string {
  const printer = new ExprPrinter([...outer, ...kernel.axes], kernel.body);
  const indices = [
    ...(kernel.row ? [printer.print(kernel.row)] : []),
    ...kernel.axes.map((a) => printer.axis(a)),
  ];
  const at = indices.length > 0 ? `[${indices.join(", ")}]` : "";
  const equation = `${kernel.output.name}${at} = ${printer.print(kernel.body)}`;
  const where = printer.definitions.map((text, i) => `${i === 0 ? "  where" : "       "} ${text}`);
  return [equation, ...where].join("\n");
}

/** An expression on its own; axes not bound in it keep their names. */
export function printExpr(e: Expr): string {
  const free: Axis[] = [];
  walk(e, (node) => {
    if (node.kind === "index" && !free.includes(node.axis)) free.push(node.axis);
  });
  const bound = boundAxes(e);
  const printer = new ExprPrinter(
    free.filter((a) => !bound.includes(a)),
    e,
  );
  const text = printer.print(e);
  return [text, ...printer.definitions.map((d) => `  where ${d}`)].join("\n");
}

function boundAxes(body: Expr): readonly Axis[] {
  const bound: Axis[] = [];
  walk(body, (node) => {
    if (node.kind === "reduce") bound.push(...node.axes.filter((a) => !bound.includes(a)));
  });
  return bound;
}

class ExprPrinter {
  readonly definitions: string[] = [];
  readonly #axes = new Map<Axis, string>();
  readonly #numbering = new Numbering();
  readonly #uses: ReadonlyMap<number, number>;
  readonly #names = new Map<number, string>();

  constructor(outer: readonly Axis[], body: Expr) {
    const taken = new Set<string>();
    for (const axis of [...outer, ...boundAxes(body)]) {
      let name = axis.name;
      for (let n = 2; taken.has(name); n++) name = `${axis.name}${n}`;
      taken.add(name);
      this.#axes.set(axis, name);
    }
    this.#uses = countUses(body, this.#numbering);
  }

  axis(axis: Axis): string {
    return this.#axes.get(axis) ?? axis.name;
  }

  /** @param least binding that the surroundings ask for */
  print(e: Expr, least = binding.reduce): string {
    const number = this.#numbering.of(e);
    const known = this.#names.get(number);
    if (known !== undefined) return known;
    if (this.#isShared(e, number)) {
      const [text] = this.#form(e);
      // Names are given after the value is printed, so that it stands below those it uses.
      const name = `t${this.#names.size}`;
      this.#names.set(number, name);
      this.definitions.push(`${name} = ${text}`);
      return name;
    }
    const [text, own] = this.#form(e);
    return own < least ? `(${text})` : text;
  }

  /** Worth a name: used twice, and more than a number or an element. */
  #isShared(e: Expr, number: number): boolean {
    if ((this.#uses.get(number) ?? 0) < 2) return false;
    return e.kind === "reduce" || (e.kind === "call" && e.args.some((a) => a.kind !== "const"));
  }

  #form(e: Expr): readonly [text: string, binding: number] {
    switch (e.kind) {
      case "const":
        return [number(e.value), e.value < 0 ? binding.sign : binding.atom];
      case "index":
        return [this.axis(e.axis), binding.atom];
      case "load": {
        const at = e.at.map((i) => this.print(i)).join(", ");
        return [e.at.length > 0 ? `${e.buffer.name}[${at}]` : e.buffer.name, binding.atom];
      }
      case "reduce": {
        const axes = e.axes.map((a) => `${this.axis(a)}<${a.extent}`).join(", ");
        return [`${e.op === "sum" ? "Σ" : "max"} ${axes}: ${this.print(e.body)}`, binding.reduce];
      }
      case "call":
        return this.#call(e);
      default:
        return e satisfies never;
    }
  }

  #call({ fn, args }: Call): readonly [text: string, binding: number] {
    const operator = infix[fn];
    if (operator) {
      const [sign, own] = operator;
      // The right operand of a difference or quotient needs parentheses even if it binds alike.
      const right = fn === "add" || fn === "mul" || fn === "and" ? own : own + 1;
      return [`${this.print(args[0]!, own)}${sign}${this.print(args[1]!, right)}`, own];
    }
    if (fn === "neg") return [`-${this.print(args[0]!, binding.sign)}`, binding.sign];
    if (fn === "select") {
      const [condition, yes, no] = args.map((a) => this.print(a, binding.select + 1));
      return [`${condition} ? ${yes} : ${no}`, binding.select];
    }
    return [`${fn}(${args.map((a) => this.print(a)).join(", ")})`, binding.atom];
  }
}

/** As short as it reads back in single precision. */
function number(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : Number.isNaN(value) ? "NaN" : "-∞";
  return String(Number(value.toPrecision(7)));
}

function countUses(body: Expr, numbering: Numbering): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  const visit = (e: Expr) => {
    const id = numbering.of(e);
    const count = (uses.get(id) ?? 0) + 1;
    uses.set(id, count);
    if (count === 1) for (const child of children(e)) visit(child);
  };
  visit(body);
  return uses;
}

/** `f32[100, 256]` */
export const printType = ({ dtype, shape }: Pick<TensorBuffer, "dtype" | "shape">): string =>
  `${dtype}[${shape.join(", ")}]`;
