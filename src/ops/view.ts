/**
 * Views: ops that only move data, as maps from the result's indices to the input's. Their gradients are
 * views or sums. No view costs a copy unless the compiler decides that one pays.
 */
import { call, constant, type DType, type Expr, int } from "../ir/expr.ts";
import { defineOp, type Op, type Shape, sameShape, sizeOf, type Tensor } from "../ir/graph.ts";
import { flatten, rangeOf, readOrZero, unflatten } from "../ir/index-algebra.ts";
import { invariant } from "../support/errors.ts";

const moved = { work: () => 0 };

// fill: the same value everywhere.
const fillOp: Op<{ value: number; shape: Shape; dtype: DType }> = {
  ...moved,
  name: "fill",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  lower: (_, __, { attrs }) => (attrs.dtype === "f32" ? constant(attrs.value) : int(attrs.value)),
  grad: () => [],
  scaleShift: (_, { attrs: { value, shape, dtype } }) => ({
    shift: fill(
      value,
      shape.map(() => 1),
      dtype,
    ),
  }),
};
const applyFill = defineOp(fillOp);
export const fill = (value: number, shape: Shape, dtype: DType = "f32"): Tensor =>
  applyFill([], { value, shape, dtype });
/** The value a tensor is full of, if it was made by `fill`. */
export const fillValue = (x: Tensor): number | undefined =>
  x.op === (fillOp as Op) ? (x.attrs as { value: number }).value : undefined;

/** 0, 1, 2 … along one dimension. */
const iotaOp = defineOp<{ shape: Shape; dim: number }>({
  ...moved,
  name: "iota",
  infer: (_, { shape }) => ({ shape, dtype: "i32" }),
  lower: (_, at, { attrs }) => at[attrs.dim]!,
  grad: () => [],
});
export const iota = (shape: Shape, dim = 0): Tensor => iotaOp([], { shape, dim });

// reshape: the same elements in row-major order.
const reshapeOp = defineOp<{ shape: Shape }>({
  ...moved,
  name: "reshape",
  keepsOrder: true,
  infer([x], { shape }) {
    invariant(sizeOf(x!.shape) === sizeOf(shape), `reshape [${x!.shape}] to [${shape}]`);
    return { shape, dtype: x!.dtype };
  },
  lower: ([x], at, y) => x!(unflatten(flatten(at, y.type.shape), y.inputs[0]!.type.shape)),
  lowerPadded([x], at, y) {
    const own = paddedIndices(at, y.type.shape, y.inputs[0]!.type.shape);
    return own && x!.padded?.(own);
  },
  grad: (dy, y) => [reshape(dy, y.inputs[0]!.type.shape)],
  simplify(y) {
    const [x] = y.inputs;
    const value = fillValue(x!);
    if (value !== undefined) return fill(value, y.type.shape, y.type.dtype);
    if (x!.op === y.op) return reshape(x!.inputs[0]!, y.type.shape);
    return sameShape(x!.type.shape, y.type.shape) ? x : undefined;
  },
  scaleShift([form], y) {
    const { core, scale, shift } = form!;
    const from = y.inputs[0]!.type.shape;
    const moved = (x: Tensor | undefined) => x && reshapeRepeating(x, from, y.type.shape);
    const [a, b] = [moved(scale), moved(shift)];
    if ((scale && !a) || (shift && !b)) return undefined;
    return { ...(core ? { core: reshape(core, y.type.shape) } : {}), scale: a, shift: b };
  },
  absorb(y, scale, { absorb }) {
    const [x] = y.inputs;
    const inner = reshapeRepeating(scale, y.type.shape, x!.type.shape);
    const scaled = inner && absorb(x!, inner);
    return scaled && reshape(scaled, y.type.shape);
  },
});
/** Runs of dimensions that hold the same elements in two shapes: where each begins and ends in both. */
function* commonRuns(from: Shape, to: Shape) {
  let d = 0;
  for (let e = 0; e < to.length || d < from.length; ) {
    const [start, first] = [e, d];
    let [own, other] = [to[e++] ?? 1, from[d++] ?? 1];
    while (own !== other) {
      if (own < other) own *= to[e++]!;
      else other *= from[d++]!;
    }
    yield { from: [first, d], to: [start, e], size: own } as const;
  }
}
/**
 * What repeats along dimensions of extent 1 to the shape `from`, such that it repeats to the shape `to`: in each run of
 * dimensions that both have it has all elements or one.
 */
function reshapeRepeating(x: Tensor, from: Shape, to: Shape): Tensor | undefined {
  const shape: number[] = [];
  for (const run of commonRuns(from, to)) {
    const kept = sizeOf(x.type.shape.slice(...run.from));
    if (kept !== 1 && kept !== run.size) return undefined;
    shape.push(...to.slice(...run.to).map((n) => (kept === 1 ? 1 : n)));
  }
  return reshape(x, shape);
}
/**
 * Indices into `to` from those into `from` that may lie outside: only along a dimension that both have. Elsewhere what is
 * outside in one is another element in the other.
 */
function paddedIndices(at: readonly Expr[], from: Shape, to: Shape): readonly Expr[] | undefined {
  const own: Expr[] = [];
  for (const run of commonRuns(from, to)) {
    const [before, after] = [from.slice(...run.from), to.slice(...run.to)];
    const indices = at.slice(...run.from);
    const isInside = (i: Expr, d: number) => rangeOf(i)[0] >= 0 && rangeOf(i)[1] < before[d]!;
    if (before.length === 1 && after.length === 1) own.push(...indices);
    else if (indices.every(isInside)) own.push(...unflatten(flatten(indices, before), after));
    else return undefined;
  }
  return own;
}
export const reshape = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.type.shape, shape) ? x : reshapeOp([x], { shape });

// transpose: dimension d of the result is dimension order[d] of the input.
const transposeOp = defineOp<{ order: readonly number[] }>({
  ...moved,
  name: "transpose",
  infer: ([x], { order }) => ({ shape: order.map((d) => x!.shape[d]!), dtype: x!.dtype }),
  lower: ([x], at, y) => x!(inverse(y.attrs.order).map((d) => at[d]!)),
  lowerPadded: ([x], at, y) => x!.padded?.(inverse(y.attrs.order).map((d) => at[d]!)),
  grad: (dy, y) => [transpose(dy, inverse(y.attrs.order))],
  scaleShift([form], { attrs: { order } }) {
    const { core, scale, shift } = form!;
    const moved = (x: Tensor | undefined) => x && transpose(x, order);
    return {
      ...(core ? { core: transpose(core, order) } : {}),
      scale: moved(scale),
      shift: moved(shift),
    };
  },
});
const inverse = (order: readonly number[]) => order.map((_, d) => order.indexOf(d));
export const transpose = (x: Tensor, order: readonly number[]): Tensor =>
  order.every((d, i) => d === i) ? x : transposeOp([x], { order });

// slice: elements start, start + step, … along each dimension.
interface SliceAttrs {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly shape: Shape;
}
const sliceOp = defineOp<SliceAttrs>({
  ...moved,
  name: "slice",
  infer([x], { start, step, shape }) {
    const last = shape.map((n, d) => start[d]! + (n - 1) * step[d]!);
    invariant(
      x!.shape.every((n, d) => start[d]! >= 0 && start[d]! < n && last[d]! >= 0 && last[d]! < n),
      () => `slice [${shape}] from [${start}] by [${step}] of [${x!.shape}]`,
    );
    return { shape, dtype: x!.dtype };
  },
  lower: ([x], at, { attrs: { start, step } }) =>
    x!(at.map((i, d) => call("add", call("mul", i, int(step[d]!)), int(start[d]!)))),
  grad: (dy, y) => [place(dy, y.attrs.start, y.attrs.step, y.inputs[0]!.type.shape)],
});
/** Steps may be negative (flip). */
export const slice = (
  x: Tensor,
  start: readonly number[],
  shape: Shape,
  step: readonly number[] = start.map(() => 1),
): Tensor => sliceOp([x], { start, step, shape });
/** The same elements in reverse order along one dimension. */
export function flip(x: Tensor, dim: number): Tensor {
  const { shape } = x.type;
  return slice(
    x,
    shape.map((n, d) => (d === dim ? n - 1 : 0)),
    shape,
    shape.map((_, d) => (d === dim ? -1 : 1)),
  );
}

// place: the input's elements at start, start + step, …; zeros elsewhere (pad, dilate; slice's gradient).
const placeOp = defineOp<SliceAttrs>({
  ...moved,
  name: "place",
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  lower([x], at, y) {
    const { start, step } = y.attrs;
    const tests: Expr[] = [];
    const from = at.map((i, d) => {
      const n = step[d]!;
      const forward = n > 0 ? call("sub", i, int(start[d]!)) : call("sub", int(start[d]!), i);
      if (Math.abs(n) === 1) return forward;
      // Shifted by a multiple of the step, so that division and remainder see no negative number.
      const lift = Math.ceil(y.type.shape[d]! / Math.abs(n));
      const lifted = call("add", forward, int(lift * Math.abs(n)));
      tests.push(call("eq", call("mod", lifted, int(Math.abs(n))), int(0)));
      return call("sub", call("idiv", lifted, int(Math.abs(n))), int(lift));
    });
    const condition = tests.length > 0 ? tests.reduce((a, b) => call("and", a, b)) : undefined;
    return readOrZero(x!, from, y.inputs[0]!.type.shape, condition);
  },
  grad: (dy, y) => [slice(dy, y.attrs.start, y.inputs[0]!.type.shape, y.attrs.step)],
});
/** Puts `x` into zeros of the given shape. */
export const place = (
  x: Tensor,
  start: readonly number[],
  step: readonly number[],
  shape: Shape,
): Tensor => placeOp([x], { start, step, shape });
/** Zeros before and after each dimension. */
export const pad = (x: Tensor, before: readonly number[], after: readonly number[]): Tensor =>
  place(
    x,
    before,
    before.map(() => 1),
    x.type.shape.map((n, d) => n + before[d]! + after[d]!),
  );

// concatenate along one dimension.
const concatenateOp = defineOp<{ dim: number }>({
  ...moved,
  name: "concatenate",
  infer: (inputs, { dim }) => ({
    shape: inputs[0]!.shape.map((n, d) =>
      d === dim ? inputs.reduce((s, x) => s + x.shape[d]!, 0) : n,
    ),
    dtype: inputs[0]!.dtype,
  }),
  lower(inputs, at, y) {
    const { dim } = y.attrs;
    const parts = offsets(y.inputs, dim).map(({ start, size }, k) => {
      const own = call("sub", at[dim]!, int(start));
      const inside = call("max", call("min", own, int(size - 1)), int(0));
      return { end: start + size, value: inputs[k]!(at.map((i, d) => (d === dim ? inside : i))) };
    });
    return parts.reduceRight<Expr | undefined>(
      (rest, { end, value }) =>
        rest === undefined ? value : call("select", call("lt", at[dim]!, int(end)), value, rest),
      undefined,
    )!;
  },
  grad: (dy, y) =>
    offsets(y.inputs, y.attrs.dim).map(({ start }, k) =>
      slice(
        dy,
        y.type.shape.map((_, d) => (d === y.attrs.dim ? start : 0)),
        y.inputs[k]!.type.shape,
      ),
    ),
});
function offsets(inputs: readonly Tensor[], dim: number) {
  let start = 0;
  return inputs.map((x) => {
    const size = x.type.shape[dim]!;
    start += size;
    return { start: start - size, size };
  });
}
export const concatenate = (inputs: readonly Tensor[], dim: number): Tensor =>
  inputs.length === 1 ? inputs[0]! : concatenateOp(inputs, { dim });
