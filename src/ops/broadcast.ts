/**
 * Broadcasting and summing, each other's gradient. The order of summation is fixed: row-major over the
 * summed dimensions.
 */
import {
  type Access,
  type Axis,
  type Expr,
  index,
  int,
  type ReduceOp,
  reduce,
} from "../ir/expr.ts";
import { defineOp, type Shape, sameShape, sizeOf, type Tensor } from "../ir/graph.ts";
import { internal, invariant } from "../support/errors.ts";
import { fill, fillValue, reshape } from "./view.ts";

// broadcast: dimensions of extent 1 and missing leading ones repeat.
const broadcastOp = defineOp<{ shape: Shape }>({
  work: () => 0,
  repeats: true,
  name: "broadcast",
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  lower([x], at, y) {
    const from = y.inputs[0]!.type.shape;
    const own = at.slice(at.length - from.length);
    return x!(own.map((i, d) => (from[d] === 1 ? int(0) : i)));
  },
  grad: (dy, y) => [sumTo(dy, y.inputs[0]!.type.shape)],
  simplify(y) {
    const [x] = y.inputs;
    const value = fillValue(x!);
    if (value !== undefined) return fill(value, y.type.shape, y.type.dtype);
    return sameShape(x!.type.shape, y.type.shape) ? x : undefined;
  },
  // What never changes stays as small as it is; what does is scaled before it repeats, not after.
  scaleShift([x], y) {
    const { core, shift } = x!;
    if (core || !shift) return undefined;
    const lead = y.type.shape.length - shift.type.shape.length;
    return { shift: reshape(shift, [...Array<number>(lead).fill(1), ...shift.type.shape]) };
  },
});
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.type.shape, shape)) return x;
  invariant(
    sameShape(broadcastShapes([x.type.shape, shape]), shape),
    () => `[${x.type.shape}] does not broadcast to [${shape}]`,
  );
  return broadcastOp([x], { shape });
}
/** The common shape of operands that broadcast against each other. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, d) => {
    const extents = shapes.map((s) => s[s.length - rank + d] ?? 1).filter((n) => n !== 1);
    if (new Set(extents).size > 1) {
      throw internal(`shapes ${shapes.map((s) => `[${s}]`).join(" and ")} do not broadcast`);
    }
    return extents[0] ?? 1;
  });
}
/** Adds up what a broadcast repeated: the gradient of `broadcastTo`. */
function sumTo(x: Tensor, shape: Shape): Tensor {
  const lead = x.type.shape.length - shape.length;
  const axes = x.type.shape.flatMap((n, d) =>
    d < lead || (shape[d - lead] === 1 && n !== 1) ? [d] : [],
  );
  return reshape(sum(x, axes, lead === 0), shape);
}

/** Which dimensions a reduction runs over, and whether they stay with extent 1 or disappear. */
export interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keep: boolean;
}

// sum over whole dimensions.
const sumOp = defineOp<ReduceAttrs>({
  name: "sum",
  infer: ([x], attrs) => ({ shape: reducedShape(x!.shape, attrs), dtype: x!.dtype }),
  lower: ([x], at, y) => reduceDims("sum", x!, at, y.inputs[0]!.type.shape, y.attrs),
  grad(dy, y) {
    const { shape } = y.inputs[0]!.type;
    return [broadcastTo(reshape(dy, keptShape(shape, y.attrs.dims)), shape)];
  },
  reads: (y) => [sizeOf(y.inputs[0]!.type.shape)],
  work: (y) => sizeOf(y.inputs[0]!.type.shape) / sizeOf(y.type.shape),
  simplify(y) {
    const value = fillValue(y.inputs[0]!);
    const count = sizeOf(y.inputs[0]!.type.shape) / sizeOf(y.type.shape);
    return value === undefined ? undefined : fill(value * count, y.type.shape, y.type.dtype);
  },
});

/** Sum over the given dimensions (default all); they stay with extent 1 if `keep`, else disappear. */
export function sum(x: Tensor, dims: readonly number[] = allDims(x), keep = true): Tensor {
  const attrs = { dims, keep };
  const trivial = dims.every((d) => x.type.shape[d] === 1);
  return trivial ? reshape(x, reducedShape(x.type.shape, attrs)) : sumOp([x], attrs);
}

export const reducedShape = (shape: Shape, { dims, keep }: ReduceAttrs): Shape =>
  keep ? keptShape(shape, dims) : withoutDims(shape, dims);
/** The shape with the given dimensions made 1. */
export const keptShape = (shape: Shape, dims: readonly number[]): Shape =>
  shape.map((n, d) => (dims.includes(d) ? 1 : n));
export const withoutDims = (shape: Shape, dims: readonly number[]): Shape =>
  shape.filter((_, d) => !dims.includes(d));
export const allDims = (x: Tensor): readonly number[] => x.type.shape.map((_, d) => d);

/** The reduction of an input's element over some of its dimensions. */
export function reduceDims(
  op: ReduceOp,
  x: Access,
  at: readonly Expr[],
  shape: Shape,
  { dims, keep }: ReduceAttrs,
): Expr {
  const axes = new Map(
    dims
      .filter((d) => shape[d]! > 1)
      .map((d): [number, Axis] => [d, { name: "r", extent: shape[d]! }]),
  );
  const rest = [...at];
  const inner = shape.map((_, d) => {
    const outer = keep || !dims.includes(d) ? rest.shift()! : int(0);
    return axes.has(d) ? index(axes.get(d)!) : outer;
  });
  return reduce(op, [...axes.values()], x(inner));
}
