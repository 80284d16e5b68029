/**
 * Convolutions (cross-correlations, as the field has it) as contractions: the index maps are affine
 * and a read outside the input is zero, which is the padding. Any number of spatial dimensions;
 * channels last.
 */
import type { Axis } from "../ir/expr.ts";
import type { Tensor } from "../ir/graph.ts";
import { type Affine, affine, axisIndex } from "./affine.ts";
import { contract } from "./contract.ts";
import { reshape } from "./view.ts";
import type { Sliding } from "./window.ts";

/**
 * y[n, o…, g, f] = Σ over k…, c of x[n, s·o + d·k − before, g, c]·w[k…, c, g, f]: group g of the
 * filters sees group g of the channels.
 * @param x [n…, size…, channels]
 * @param w [k…, channels / groups, filters]
 * @returns [n…, out…, filters]
 */
export function convolve(x: Tensor, w: Tensor, slides: readonly Sliding[], groups = 1): Tensor {
  const along = ({ stride, dilation, before }: Sliding, o: number, k: number) =>
    affine(
      [
        [o, stride],
        [k, dilation],
      ],
      -before,
    );
  return product(x, w, { slides, groups, along });
}

/**
 * The gradient of a convolution as an operation of its own:
 * y[n, i…, f] = Σ over k…, c of x[n, (i + before − d·k)/s, c]·w[k…, f, c], where that is whole.
 * @param x [n, size…, channels]
 * @param w [k…, filters, channels]
 * @param slides of the convolution from y to x, but with y's extent as `out`
 * @returns [n, out…, filters]
 */
export function convolveTransposed(x: Tensor, w: Tensor, slides: readonly Sliding[]): Tensor {
  const along = ({ stride, dilation, before }: Sliding, i: number, k: number) =>
    affine(
      [
        [i, 1],
        [k, -dilation],
      ],
      before,
      stride,
    );
  return product(x, w, { slides, groups: 1, along, swapped: true });
}

interface Product {
  readonly slides: readonly Sliding[];
  readonly groups: number;
  /** The input's index along a dimension, from those of the output and of the kernel. */
  readonly along: (slide: Sliding, out: number, k: number) => Affine;
  /** Whether w has the filters before the channels. */
  readonly swapped?: boolean;
}

function product(x: Tensor, w: Tensor, { slides, groups, along, swapped }: Product): Tensor {
  const rows = x.type.shape.slice(0, -1 - slides.length);
  const channels = x.type.shape.at(-1)! / groups;
  const filters = w.type.shape.at(swapped ? -2 : -1)! / groups;
  const axes: Axis[] = [];
  const axis = (name: string, extent: number) => axes.push({ name, extent }) - 1;
  const n = rows.map((extent, d) => axis(d === 0 ? "n" : `n${d}`, extent));
  const out = slides.map((s, d) => axis(`o${d}`, s.out));
  const group = groups > 1 ? [axis("g", groups)] : [];
  const f = axis("f", filters);
  const k = slides.map((s, d) => axis(`k${d}`, s.size));
  const c = axis("c", channels);
  // The last dimension, of all groups together, in two: [groups, its part].
  const split = ({ type: { shape } }: Tensor, part: number) =>
    groups > 1 ? [...shape.slice(0, -1), groups, part] : shape;
  const y = contract([reshape(x, split(x, channels)), reshape(w, split(w, filters))], {
    axes,
    out: [...n, ...out, ...group, f],
    maps: [
      [
        ...n.map(axisIndex),
        ...slides.map((s, d) => along(s, out[d]!, k[d]!)),
        ...[...group, c].map(axisIndex),
      ],
      [...k, ...(swapped ? [f, c] : [c, ...group, f])].map(axisIndex),
    ],
  });
  return reshape(y, [...rows, ...slides.map((s) => s.out), groups * filters]);
}
