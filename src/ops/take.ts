/** Gathering by index from data: batches out of a dataset, rows out of an embedding. */
import { type Axis, call, constant, type Expr, index, reduce } from "../ir/expr.ts";
import { defineOp, type Op, type Shape, sizeOf, type Tensor } from "../ir/graph.ts";

// y[i…, rest…] = x[indices[i…], rest…]; indices must lie in 0 … x.shape[0]−1.
const takeOp = defineOp<undefined>({
  name: "take",
  infer: ([x, indices]) => ({ shape: [...indices!.shape, ...x!.shape.slice(1)], dtype: x!.dtype }),
  lower([x, indices], at, y) {
    const rank = y.inputs[1]!.type.shape.length;
    return x!([indices!(at.slice(0, rank)), ...at.slice(rank)]);
  },
  grad: (dy, y) => [scatterAdd(dy, y.inputs[1]!, y.inputs[0]!.type.shape), undefined],
  reads: (y) => [sizeOf(y.type.shape), sizeOf(y.type.shape)],
  work: () => 1,
});
/** Rows of `x` by whole-number `indices` (i32), which the caller has checked against `x.shape[0]`. */
export const take = (x: Tensor, indices: Tensor): Tensor => takeOp([x, indices], undefined);

// dx[v, rest…] = Σ over i with indices[i] = v of dy[i…, rest…]: a sum per row, as no target scatters safely.
// A backend may know a better way to find a row's terms than to look at all.
const scatterOp: Op<{ shape: Shape }> = {
  name: "scatterAdd",
  infer: (_, { shape }) => ({ shape, dtype: "f32" }),
  lower([dy, indices], [row, ...rest], y) {
    const axes = y.inputs[1]!.type.shape.map((extent): Axis => ({ name: "t", extent }));
    const at: Expr[] = axes.map(index);
    const hit = call("eq", indices!(at), row!);
    return reduce("sum", axes, call("select", hit, dy!([...at, ...rest]), constant(0)));
  },
  grad: (dy, y) => [take(dy, y.inputs[1]!), undefined],
  reads: (y) => [readsOf(y), readsOf(y)],
  // What it means, not what a backend makes of it: each element of dy is added once.
  work: (y) => sizeOf(y.inputs[0]!.type.shape) / sizeOf(y.type.shape),
};
const readsOf = (y: Tensor) => sizeOf(y.type.shape) * sizeOf(y.inputs[1]!.type.shape);
const applyScatter = defineOp(scatterOp);
/** Adds each `dy[i…]` to row `indices[i…]` of zeros: the gradient of `take`. */
export const scatterAdd = (dy: Tensor, indices: Tensor, shape: Shape): Tensor =>
  applyScatter([dy, indices], { shape });
