/**
 * A program on gpu.js. Each procedure becomes plans of `gpu.createPipeline`, one of several steps and one of
 * a single step; constants stay with the kernels that read them, state goes in and comes out of every call.
 */
import { createRequire } from "node:module";
import type { GPU as GpuInstance } from "gpu.js";
import type { Compute, TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { allKernels } from "../../ir/kernels.ts";
import type {
  CompileOptions,
  Executable,
  Procedure,
  Program,
  Values,
  Variable,
} from "../../ir/program.ts";
import { internal, RunError } from "../../support/errors.ts";
import { memoryOf } from "../rows.ts";
import { type GpuKernel, printKernel } from "./kernel.ts";
import { type Mode, type ModeTraits, modes } from "./modes.ts";
import { type Run, Steps } from "./steps.ts";

export type GpuModule = typeof import("gpu.js");

/** gpu.js is CommonJS, and is only loaded when a program runs on it. */
export const loadGpuJs = (): GpuModule => createRequire(import.meta.url)("gpu.js") as GpuModule;

/** Loops are as long as the program says; gpu.js stops at 1000 unless told otherwise. */
const noLoopLimit = 2 ** 30;
/** Arithmetic operations of the largest kernel from which on threads pay for their barriers. */
const worthThreads = 100_000;

/** A gpu.js kernel or pipeline, called with handles or arrays; gpu.js types neither. */
type Callable = ((...args: unknown[]) => unknown) & { destroy(): unknown };
interface Pipeline extends Callable {
  readonly executorKind: string;
  readonly backend: string | null;
  readonly fallbackReason: string | null;
}

interface Plan {
  readonly pipeline: Pipeline;
  readonly steps: number;
  checked: boolean;
}

export class GpuExecutable implements Executable {
  readonly sources = new Map<string, string>();
  readonly #gpu: GpuInstance;
  readonly #module: GpuModule;
  readonly #mode: Mode;
  readonly #traits: ModeTraits;
  readonly #options: CompileOptions;
  readonly #procedures = new Map<string, Procedure>();
  readonly #variables = new Map<string, Variable>();
  readonly #values = new Map<string, Float32Array>();
  readonly #stepsOf = new Map<Procedure, Steps>();
  readonly #kernels = new Map<Compute, { readonly printed: GpuKernel; readonly run: Callable }>();
  readonly #plans = new Map<string, Plan>();
  readonly #close: () => Promise<void>;
  #ran: string | undefined;

  constructor(
    mode: Mode,
    program: Program,
    constants: ReadonlyMap<string, Values>,
    options: CompileOptions,
    module: GpuModule,
    close: () => Promise<void> = async () => {},
  ) {
    this.#mode = mode;
    this.#traits = modes[mode];
    this.#module = module;
    this.#options = options;
    this.#close = close;
    this.#gpu = new module.GPU({ mode: this.#traits.gpuMode as "cpu" });
    for (const v of program.variables) {
      this.#variables.set(v.name, v);
      this.#values.set(v.name, new Float32Array(v.constant ? 0 : sizeOf(v.shape)));
    }
    for (const [name, values] of constants) this.#values.set(name, asFloats(values));
    for (const p of program.procedures) {
      this.#procedures.set(p.name, p);
      this.sources.set(
        p.name,
        this.#print(p)
          .map((k) => k.source)
          .join("\n\n"),
      );
    }
  }

  readonly description = (): string =>
    `gpu.js ${this.#mode}${this.#ran === undefined ? "" : ` (${this.#ran})`}`;

  write(variable: string, values: Values): void {
    const own = this.#value(variable);
    if (own.length !== values.length) throw internal(`${variable}: ${values.length} values`);
    this.#values.set(variable, Float32Array.from(values));
  }

  lend(variable: string, values: Values): void {
    this.write(variable, values);
  }

  async read(variable: string): Promise<Float32Array> {
    return this.#value(variable).slice();
  }

  async run(name: string, steps: number): Promise<void> {
    const procedure = this.#procedures.get(name);
    if (!procedure) throw internal(`no procedure ${name}`);
    const { stepsPerCall, mostCalls } = this.#traits;
    const fitting = Math.max(1, Math.floor(mostCalls / this.#steps(procedure).calls));
    const numbers = stepsPerCall.map((n) => Math.min(n, fitting));
    for (let left = steps; left > 0; ) {
      const plan = this.#plan(procedure, numbers.find((n) => n <= left) ?? 1);
      await this.#call(procedure, plan);
      left -= plan.steps;
    }
  }

  async dispose(): Promise<void> {
    for (const { pipeline } of this.#plans.values()) await pipeline.destroy();
    this.#plans.clear();
    this.#kernels.clear();
    this.#values.clear();
    await this.#gpu.destroy();
    await this.#close();
  }

  #value(variable: string): Float32Array {
    const found = this.#values.get(variable);
    if (!found) throw internal(`no variable ${variable}`);
    return found;
  }

  #isConstant = (b: TensorBuffer) => this.#variables.get(b.name) === b && (b as Variable).constant;

  #print(procedure: Procedure): readonly GpuKernel[] {
    const ctx = { traits: this.#traits, isConstant: this.#isConstant };
    return this.#steps(procedure)
      .kernels()
      .map((k) => printKernel(k, ctx));
  }

  #steps(procedure: Procedure): Steps {
    const known = this.#stepsOf.get(procedure) ?? new Steps(procedure, this.#traits.maxInputs);
    this.#stepsOf.set(procedure, known);
    return known;
  }

  /** The variables a procedure takes as arguments: all it reads or changes that are not constant. */
  #arguments(procedure: Procedure): readonly Variable[] {
    const used = new Set<TensorBuffer>(procedure.updates.map((u) => u.variable));
    for (const k of this.#print(procedure)) for (const b of k.inputs) used.add(memoryOf(b));
    return [...this.#variables.values()].filter((v) => used.has(v) && !v.constant);
  }

  #compiled(kernel: Compute): { readonly printed: GpuKernel; readonly run: Callable } {
    const known = this.#kernels.get(kernel);
    if (known) return known;
    const printed = printKernel(kernel, { traits: this.#traits, isConstant: this.#isConstant });
    const constants = [...printed.constants].map(([name, b]) => [
      name,
      this.#input(this.#value(b.name)),
    ]);
    const run = this.#gpu.createKernel(printed.source, {
      output: [...printed.output],
      constants: Object.fromEntries(constants),
      ...({ loopMaxIterations: noLoopLimit } as object),
    });
    const made = { printed, run: run as unknown as Callable };
    this.#kernels.set(kernel, made);
    return made;
  }

  /** Every array is passed flat: one type of argument everywhere, so that no kernel is compiled twice. */
  #input(values: Float32Array): unknown {
    const { Input } = this.#module as unknown as {
      Input: new (v: Float32Array, size: number[]) => unknown;
    };
    return new Input(values, [values.length]);
  }

  #plan(procedure: Procedure, steps: number): Plan {
    const key = `${procedure.name}/${steps}`;
    const known = this.#plans.get(key);
    if (known) return known;
    const names = this.#arguments(procedure);
    const all = this.#steps(procedure);
    const call: Run = (kernel, read) => {
      const { printed, run } = this.#compiled(kernel);
      return run(...printed.inputs.map(read));
    };
    const record = (...handles: unknown[]): unknown[] => {
      let state = new Map<TensorBuffer, unknown>(names.map((v, i) => [v, handles[i]]));
      for (let step = 0; step < steps; step++) {
        const read = all.run(state, call);
        state = new Map(state);
        for (const { variable, next } of procedure.updates) state.set(variable, read(next));
      }
      return procedure.updates.map((u) => state.get(u.variable));
    };
    // gpu.js counts the arguments by the function's length.
    Object.defineProperty(record, "length", { value: names.length });
    const threads = this.#options.threads !== 1 && largestKernel(procedure) >= worthThreads;
    const pipeline = this.#gpu.createPipeline(record, { threads }) as unknown as Pipeline;
    const plan = { pipeline, steps, checked: false };
    this.#plans.set(key, plan);
    return plan;
  }

  async #call(procedure: Procedure, plan: Plan): Promise<void> {
    const args = this.#arguments(procedure).map((v) => this.#input(this.#value(v.name)));
    const results = (await plan.pipeline(...args)) as unknown[];
    if (!plan.checked) this.#check(plan);
    for (const [i, { variable }] of procedure.updates.entries()) {
      this.#values.set(variable.name, flat(results[i], sizeOf(variable.shape)));
    }
  }

  /** gpu.js goes on with something slower when a mode fails; here that is an error. */
  #check(plan: Plan): void {
    const { executorKind, backend, fallbackReason } = plan.pipeline;
    const { ran } = this.#traits;
    if (backend !== ran.backend || !ran.executors.includes(executorKind)) {
      throw new RunError(
        `gpu.js did not run in mode ${this.#mode}: it fell back to ${backend ?? "nothing"}, ${executorKind}${fallbackReason ? ` (${fallbackReason})` : ""}`,
        "choose another --backend; `nnc backends` lists what works here",
      );
    }
    this.#ran = executorKind;
    plan.checked = true;
  }
}

/** Arithmetic of the largest kernel: what one barrier has to pay for. */
const largestKernel = ({ kernels, flops }: Procedure): number =>
  kernels.length === 0
    ? 0
    : Math.max(flops / kernels.length, ...allKernels(kernels).map((k) => sizeOf(k.output.shape)));

const asFloats = (values: Values): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

/** A result of any rank as one array, without a copy where its rows lie in one buffer. */
function flat(result: unknown, size: number): Float32Array {
  if (result instanceof Float32Array) return result;
  const rows: Float32Array[] = [];
  const collect = (value: unknown) => {
    if (value instanceof Float32Array) rows.push(value);
    else if (Array.isArray(value)) for (const v of value) collect(v);
    else if (typeof value === "number") rows.push(Float32Array.of(value));
  };
  collect(result);
  const first = rows[0];
  if (first && first.buffer.byteLength === 4 * size) return new Float32Array(first.buffer);
  const joined = new Float32Array(size);
  let at = 0;
  for (const row of rows) {
    joined.set(row, at);
    at += row.length;
  }
  if (at !== size) throw internal(`gpu.js returned ${at} values, not ${size}`);
  return joined;
}
