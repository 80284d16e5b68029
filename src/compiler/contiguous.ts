/**
 * Gives products of matrices operands that are contiguous along the summed axis: where one is not, and it is
 * read often enough, a transposed copy goes before. Only for targets that ask for it.
 */
import {
  type Axis,
  type Compute,
  type Expr,
  index,
  type Load,
  type Loop,
  load,
  type Reduce,
  type TensorBuffer,
  walk,
} from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import { isKernel, rowOffset } from "../ir/kernels.ts";
import { rewrite } from "../ir/rewrite.ts";
import type { Lowered } from "./lower.ts";

/** Reads of each element from which on a copy pays. */
const worthCopying = 16;

export function makeContiguous(lowered: Lowered): Lowered {
  const kernels: (Compute | Loop)[] = [];
  const copies = new Map<TensorBuffer, Map<string, TensorBuffer>>();
  const transposed = (buffer: TensorBuffer, order: readonly number[]): TensorBuffer => {
    const known = copies.get(buffer) ?? new Map<string, TensorBuffer>();
    copies.set(buffer, known);
    const key = order.join();
    if (!known.has(key)) {
      const copy = transposeKernel(buffer, order);
      kernels.push(copy);
      known.set(key, copy.output);
    }
    return known.get(key)!;
  };
  const changed = (kernel: Compute, isSteady: (e: Load) => boolean): Compute => {
    const product = productOf(kernel);
    return product ? rewriteLoads(kernel, product, isSteady, transposed) : kernel;
  };
  for (const part of lowered.kernels) {
    if (isKernel(part)) kernels.push(changed(part, () => true));
    else {
      // What stays the same for all steps is copied before them.
      const own = new Set(part.kernels.map((k) => k.output));
      const isSteady = (e: Load) => !own.has(e.buffer) && rowOffset(e, part) === undefined;
      const steps = part.kernels.map((k) => changed(k, isSteady));
      kernels.push({ ...part, kernels: steps });
    }
  }
  return { ...lowered, kernels };
}

interface Product {
  readonly reduce: Reduce;
  readonly summed: Axis;
  readonly operands: readonly Load[];
}

/** Σ over one axis of a product of two loads, in whatever expression. */
function productOf({ body }: Compute): Product | undefined {
  const reduces: Reduce[] = [];
  walk(body, (e) => {
    if (e.kind === "reduce") reduces.push(e);
  });
  const [reduce] = reduces;
  if (reduces.length !== 1 || reduce?.op !== "sum" || reduce.axes.length !== 1) return undefined;
  const { body: inner } = reduce;
  if (inner.kind !== "call" || inner.fn !== "mul") return undefined;
  const operands = inner.args.filter((a) => a.kind === "load");
  return operands.length === 2 ? { reduce, summed: reduce.axes[0]!, operands } : undefined;
}

function rewriteLoads(
  kernel: Compute,
  { summed, operands }: Product,
  isSteady: (e: Load) => boolean,
  transposed: (buffer: TensorBuffer, order: readonly number[]) => TensorBuffer,
): Compute {
  const work = sizeOf(kernel.axes.map((a) => a.extent)) * summed.extent;
  const replace = (e: Expr): Expr => {
    if (e.kind !== "load" || !operands.includes(e) || !isSteady(e)) return e;
    const { buffer, at } = e;
    const d = at.findIndex((i) => i.kind === "index" && i.axis === summed);
    const plain = at.every((i) => i.kind === "index");
    const last = at.length - 1;
    if (!plain || d < 0 || d === last || work / sizeOf(buffer.shape) < worthCopying) return e;
    const order = [...at.keys()].filter((k) => k !== d).concat(d);
    return load(
      transposed(buffer, order),
      order.map((k) => at[k]!),
    );
  };
  return { ...kernel, body: rewrite(kernel.body, replace) };
}

function transposeKernel(buffer: TensorBuffer, order: readonly number[]): Compute {
  const shape = order.map((d) => buffer.shape[d]!);
  const axes = shape.map((extent, i): Axis => ({ name: "ijklmn"[i] ?? `i${i}`, extent }));
  const at = order.map((_, d) => index(axes[order.indexOf(d)]!));
  const output: TensorBuffer = { name: `${buffer.name}.transposed`, shape, dtype: buffer.dtype };
  return { name: output.name, output, axes, body: load(buffer, at) };
}
