/**
 * The reference interpreter: the kernels as plain loops in double precision, single-threaded, with the
 * memory plan carried out to the letter. Slow and simple; every other backend is compared with it.
 */
import {
  type Axis,
  type Call,
  type Compute,
  identityOf,
  type Loop,
  type TensorBuffer,
} from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import { expandPadding } from "../ir/index-algebra.ts";
import { isKernel } from "../ir/kernels.ts";
import type { Backend, Executable, Procedure, Program, Values } from "../ir/program.ts";
import { CodePrinter } from "../support/code-printer.ts";
import { internal } from "../support/errors.ts";
import { commonCall, literal } from "./javascript.ts";
import { type Dialect, printBody } from "./printer.ts";

export const reference: Backend = {
  name: "reference",
  doc: "The slow interpreter in double precision that every other backend is checked against.",
  traits: { maxInputs: Number.POSITIVE_INFINITY, contiguousSums: false },
  runsOn: "one core",
  probe: async () => ({ ok: true, device: "JavaScript, one thread, double precision" }),
  compile: async (program, constants) => new ReferenceExecutable(program, constants),
};

type Kernels = (memory: readonly Float64Array[], erf: (x: number) => number) => void;

class ReferenceExecutable implements Executable {
  readonly description = () => "reference interpreter, one thread, double precision";
  readonly sources = new Map<string, string>();
  readonly #variables = new Map<string, Float64Array>();
  readonly #steps = new Map<string, () => void>();

  constructor(program: Program, constants: ReadonlyMap<string, Values>) {
    for (const v of program.variables) {
      this.#variables.set(v.name, new Float64Array(sizeOf(v.shape)));
    }
    for (const procedure of program.procedures) this.#prepare(procedure);
    for (const [name, values] of constants) this.write(name, values);
  }

  #prepare(procedure: Procedure): void {
    const arena = new Float64Array(procedure.arenaSize);
    const place = (b: TensorBuffer): Float64Array => {
      const start = procedure.offsets.get(b);
      return start === undefined
        ? this.#variable(b.name)
        : arena.subarray(start, start + sizeOf(b.shape));
    };
    const { source, buffers } = printProcedure(procedure);
    const kernels = new Function("memory", "erf", source) as Kernels;
    const memory = buffers.map(place);
    const updates = procedure.updates.map((u) => ({ to: place(u.variable), from: place(u.next) }));
    this.sources.set(procedure.name, source);
    this.#steps.set(procedure.name, () => {
      kernels(memory, erf);
      for (const { to, from } of updates) to.set(from);
    });
  }

  #variable(name: string): Float64Array {
    const found = this.#variables.get(name);
    if (!found) throw internal(`no variable ${name}`);
    return found;
  }

  write(variable: string, values: Values): void {
    this.#variable(variable).set(values);
  }

  lend(variable: string, values: Values): void {
    this.write(variable, values);
  }

  async run(procedure: string, steps: number): Promise<void> {
    const step = this.#steps.get(procedure);
    if (!step) throw internal(`no procedure ${procedure}`);
    for (let i = 0; i < steps; i++) step();
  }

  async read(variable: string): Promise<Float64Array> {
    return this.#variable(variable).slice();
  }

  async dispose(): Promise<void> {
    this.#steps.clear();
    this.#variables.clear();
  }
}

/** JavaScript for one step; `memory[i]` is the i-th of the returned buffers. */
function printProcedure({ kernels }: Procedure): { source: string; buffers: TensorBuffer[] } {
  const buffers: TensorBuffer[] = [];
  const nameOf = (b: TensorBuffer): string => {
    if (!buffers.includes(b)) buffers.push(b);
    return `m${buffers.indexOf(b)}`;
  };
  const body = new CodePrinter();
  for (const part of kernels) {
    if (isKernel(part)) printKernel(part, nameOf, body);
    else printLoop(part, nameOf, body);
  }
  const code = new CodePrinter();
  for (const b of buffers)
    code.line(`const ${nameOf(b)} = memory[${buffers.indexOf(b)}]; // ${b.name} [${b.shape}]`);
  return { source: `${code}${body}`, buffers };
}

function printLoop(
  { axis, reverse, kernels }: Loop,
  nameOf: (b: TensorBuffer) => string,
  code: CodePrinter,
): void {
  const up = `let t = 0; t < ${axis.extent}; t++`;
  const down = `let t = ${axis.extent - 1}; t >= 0; t--`;
  code.block(`for (${reverse ? down : up})`, () => {
    for (const kernel of kernels) printKernel(kernel, nameOf, code, new Map([[axis, "t"]]));
  });
}

function printKernel(
  kernel: Compute,
  nameOf: (b: TensorBuffer) => string,
  code: CodePrinter,
  outer: ReadonlyMap<Axis, string> = new Map(),
): void {
  const { output, row } = kernel;
  const names = new Map([...outer, ...kernel.axes.map((a, d) => [a, `${a.name}_${d}`] as const)]);
  const language = dialect(nameOf);
  const { statements, result } = printBody(expandPadding(kernel.body), names, language);
  const at = [
    ...(row ? [printBody(row, names, language).result] : []),
    ...kernel.axes.map((a) => names.get(a)!),
  ];
  const position = at.map((i, d) => `${i} * ${stride(output.shape, d)}`);
  const nest = (d: number) => {
    const axis = kernel.axes[d];
    if (axis) {
      const i = names.get(axis)!;
      code.block(`for (let ${i} = 0; ${i} < ${axis.extent}; ${i}++)`, () => nest(d + 1));
    } else {
      code.lines(statements);
      code.line(`${nameOf(kernel.output)}[${position.join(" + ") || "0"}] = ${result};`);
    }
  };
  code.line(`// ${kernel.name}`).block("", () => nest(0));
}

const stride = (shape: readonly number[], d: number) => sizeOf(shape.slice(d + 1));

const dialect = (nameOf: (b: TensorBuffer) => string): Dialect => ({
  constant: literal,
  call: printCall,
  load: (e, at) => {
    const position = at.map((i, d) => `${i} * ${stride(e.buffer.shape, d)}`);
    return `${nameOf(e.buffer)}[${position.join(" + ") || "0"}]`;
  },
  declare: (name, _, value) => `const ${name} = ${value};`,
  start: (name, op) => `let ${name} = ${identityOf(op)};`,
  accumulate: (name, op, value) =>
    op === "sum" ? `${name} += ${value};` : `${name} = Math.max(${name}, ${value});`,
  loop: (i, axis) => ({
    open: [`for (let ${i} = 0; ${i} < ${axis.extent}; ${i}++) {`],
    close: ["}"],
  }),
});

function printCall(e: Call, args: readonly string[]): string {
  const common = commonCall(e, args);
  if (common !== undefined) return common;
  if (e.fn === "idiv") return `Math.floor(${args[0]} / ${args[1]})`;
  if (e.fn === "erf") return `erf(${args[0]})`;
  return e.fn === "toInt" ? `Math.floor(${args[0]})` : args[0]!;
}

/**
 * The error function to double precision: its Taylor series near zero, the continued fraction of erfc
 * further out (Abramowitz & Stegun 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80 && term > 1e-18; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
