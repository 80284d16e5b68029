/**
 * Convolutions with fewer multiplications (Toom and Cook; Winograd's minimal filtering). Along one dimension a
 * convolution is, tile by tile of m results and for r taps, the trilinear form Σ x[u + k]·w[k]·y[u], and that is
 * Σ over n = m + r − 1 points of (Bx)·(Gw)·(Ay) with fixed matrices: n products in place of m·r. Whichever of the three
 * is the result, the form is the same, so a convolution and both its gradients are one case: transform two operands,
 * multiply them point by point, which is a contraction again, and transform the result back. What two of the three share
 * (the transformed input, the transformed gradient, the transformed weights) is computed once, as everything equal is.
 *
 * The other dimensions are left alone: along two, errors would grow with the square. Along one they are two to five times
 * those of the direct way, about 1e-6 of the result (`test/compiler/fast-convolution.test.ts`).
 */
import { type Graph, mapGraph, scoped, sizeOf, type Tensor } from "../ir/graph.ts";
import { isLoop, sectionsOf } from "../ir/loops.ts";
import type { Traits } from "../ir/program.ts";
import { type Affine, axisIndex, type ContractAttrs, compact } from "../ops/affine.ts";
import { combine, transposed } from "../ops/combine.ts";
import { asContraction, contract } from "../ops/contract.ts";
import { reshape, slice, transpose } from "../ops/view.ts";
import { fold, windows } from "../ops/window.ts";
import { matricesOf, mostPoints } from "./toom-cook.ts";

type IsFaster = NonNullable<Traits["fastConvolution"]>;

/** @returns the graph with every convolution replaced that is faster so */
export function fastConvolutions(graph: Graph, isFaster: IsFaster): Graph {
  // Loops compute row by row, and have no rows to spare.
  const loops = sectionsOf(graph).filter(isLoop);
  const inLoops = new Set(loops.flatMap((l) => l.tensors));
  return mapGraph(graph, (y, was) => {
    const found = inLoops.has(was) ? undefined : asContraction(y);
    const best = found && fastestOf(found, isFaster);
    return best ? scoped(y.scope, () => quickened(found, best)) : y;
  });
}

/** Which of the three tensors of the form the result is; the operands are the other two. */
type Result = "x" | "w" | "y";
interface Form {
  readonly result: Result;
  /** The operand that slides: x where the result is w or y, else y. */
  readonly first: number;
  /** Its dimension along which it does, and that of the other operand. */
  readonly dims: readonly [number, number];
  /** The axes of the taps, and of the results, or where the result is x that of x. */
  readonly taps: number;
  readonly along: number;
  /** x is read from this far before its beginning. */
  readonly before: number;
  /** Extents along the dimension. */
  readonly extents: { readonly x: number; readonly w: number; readonly y: number };
}
/** A form in tiles of m results. */
interface Tiling extends Form {
  readonly m: number;
  readonly tiles: number;
  /** Points: m + taps − 1. */
  readonly n: number;
}

/**
 * What the contraction may be: y[a] = Σ x[a + b]·w[b], x[a] = Σ y[a − b]·w[b], or w[a] = Σ x[a + b]·y[b]. An operand has
 * the index a ± b, where a is an axis of the result and b one that is summed, and the other operand has b.
 */
function formsOf({ attrs: { axes, out, maps }, inputs }: Tensor<ContractAttrs>): readonly Form[] {
  if (maps.length !== 2 || inputs.some((x) => x.type.dtype !== "f32")) return [];
  const has = (e: Affine, axis: number) => e.terms.some(([a]) => a === axis);
  const uses = (axis: number) => maps.flat().filter((e) => has(e, axis)).length;
  const formOf = (first: number, e: Affine, dim: number): Form | undefined => {
    const kept = e.terms.find(([a]) => out.includes(a));
    const summed = e.terms.find(([a]) => !out.includes(a));
    const isPair = e.terms.length === 2 && e.divisor === 1 && kept && summed;
    if (!isPair || kept[1] !== 1 || Math.abs(summed[1]) !== 1) return undefined;
    const [a, b] = [kept[0], summed[0]];
    const [o, s] = [axes[a]!.extent, axes[b]!.extent];
    const other = maps[1 - first]!.findIndex((f) => isPlain(f, b));
    const isWhole = other >= 0 && inputs[1 - first]!.type.shape[other] === s;
    if (!isWhole || uses(a) !== 1 || uses(b) !== 2) return undefined;
    const extent = inputs[first]!.type.shape[dim]!;
    const own = { first, dims: [dim, other] } as const;
    if (summed[1] === -1) {
      const extents = { x: o, w: s, y: extent };
      return { ...own, result: "x", taps: b, along: a, before: e.constant, extents };
    }
    // The shorter of the two are the taps.
    const before = -e.constant;
    if (s <= o)
      return { ...own, result: "y", taps: b, along: a, before, extents: { x: extent, w: s, y: o } };
    return { ...own, result: "w", taps: a, along: b, before, extents: { x: extent, w: o, y: s } };
  };
  return [0, 1].flatMap((first) => maps[first]!.flatMap((e, dim) => formOf(first, e, dim) ?? []));
}
const isPlain = ({ terms, constant, divisor }: Affine, axis: number) => {
  const [only] = terms;
  const isOwn = terms.length === 1 && only![0] === axis && only![1] === 1;
  return isOwn && constant === 0 && divisor === 1;
};

/** The way with least work, if it is faster than the direct one. */
function fastestOf(y: Tensor<ContractAttrs>, isFaster: IsFaster): Tiling | undefined {
  let best: { readonly work: number; readonly tiling: Tiling } | undefined;
  for (const form of formsOf(y)) {
    const { w: r, y: results } = form.extents;
    for (let m = 2; r > 1 && m + r - 1 <= mostPoints; m++) {
      const tiling = { ...form, m, tiles: Math.ceil(results / m), n: m + r - 1 };
      const work = workOf(y, tiling);
      if (!best || work < best.work) best = { work, tiling };
    }
  }
  return best && isFaster(best.work, y.op.multiplyAdds!(y)) ? best.tiling : undefined;
}

/** What an element of a transformed tensor costs, in multiply-adds: it goes to memory and comes back. */
const elementCost = 10;

function workOf({ attrs: { axes }, inputs, type }: Tensor<ContractAttrs>, t: Tiling): number {
  const sizes = [inputs[t.first]!, inputs[1 - t.first]!].map((x) => sizeOf(x.type.shape));
  const [first, second] = sizes as [number, number];
  const own = sizeOf(type.shape);
  const size = {
    x: { x: own, w: second, y: first },
    w: { x: first, w: own, y: second },
    y: { x: first, w: second, y: own },
  }[t.result];
  const { x, w, y } = t.extents;
  const transformed = (size.x / x + size.y / y) * t.tiles * t.n + (size.w / w) * t.n;
  const others = axes.filter((_, i) => i !== t.taps && i !== t.along).map((a) => a.extent);
  return sizeOf(others) * t.tiles * t.n + elementCost * (transformed + own);
}

/** A tensor at the points, and its indices, for what it was made of. */
interface AtPoints {
  readonly tensor: Tensor;
  readonly map: readonly Affine[];
}

function quickened({ attrs, inputs, type }: Tensor<ContractAttrs>, t: Tiling): Tensor {
  const { result, first, taps, along, m, tiles, n } = t;
  const { a, b, g } = matricesOf(m, t.extents.w);
  const [tile, point] = [attrs.axes.length, attrs.axes.length + 1];
  const axes = [...attrs.axes, { name: "t", extent: tiles }, { name: "p", extent: n }];
  const slide = { size: n, stride: m, dilation: 1, before: t.before, out: tiles };
  const second = 1 - first;
  const [dim, other] = t.dims;
  const byTile = (k: number, d: number): readonly Affine[] => {
    const map = attrs.maps[k]!.map((e, i) => (i === d ? axisIndex(tile) : e));
    return map.toSpliced(placeOfPoints(d), 0, axisIndex(point));
  };
  const atWindows = (k: number, d: number): AtPoints => {
    const x = windows(inputs[k]!, [{ ...slide, dim: d }]);
    const last = x.type.shape.length - 1;
    return { tensor: combine(x, b, last, placeOfPoints(d)), map: byTile(k, d) };
  };
  const atTiles = (k: number, d: number): AtPoints => {
    const [y, from] = inTiles(inputs[k]!, d, t);
    return { tensor: combine(y, a, from, placeOfPoints(d)), map: byTile(k, d) };
  };
  const atTaps = (k: number, d: number): AtPoints => {
    const others = attrs.maps[k]!.toSpliced(d, 1);
    return { tensor: combine(inputs[k]!, g, d, 0), map: [axisIndex(point), ...others] };
  };
  const factors = [
    result === "x" ? atTiles(first, dim) : atWindows(first, dim),
    result === "w" ? atTiles(second, other) : atTaps(second, other),
  ];
  const multiply = (out: readonly number[]): Tensor => {
    const maps = factors.map((f) => f.map);
    return contract(
      factors.map((f) => f.tensor),
      compact({ axes, out, maps }),
    );
  };
  if (result === "w") {
    // Tiles are summed with all else, and what the points have becomes taps.
    const products = multiply([point, ...attrs.out.filter((i) => i !== taps)]);
    return combine(products, transposed(g), 0, attrs.out.indexOf(taps));
  }
  const at = attrs.out.indexOf(along);
  const points = placeOfPoints(at);
  const tiled = attrs.out.map((i) => (i === along ? tile : i));
  const products = multiply(tiled.toSpliced(points, 0, point));
  if (result === "y") {
    const results = combine(products, transposed(a), points, at + 1);
    const whole = type.shape.map((extent, d) => (d === at ? tiles * m : extent));
    const start = whole.map(() => 0);
    return slice(reshape(results, whole), start, type.shape);
  }
  const elements = combine(products, transposed(b), points, at + 1);
  // The elements of a window are the last dimension of what is folded.
  const order = elements.type.shape.map((_, d) => d).filter((d) => d !== at + 1);
  return fold(transpose(elements, [...order, at + 1]), [{ ...slide, dim: at }], type.shape);
}

/** Points come after the batch where there is one, so that all of an example lies together. */
const placeOfPoints = (dim: number) => (dim > 0 ? 1 : 0);

/** Dimension `dim` in tiles of m, with zeros behind the last result, and which dimension a tile's elements are then. */
function inTiles(y: Tensor, dim: number, { m, tiles }: Tiling): readonly [Tensor, number] {
  const { shape } = y.type;
  if (shape[dim] === tiles * m) return [reshape(y, shape.toSpliced(dim, 1, tiles, m)), dim + 1];
  const slide = { dim, size: m, stride: m, dilation: 1, before: 0, out: tiles };
  return [windows(y, [slide]), shape.length];
}
