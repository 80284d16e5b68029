/** Reductions over whole dimensions that need more than a sum. */
import { defineOp, type Shape, sizeOf, type Tensor } from "../ir/graph.ts";
import {
  allDims,
  broadcastTo,
  keptShape,
  type ReduceAttrs,
  reduceDims,
  reducedShape,
  sum,
  withoutDims,
} from "./broadcast.ts";
import {
  add,
  div,
  equal,
  exp,
  float,
  log,
  maximum,
  mul,
  neg,
  sqrt,
  square,
  stopGradient,
  sub,
  where,
} from "./pointwise.ts";
import { fill, iota, reshape } from "./view.ts";

export { sum } from "./broadcast.ts";

/** Who gets the gradient where several places hold the maximum: all, equally, or the first. */
export type Ties = "shared" | "first";

const maxOp = defineOp<ReduceAttrs & { ties: Ties }>({
  name: "max",
  infer: ([x], attrs) => ({ shape: reducedShape(x!.shape, attrs), dtype: x!.dtype }),
  lower: ([x], at, y) => reduceDims("max", x!, at, y.inputs[0]!.type.shape, y.attrs),
  grad(dy, y) {
    const [x] = y.inputs;
    const { dims, ties } = y.attrs;
    const { shape } = x!.type;
    const kept = keptShape(shape, dims);
    const hit = equal(x!, broadcastTo(reshape(y, kept), shape));
    const dx = reshape(dy, kept);
    if (ties === "shared") return [mul(hit, div(dx, sum(hit, dims)))];
    const first = firstPosition(hit, dims);
    return [mul(equal(position(shape, dims), first), dx)];
  },
  reads: (y) => [sizeOf(y.inputs[0]!.type.shape)],
  work: (y) => sizeOf(y.inputs[0]!.type.shape) / sizeOf(y.type.shape),
});

/** Maximum over the given dimensions (default all); they stay with extent 1 if `keep`, else disappear. */
export function max(
  x: Tensor,
  dims: readonly number[] = allDims(x),
  keep = true,
  ties: Ties = "shared",
): Tensor {
  const attrs = { dims, keep, ties };
  const trivial = dims.every((d) => x.type.shape[d] === 1);
  return trivial ? reshape(x, reducedShape(x.type.shape, attrs)) : maxOp([x], attrs);
}

/** Row-major position within the given dimensions. */
const position = (shape: Shape, dims: readonly number[]): Tensor =>
  float(
    dims.map((d) => iota(shape, d)).reduce((before, i, k) => add(mul(before, shape[dims[k]!]!), i)),
  );

/** Where the first 1 of a 0/1 tensor stands within the given dimensions, which are kept. */
function firstPosition(hit: Tensor, dims: readonly number[]): Tensor {
  const { shape } = hit.type;
  const missed = fill(-dims.reduce((n, d) => n * shape[d]!, 1), shape);
  // max(−position) over the hits is −(first position).
  return neg(max(where(hit, neg(position(shape, dims)), missed), dims));
}

export function mean(x: Tensor, dims: readonly number[] = allDims(x), keep = true): Tensor {
  const count = dims.reduce((n, d) => n * x.type.shape[d]!, 1);
  return mul(sum(x, dims, keep), 1 / count);
}

/** Index of the largest element along the last dimension, the first of equals; that dimension goes. */
export function argmax(x: Tensor): Tensor {
  const last = x.type.shape.length - 1;
  const hit = equal(x, broadcastTo(max(x, [last]), x.type.shape));
  return reshape(firstPosition(hit, [last]), withoutDims(x.type.shape, [last]));
}

/** log Σ eˣ over the last dimension (kept), shifted by the maximum so that nothing overflows. */
export function logSumExp(x: Tensor): Tensor {
  const last = x.type.shape.length - 1;
  const shift = stopGradient(max(x, [last]));
  return add(log(sum(exp(sub(x, shift)), [last])), shift);
}

/** x/max(‖x‖, ε) along the given dimensions, ε = 1e-7: Keras's `ops.normalize`. */
export function unitLength(x: Tensor, dims: readonly number[]): Tensor {
  // ε inside the root, so that a vector of zeros has a gradient.
  return div(x, sqrt(maximum(sum(square(x), dims), 1e-14)));
}
