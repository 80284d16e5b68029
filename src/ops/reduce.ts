/** Reductions over whole dimensions that need more than a sum. */
import { defineOp, sizeOf, type Tensor } from "../ir/graph.ts";
import { allDims, broadcastTo, keptShape, reduceDims, sum, withoutDims } from "./broadcast.ts";
import {
  add,
  div,
  equal,
  exp,
  float,
  log,
  mul,
  neg,
  stopGradient,
  sub,
  where,
} from "./pointwise.ts";
import { fill, iota, reshape } from "./view.ts";

export { sum } from "./broadcast.ts";

const maxOp = defineOp<{ dims: readonly number[] }>({
  name: "max",
  infer: ([x], { dims }) => ({ shape: keptShape(x!.shape, dims), dtype: x!.dtype }),
  lower: ([x], at, y) => reduceDims("max", x!, at, y.inputs[0]!.type.shape, y.attrs.dims),
  // The gradient is shared equally by all places that hold the maximum.
  grad(dy, y) {
    const [x] = y.inputs;
    const hit = equal(x!, broadcastTo(y, x!.type.shape));
    return [mul(hit, div(dy, sum(hit, y.attrs.dims)))];
  },
  reads: (y) => [sizeOf(y.inputs[0]!.type.shape)],
  work: (y) => sizeOf(y.inputs[0]!.type.shape) / sizeOf(y.type.shape),
});

/** Maximum over the given dimensions (default all), kept with extent 1 if `keep`. */
export function max(x: Tensor, dims: readonly number[] = allDims(x), keep = true): Tensor {
  const real = dims.filter((d) => x.type.shape[d] !== 1);
  const y = real.length === 0 ? x : maxOp([x], { dims: real });
  return keep ? y : reshape(y, withoutDims(x.type.shape, dims));
}

export function mean(x: Tensor, dims: readonly number[] = allDims(x), keep = true): Tensor {
  const count = dims.reduce((n, d) => n * x.type.shape[d]!, 1);
  return mul(sum(x, dims, keep), 1 / count);
}

/** Index of the largest element along the last dimension, the first of equals; that dimension goes. */
export function argmax(x: Tensor): Tensor {
  const last = x.type.shape.length - 1;
  const position = float(iota(x.type.shape, last));
  const hit = equal(x, broadcastTo(max(x, [last]), x.type.shape));
  // max(−position) over the hits is −(first position).
  const missed = fill(-x.type.shape[last]!, x.type.shape);
  return neg(max(where(hit, neg(position), missed), [last], false));
}

/** log Σ eˣ over the last dimension (kept), shifted by the maximum so that nothing overflows. */
export function logSumExp(x: Tensor): Tensor {
  const last = x.type.shape.length - 1;
  const shift = stopGradient(max(x, [last]));
  return add(log(sum(exp(sub(x, shift)), [last])), shift);
}
