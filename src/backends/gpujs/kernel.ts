/**
 * A kernel as a gpu.js function. All memory is flat. The forms, in order of preference:
 * - `tile`: a product of matrices, four neighbouring outputs at once (`tile.ts`);
 * - `line`: one flat index, where all axes merge, or where a target has only one;
 * - `grid`: up to three indices, so that nothing is divided.
 */
import {
  type Axis,
  buffersRead,
  type Compute,
  type Expr,
  type TensorBuffer,
} from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { expandPadding } from "../../ir/index-algebra.ts";
import { expand } from "../expand.ts";
import { divides, FlatViews, flattenBody, splitAxis } from "../flat.ts";
import { type PrintedBody, printBody } from "../printer.ts";
import { asFloat, dialect, Integers, readsFar } from "./dialect.ts";
import type { ModeTraits } from "./modes.ts";
import { printTile } from "./tile.ts";
import { unrollSums } from "./unroll.ts";

/** A kernel's source, its output as gpu.js counts it (x, y, z) and what it reads, in order of arguments. */
export interface GpuKernel {
  readonly name: string;
  readonly form: "tile" | "line" | "grid";
  readonly source: string;
  readonly output: readonly number[];
  readonly inputs: readonly TensorBuffer[];
  /** Buffers that are read as constants, with the name in `this.constants`. */
  readonly constants: ReadonlyMap<string, TensorBuffer>;
}

export interface KernelContext {
  readonly traits: ModeTraits;
  /** Whether a buffer is written once, before the first step. */
  readonly isConstant: (b: TensorBuffer) => boolean;
}

/** Largest number that a float counts to without gaps, less one bit for the half that division adds. */
const exactQuotients = 2 ** 23;

export function printKernel(compute: Compute, ctx: KernelContext): GpuKernel {
  const body = expand(expandPadding(compute.body), ctx.traits.expands);
  const kernel = { ...compute, body: unrollSums(body, ctx.traits.unrolls) };
  const reads = new Reads(buffersRead(kernel.body), ctx);
  const tile = ctx.traits.tiles ? printTile(kernel, reads) : undefined;
  const { form, output, lines } = tile ?? printPlain(kernel, reads, ctx.traits);
  const source = `function (${reads.parameters.join(", ")}) { // ${compute.name} [${compute.output.shape}], ${form}\n${lines.map((l) => `  ${l}`).join("\n")}\n}`;
  return {
    name: compute.name,
    form,
    source,
    output,
    inputs: reads.inputs,
    constants: reads.constants,
  };
}

/** What a kernel reads and how it calls it. */
export class Reads {
  readonly views = new FlatViews();
  readonly inputs: readonly TensorBuffer[];
  readonly constants: ReadonlyMap<string, TensorBuffer>;
  readonly parameters: readonly string[];
  /** Whether the mode has integer variables. */
  readonly integers: boolean;
  readonly #names = new Map<TensorBuffer, string>();
  constructor(buffers: readonly TensorBuffer[], { isConstant, traits }: KernelContext) {
    this.integers = traits.integers;
    this.inputs = buffers.filter((b) => !isConstant(b));
    const constants = buffers.filter(isConstant);
    this.parameters = this.inputs.map((_, i) => `x${i}`);
    for (const [i, b] of this.inputs.entries()) this.#names.set(b, `x${i}`);
    this.constants = new Map(constants.map((b, i) => [`c${i}`, b]));
    for (const [name, b] of this.constants) this.#names.set(b, `this.constants.${name}`);
  }
  readonly nameOf = (view: TensorBuffer): string => this.#names.get(this.views.origin(view))!;
}

export interface Printed {
  readonly form: GpuKernel["form"];
  readonly output: readonly number[];
  readonly lines: readonly string[];
}

/** Statements with their integer variables declared, and the return. */
export function functionLines(
  { statements, result }: PrintedBody,
  integers: Integers,
): readonly string[] {
  return [...integers.declarations, ...statements, ...integers.increments, `return ${result};`];
}

function printPlain(kernel: Compute, reads: Reads, traits: ModeTraits): Printed {
  const size = sizeOf(kernel.output.shape);
  const flat: Axis = { name: "f", extent: size };
  const body = flattenBody(kernel.body, splitAxis(flat, kernel.axes), reads.views);
  const lineOnly = traits.outputs === "line" || kernel.axes.length <= 1;
  const whole = kernel.output.shape.at(-1)! % 4 === 0 || size % 4 !== 0;
  if (lineOnly || !divides(body) || (!whole && size < exactQuotients)) {
    return finish("line", [size], body, new Map([[flat, "this.thread.x"]]), reads);
  }
  return printGrid(kernel, reads);
}

/** x is the last axis, y the one before, z all others. */
function printGrid(kernel: Compute, reads: Reads): Printed {
  const [y, x] = kernel.axes.slice(-2) as [Axis, Axis];
  const others = kernel.axes.slice(0, -2);
  const z: Axis = { name: "z", extent: sizeOf(others.map((a) => a.extent)) };
  const body = flattenBody(kernel.body, splitAxis(z, others), reads.views);
  const names = new Map([
    [x, "this.thread.x"],
    [y, "this.thread.y"],
    [z, "this.thread.z"],
  ]);
  const output = [x.extent, y.extent, ...(others.length > 0 ? [z.extent] : [])];
  return finish("grid", output, body, names, reads);
}

function finish(
  form: Printed["form"],
  output: readonly number[],
  body: Expr,
  names: ReadonlyMap<Axis, string>,
  reads: Reads,
): Printed {
  const integers = new Integers(reads.integers);
  const threads = [...names].map(([axis, index], d) => [axis, index, `i${d}`] as const);
  const own = reads.integers ? names : new Map(threads.map(([axis, , name]) => [axis, name]));
  const printed = printBody(body, own, dialect(reads.nameOf, integers, readsFar(body)));
  const lines = functionLines(printed, integers);
  if (reads.integers) return { form, output, lines };
  const floats = threads.map(([, index, name]) => `const ${name} = ${asFloat(index)};`);
  return { form, output, lines: [...floats, ...lines] };
}
