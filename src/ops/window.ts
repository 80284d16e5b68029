/**
 * Sliding windows: a view in which an element appears once for every window it is in, and the fold
 * that adds the windows up again. Each is the other's gradient. Pooling is a reduction of windows;
 * convolution needs none of this (`convolve.ts`).
 */
import { type Axis, call, constant, type Expr, index, int, reduce } from "../ir/expr.ts";
import { defineOp, type Op, type Shape, sizeOf, type Tensor } from "../ir/graph.ts";
import { readOrZero } from "../ir/index-algebra.ts";

/** Windows along one dimension: element k of window o is at `stride·o + dilation·k − before`. */
export interface Sliding {
  /** Elements of a window. */
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  /** How far the first window begins before the first element. */
  readonly before: number;
  /** Number of windows. */
  readonly out: number;
}
/** Windows over some dimensions of a tensor. */
export type Slides = readonly (Sliding & { readonly dim: number })[];

interface WindowAttrs {
  readonly slides: Slides;
  /** What a window holds where it reaches beyond the tensor. */
  readonly outside: number;
}

// y[…o…, k…] = x[…s·o + d·k − before…]
const windowOp: Op<WindowAttrs> = {
  name: "window",
  infer([x], { slides }) {
    const outer = x!.shape.map((n, d) => slides.find((s) => s.dim === d)?.out ?? n);
    return { shape: [...outer, ...slides.map((s) => s.size)], dtype: x!.dtype };
  },
  lower([x], at, y) {
    const { shape } = y.inputs[0]!.type;
    const { slides, outside } = y.attrs;
    const from = shape.map((_, d) => {
      const which = slides.findIndex((s) => s.dim === d);
      const slide = slides[which];
      if (!slide) return at[d]!;
      const within = call("mul", at[shape.length + which]!, int(slide.dilation));
      const start = call("mul", at[d]!, int(slide.stride));
      return call("sub", call("add", start, within), int(slide.before));
    });
    return readOrZero(x!, from, shape, undefined, constant(outside));
  },
  grad: (dy, y) => [fold(dy, y.attrs.slides, y.inputs[0]!.type.shape)],
  work: () => 0,
};
const applyWindow = defineOp(windowOp);
/**
 * The windows of `x`: a slid dimension becomes the number of windows, and the elements of a window are
 * new dimensions at the end, in the order of `slides`.
 */
export const windows = (x: Tensor, slides: Slides, outside = 0): Tensor =>
  applyWindow([x], { slides, outside });

// x[…i…] = Σ over the windows o that have i as element k: y[…o…, k…]
const foldOp: Op<{ slides: Slides; shape: Shape }> = {
  name: "fold",
  infer: ([y], { shape }) => ({ shape, dtype: y!.dtype }),
  lower([y], at, x) {
    const { slides, shape } = x.attrs;
    const places = slides.map((slide) => overlaps(slide, at[slide.dim]!));
    const outer = shape.map((_, d) => {
      const which = slides.findIndex((s) => s.dim === d);
      return places[which]?.window ?? at[d]!;
    });
    const tests = places.flatMap((p) => (p.test ? [p.test] : []));
    const element = readOrZero(
      y!,
      [...outer, ...places.map((p) => p.element)],
      x.inputs[0]!.type.shape,
      tests.length > 0 ? tests.reduce((a, b) => call("and", a, b)) : undefined,
    );
    return reduce(
      "sum",
      places.flatMap((p) => (p.axis ? [p.axis] : [])),
      element,
    );
  },
  grad: (dx, x) => [windows(dx, x.attrs.slides)],
  reads: (x) => [sizeOf(x.attrs.shape) * sizeOf(x.attrs.slides.map(overlapCount))],
  work: (x) => sizeOf(x.attrs.slides.map(overlapCount)),
};
const applyFold = defineOp(foldOp);
/** Adds up what windows over a tensor of the given shape hold, each element at its place. */
export const fold = (y: Tensor, slides: Slides, shape: Shape): Tensor =>
  applyFold([y], { slides, shape });

/** How many windows an element may be in; without dilation, as every stride-th element of them. */
const overlapCount = ({ size, stride, dilation }: Sliding): number =>
  dilation === 1 ? Math.ceil(size / stride) : size;

interface Overlap {
  readonly window: Expr;
  readonly element: Expr;
  /** What to sum over, if an element may be in several windows. */
  readonly axis?: Axis;
  readonly test?: Expr;
}

/** The windows an index is in, and as which of their elements: `s·o + d·k = i + before`. */
function overlaps(slide: Sliding, i: Expr): Overlap {
  const { size, stride, dilation, before } = slide;
  const count = overlapCount(slide);
  const target = before === 0 ? i : call("add", i, int(before));
  const axis: Axis = { name: "w", extent: count };
  const summed = count > 1 ? { axis } : {};
  if (dilation === 1) {
    // k = (i + before) mod s + s·turn, o = (i + before) div s − turn
    const [o, k] = [call("idiv", target, int(stride)), call("mod", target, int(stride))];
    if (count === 1) return { window: o, element: k };
    const turn = index(axis);
    const element = call("add", k, call("mul", turn, int(stride)));
    return { window: call("sub", o, turn), element, axis };
  }
  // k = turn, o = (i + before − d·k)/s where whole; lifted, as no quotient may be of a negative
  const turn = count > 1 ? index(axis) : int(0);
  const start = count > 1 ? call("sub", target, call("mul", turn, int(dilation))) : target;
  if (stride === 1) return { window: start, element: turn, ...summed };
  const lift = Math.ceil((dilation * (size - 1)) / stride);
  const lifted = call("add", start, int(lift * stride));
  const window = call("sub", call("idiv", lifted, int(stride)), int(lift));
  const test = call("eq", call("mod", lifted, int(stride)), int(0));
  return { window, element: turn, test, ...summed };
}
