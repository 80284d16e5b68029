/**
 * Products in a nest: a sum over one product of two loads, with whatever is done to the sum afterwards. Here
 * indices become strides: from this point on nobody knows which operation it was.
 */
import type { Axis, Expr, Load, TensorBuffer } from "../../../ir/expr.ts";
import type { Shape } from "../../../ir/graph.ts";
import { flatten, IndexAlgebra, rangeOf } from "../../../ir/index-algebra.ts";
import { onlyReduction } from "../../../ir/reductions.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { isVectorFunction } from "../c.ts";
import { type Layout, padded, panels, runsOf } from "../layout.ts";
import type { Nest } from "../nests/nest.ts";

/** Stands for the finished sum in an epilogue. */
export const accumulator: TensorBuffer = { name: "sum", shape: [], dtype: "f32" };

export interface Product {
  readonly nest: Nest;
  readonly summed: readonly Axis[];
  readonly a: Load;
  readonly b: Load;
  /** The stores with the sum replaced by a load of `accumulator`. */
  readonly epilogue: readonly { readonly buffer: TensorBuffer; readonly value: Expr }[];
}

/** The nest's reduction, if it has one only; its stores may share it. */
export const reductionOf = (nest: Nest) => onlyReduction(nest.stores.map((s) => s.value));

/** The nest as a product, or undefined: then it is printed as plain loops. */
export function findProduct(nest: Nest): Product | undefined {
  const reduce = reductionOf(nest);
  if (reduce?.op !== "sum") return undefined;
  const { body } = reduce;
  if (body.kind !== "call" || body.fn !== "mul") return undefined;
  const [a, b] = body.args;
  if (a?.kind !== "load" || b?.kind !== "load") return undefined;
  if (a.buffer.dtype !== "f32" || b.buffer.dtype !== "f32") return undefined;
  const total: Load = { kind: "load", buffer: accumulator, at: [] };
  const epilogue = nest.stores.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => (e.kind === "reduce" ? total : e)),
  }));
  const simple = epilogue.every(({ value }) => usesOnlyLoads(value));
  return simple ? { nest, summed: reduce.axes, a, b, epilogue } : undefined;
}

/** An epilogue works on whole vectors: indices may occur in addresses only. */
function usesOnlyLoads(value: Expr): boolean {
  if (value.kind === "index") return false;
  if (value.kind === "load") return value.buffer.dtype === "f32";
  if (value.kind === "call") return isVectorFunction(value.fn) && value.args.every(usesOnlyLoads);
  return value.kind === "const";
}

/** How an operand moves: elements per step of each axis, from `base`. */
export interface Strided {
  readonly base: number;
  readonly strides: ReadonlyMap<Axis, number>;
}

/**
 * An address as strides, or undefined where it is not linear in this layout: only the vector axis, which moves
 * by whole blocks, may walk a blocked dimension.
 */
export function stridesIn(
  at: readonly Expr[],
  shape: Shape,
  layout: Layout,
  vector: Axis,
  algebra: IndexAlgebra,
): Strided | undefined {
  const parts = runsOf(layout, shape).map(([first, end, stride]) => ({
    index: flatten(at.slice(first, end), shape.slice(first, end)),
    stride,
    blocked: layout.block?.dim === first,
  }));
  const strides = new Map<Axis, number>();
  let { base } = layout;
  for (const { index, stride, blocked } of parts) {
    const { constant, terms } = algebra.linear(index);
    const [only] = terms;
    const byBlocks = only?.atom.kind === "index" && only.atom.axis === vector;
    const whole = terms.length === 1 && only?.coefficient === 1;
    const { block } = layout;
    if (blocked && !(byBlocks && whole && constant >= 0 && constant % block!.width === 0))
      return undefined;
    base += blocked ? (constant / block!.width) * block!.stride : constant * stride;
    for (const { atom, coefficient } of terms) {
      if (atom.kind !== "index") return undefined;
      strides.set(atom.axis, (strides.get(atom.axis) ?? 0) + coefficient * stride);
    }
  }
  return { base, strides };
}

/** How far indices reach outside their dimensions. */
export function outside(
  load: Load,
): { before: readonly number[]; after: readonly number[] } | undefined {
  const ranges = load.at.map(rangeOf);
  const before = ranges.map(([lo]) => Math.max(0, -lo));
  const after = ranges.map(([, hi], d) => Math.max(0, hi - load.buffer.shape[d]! + 1));
  return [...before, ...after].some((n) => n > 0) ? { before, after } : undefined;
}

/** A layout with zeros wherever the load may read outside. */
export function paddedFor(load: Load): Layout {
  const none = load.at.map(() => 0);
  const { before, after } = outside(load) ?? { before: none, after: none };
  return padded(load.buffer.shape, before, after);
}

/** The dimension of a load that an axis walks with step 1, if it is the only one there, and from where on. */
export function columnsOf(
  { at }: Pick<Load, "at">,
  axis: Axis,
  algebra = new IndexAlgebra(),
): { readonly dim: number; readonly first: number } | undefined {
  for (const [dim, e] of at.entries()) {
    const { constant, terms } = algebra.linear(e);
    const [only] = terms;
    const isOwn = only?.atom.kind === "index" && only.atom.axis === axis && only.coefficient === 1;
    if (isOwn && terms.length === 1) return { dim, first: constant };
  }
  return undefined;
}

export const panelsFor = (load: Load, dim: number, width: number): Layout =>
  panels(load.buffer.shape, dim, width);
