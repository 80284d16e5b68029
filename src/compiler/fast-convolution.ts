/**
 * Convolutions with fewer multiplications (Toom and Cook; Winograd's minimal filtering). Along one dimension a
 * convolution is, tile by tile of m results and for r taps, the trilinear form Σ x[u + k]·w[k]·y[u], and that is
 * Σ over n = m + r − 1 points of (Bx)·(Gw)·(Ay) with fixed matrices: n products in place of m·r. Whichever of the three
 * is the result, the form is the same, so a convolution and both its gradients are one case: transform two operands,
 * multiply them point by point, which is a contraction again, and transform the result back. What two of the three share
 * (the transformed input, the transformed gradient, the transformed weights) is computed once, as everything equal is.
 *
 * The other dimensions are left alone: in two dimensions errors would grow with the square. Along one, the points below
 * cost half a decimal digit (`test/compiler/fast-convolution.test.ts`).
 */
import type { Axis } from "../ir/expr.ts";
import { type Graph, mapGraph, scoped, sizeOf, type Tensor } from "../ir/graph.ts";
import { isLoop, sectionsOf } from "../ir/loops.ts";
import type { Traits } from "../ir/program.ts";
import { type Affine, axisIndex, type ContractAttrs, compact } from "../ops/affine.ts";
import { combine, type Matrix } from "../ops/combine.ts";
import { asContraction, contract } from "../ops/contract.ts";
import { pad, reshape, slice, transpose } from "../ops/view.ts";
import { fold, windows } from "../ops/window.ts";

/** Finite points by their number; one more is at infinity. Chosen, of small dyadic numbers, for small errors. */
const points: Readonly<Record<number, readonly number[]>> = {
  2: [0, 1],
  3: [0, 1, -1],
  4: [0, 1, -1, 2],
  5: [0, 1, -1, 0.5, -2],
  6: [0, 1, -1, 2, -2, 0.5],
  7: [0, 1, -1, 2, -2, 0.5, -0.5],
};
const mostPoints = 8;

export interface Matrices {
  /** [n][n], for windows of x. */
  readonly b: Matrix;
  /** [n][r], for the taps. */
  readonly g: Matrix;
  /** [n][m], for tiles of y. */
  readonly a: Matrix;
}

/**
 * The matrices of F(m, r). Transposed from multiplying polynomials: evaluate both at points, multiply, interpolate
 * (Lagrange). At infinity the value is the leading coefficient.
 */
export function matricesOf(m: number, r: number): Matrices {
  const n = m + r - 1;
  const finite = points[n - 1]!;
  const powers = (count: number): Matrix => [
    ...finite.map((x) => Array.from({ length: count }, (_, k) => x ** k)),
    Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0)),
  ];
  const numerators = finite.map((_, i) => withRoots(finite.filter((__, j) => j !== i)));
  const at = (coefficients: readonly number[], x: number) =>
    coefficients.reduceRight((sum, c) => sum * x + c, 0);
  const scale = finite.map((x, i) => 1 / at(numerators[i]!, x));
  return {
    b: [...numerators.map((c) => [...c, 0]), withRoots(finite)],
    g: powers(r).map((row, i) => row.map((c) => c * (scale[i] ?? 1))),
    a: powers(m),
  };
}

/** Coefficients of Π (x − root), the constant first. */
const withRoots = (roots: readonly number[]): readonly number[] =>
  roots.reduce<readonly number[]>(
    (p, root) => [0, ...p].map((c, i) => c - root * (p[i] ?? 0)),
    [1],
  );

type IsFaster = NonNullable<Traits["fastConvolution"]>;

/** @returns the graph with every convolution replaced that is faster so */
export function fastConvolutions(graph: Graph, isFaster: IsFaster): Graph {
  // What loops carry goes row by row.
  const inLoops = new Set(sectionsOf(graph).filter(isLoop).flatMap((l) => l.tensors));
  if (inLoops.size > 0) return graph;
  return mapGraph(graph, (y) => {
    const found = asContraction(y);
    return found ? (scoped(y.scope, () => quicken(found, isFaster)) ?? y) : y;
  });
}

/** Which of the three tensors of the form the result is; the operands are the others. */
type Result = "y" | "w" | "x";
interface Form {
  readonly result: Result;
  /** The operands: x and w, or x and y, or y and w. The first has the index of both axes, or their difference. */
  readonly first: number;
  /** The dimension of the first operand that slides. */
  readonly dim: number;
  /** Axis of the results, or of what x's gradient is made of. */
  readonly long: number;
  /** Axis of the taps. */
  readonly taps: number;
  /** x[u + k − before] */
  readonly before: number;
}

function formsOf({ attrs: { axes, out, maps }, inputs }: Tensor<ContractAttrs>): readonly Form[] {
  if (maps.length !== 2) return [];
  return [0, 1].flatMap((first) =>
    maps[first]!.flatMap((e, dim): readonly Form[] => {
      if (e.terms.length !== 2 || e.divisor !== 1) return [];
      const summed = e.terms.find(([a]) => !out.includes(a));
      const kept = e.terms.find(([a]) => out.includes(a));
      if (!summed || !kept || kept[1] !== 1 || Math.abs(summed[1]) !== 1) return [];
      const [o, s] = [kept[0], summed[0]];
      const other = maps[1 - first]!;
      const own = other.findIndex((f) => f.terms.some(([a]) => a === s));
      const isWhole = own >= 0 && isPlain(other[own]!, s) && inputs[1 - first]!.type.shape[own] === axes[s]!.extent;
      const uses = (axis: number) => maps.flat().filter((f) => f.terms.some(([a]) => a === axis)).length;
      if (!isWhole || uses(o) !== 1 || uses(s) !== 2) return [];
      const [outer, inner] = [axes[o]!.extent, axes[s]!.extent];
      if (summed[1] === -1)
        return [{ result: "x", first, dim, long: o, taps: s, before: e.constant }];
      const before = -e.constant;
      return inner <= outer
        ? [{ result: "y", first, dim, long: o, taps: s, before }]
        : [{ result: "w", first, dim, long: s, taps: o, before }];
    }),
  );
}
const isPlain = ({ terms, constant, divisor }: Affine, axis: number) =>
  terms.length === 1 && terms[0]![0] === axis && terms[0]![1] === 1 && constant === 0 && divisor === 1;

/** What an element of a transformed tensor costs beside, in multiply-adds: it goes through memory twice. */
const elementCost = 10;
function quicken(y: Tensor<ContractAttrs>, isFaster: IsFaster): Tensor | undefined {
  let best: { work: number; make: () => Tensor } | undefined;
  for (const form of formsOf(y)) {
    const direct = y.op.multiplyAdds!(y);
    const r = y.attrs.axes[form.taps]!.extent;
    const results = resultsOf(y, form);
    for (let m = 2; m + r - 1 <= mostPoints && r > 1; m++) {
      const tiles = Math.ceil(results / m);
      const work = workOf(y, form, m, tiles);
      if (isFaster(work, direct) && (!best || work < best.work))
        best = { work, make: () => build(y, form, m, tiles) };
    }
  }
  return best?.make();
}

/** Extent of y along the dimension. */
const resultsOf = ({ attrs: { axes }, inputs }: Tensor<ContractAttrs>, form: Form): number =>
  form.result === "x" ? inputs[form.first]!.type.shape[form.dim]! : axes[form.long]!.extent;

function workOf(y: Tensor<ContractAttrs>, form: Form, m: number, tiles: number): number {
  const { axes } = y.attrs;
  const r = axes[form.taps]!.extent;
  const n = m + r - 1;
  const others = sizeOf(axes.filter((_, i) => i !== form.long && i !== form.taps).map((a) => a.extent));
  const [first, second] = [y.inputs[form.first]!, y.inputs[1 - form.first]!].map((x) => sizeOf(x.type.shape));
  const size = sizeOf(y.type.shape);
  const results = resultsOf(y, form);
  // What each tensor has for an element of its own along the dimension.
  const along = { y: (tiles * n) / results, w: n / r };
  const input = form.result === "x" ? size : first!;
  const extent = form.result === "x" ? axes[form.long]!.extent : y.inputs[form.first]!.type.shape[form.dim]!;
  const x = input * ((tiles * n) / extent);
  const transformed =
    form.result === "y"
      ? x + second! * along.w + size * (along.y + 1)
      : form.result === "w"
        ? x + second! * along.y + size * (along.w + 1)
        : first! * along.y + second! * along.w + x + size;
  return others * tiles * n + elementCost * transformed;
}

function build(y: Tensor<ContractAttrs>, form: Form, m: number, tiles: number): Tensor {
  const { axes, out, maps } = y.attrs;
  const { result, first, dim, long, taps } = form;
  const r = axes[taps]!.extent;
  const n = m + r - 1;
  const { a, b, g } = matricesOf(m, r);
  const tile: Axis = { name: "t", extent: tiles };
  const [tileAxis, pointAxis] = [axes.length, axes.length + 1];
  const second = 1 - first;
  const secondDim = maps[second]!.findIndex((e) => e.terms.some(([i]) => i === (result === "w" ? long : taps)));
  const [p, q] = [y.inputs[first]!, y.inputs[second]!];
  // Points come after the batch where there is one, so that all of an example lies together.
  const place = (d: number) => (d > 0 ? 1 : 0);
  const slide = { dim, size: n, stride: m, dilation: 1, before: form.before, out: tiles };
  const inTiles = (x: Tensor, d: number): Tensor => {
    const { shape } = x.type;
    const padded = pad(
      x,
      shape.map(() => 0),
      shape.map((extent, i) => (i === d ? tiles * m - extent : 0)),
    );
    const split = reshape(padded, [...shape.slice(0, d), tiles, m, ...shape.slice(d + 1)]);
    return combine(split, a, d + 1, place(d));
  };
  const withTaps = (w: Tensor, d: number) => combine(w, g, d, 0);
  const inWindows = (x: Tensor) => combine(windows(x, [slide]), b, x.type.shape.length, place(dim));
  const left = result === "x" ? inTiles(p, dim) : inWindows(p);
  const right = result === "w" ? inTiles(q, secondDim) : withTaps(q, secondDim);
  const leftMap = inserted(
    maps[first]!.map((e, d) => (d === dim ? axisIndex(tileAxis) : e)),
    place(dim),
    axisIndex(pointAxis),
  );
  const rightMap =
    result === "w"
      ? inserted(
          maps[second]!.map((e, d) => (d === secondDim ? axisIndex(tileAxis) : e)),
          place(secondDim),
          axisIndex(pointAxis),
        )
      : [axisIndex(pointAxis), ...maps[second]!.filter((_, d) => d !== secondDim)];
  const at = out.indexOf(result === "w" ? taps : long);
  const allAxes = [...axes, tile, { name: "p", extent: n }];
  if (result === "w") {
    // Tiles are summed, and points become taps.
    const kept = out.filter((i) => i !== taps);
    const products = multiply(allAxes, [pointAxis, ...kept], [left, right], [leftMap, rightMap]);
    return combine(products, turned(g), 0, at);
  }
  const kept = out.map((i) => (i === long ? tileAxis : i));
  const pointsAt = place(at);
  const products = multiply(
    allAxes,
    inserted(kept, pointsAt, pointAxis),
    [left, right],
    [leftMap, rightMap],
  );
  if (result === "y") {
    const tiled = combine(products, turned(a), pointsAt, at + 1);
    const { shape } = y.type;
    const whole = shape.map((extent, d) => (d === at ? tiles * m : extent));
    return slice(
      reshape(tiled, whole),
      shape.map(() => 0),
      shape,
    );
  }
  const windowed = combine(products, turned(b), pointsAt, at + 1);
  // The elements of a window are the last dimension of what is folded.
  const order = windowed.type.shape.map((_, d) => d).filter((d) => d !== at + 1);
  return fold(transpose(windowed, [...order, at + 1]), [{ ...slide, dim: at }], y.type.shape);
}

const inserted = <T>(list: readonly T[], d: number, x: T): readonly T[] => [
  ...list.slice(0, d),
  x,
  ...list.slice(d),
];
const turned = (m: Matrix): Matrix => m[0]!.map((_, s) => m.map((row) => row[s]!));

/** A contraction over those of the axes that something uses. */
const multiply = (
  axes: readonly Axis[],
  out: readonly number[],
  operands: readonly Tensor[],
  maps: readonly (readonly Affine[])[],
): Tensor => contract(operands, compact({ axes, out, maps }));
