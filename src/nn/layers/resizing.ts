/** Up-sampling of sequences, images and volumes (https://keras.io/api/layers/reshaping_layers/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import { abs, add, float, maximum, mul, neg, sub } from "../../ops/pointwise.ts";
import { concatenate, iota, reshape, slice } from "../../ops/view.ts";
import { checkRank, each, perDimension } from "./geometry.ts";
import { defineLayer } from "./layer.ts";

const nearest = (rank: 1 | 3) => {
  const name = `up_sampling${rank}d`;
  return defineLayer({
    name,
    doc: `${rank === 1 ? "Sequences" : "Volumes"} enlarged by whole factors: every element repeated.`,
    takes: "one",
    mask: "stops",
    options: { size: perDimension(rank).default(2).describe("Factors, one for all or one each.") },
    build([x], { size }, ctx) {
      checkRank(name, x!, rank, ctx);
      return each(size, rank).reduce((y, factor, d) => repeated(y, d + 1, factor), x!);
    },
  });
};
export const [upSampling1d, upSampling3d] = [nearest(1), nearest(3)];

export const upSampling2d = defineLayer({
  name: "up_sampling2d",
  doc: "Images enlarged by whole factors: every element repeated, or values between neighbours.",
  takes: "one",
  mask: "stops",
  options: {
    size: perDimension(2).default(2).describe("Factors of height and width."),
    interpolation: z
      .enum(["nearest", "bilinear"])
      .default("nearest")
      .describe("nearest: repeat; bilinear: linear between the centres of elements."),
  },
  build([x], { size, interpolation }, ctx) {
    checkRank("up_sampling2d", x!, 2, ctx);
    const enlarge = interpolation === "nearest" ? repeated : interpolated;
    return each(size, 2).reduce((y, factor, d) => enlarge(y, d + 1, factor), x!);
  },
});

/** Every element along a dimension so many times in a row. */
function repeated(x: Tensor, dim: number, factor: number): Tensor {
  const { shape } = x.type;
  const apart = reshape(x, [...shape.slice(0, dim + 1), 1, ...shape.slice(dim + 1)]);
  const spread = [...shape.slice(0, dim + 1), factor, ...shape.slice(dim + 1)];
  return reshape(
    broadcastTo(apart, spread),
    shape.map((n, d) => (d === dim ? n * factor : n)),
  );
}

/**
 * y[q·factor + r] = x[q−1]·max(−p, 0) + x[q]·(1 − |p|) + x[q+1]·max(p, 0): it lies at q + p with
 * p = (r + ½)/factor − ½, between element q and the neighbour on that side. The border goes on for ever.
 */
function interpolated(x: Tensor, dim: number, factor: number): Tensor {
  if (factor === 1) return x;
  const { shape } = x.type;
  const enlarged = shape.map((n, d) => (d === dim ? n * factor : n));
  const phases = [...shape.slice(0, dim + 1), factor, ...shape.slice(dim + 1)];
  const along = phases.map((n, d) => (d === dim + 1 ? n : 1));
  const p = sub(mul(add(float(iota(along, dim + 1)), 0.5), 1 / factor), 0.5);
  const near = (y: Tensor, weight: Tensor) =>
    reshape(
      mul(reshape(y, [...shape.slice(0, dim + 1), 1, ...shape.slice(dim + 1)]), weight),
      enlarged,
    );
  const own = near(x, sub(1, abs(p)));
  const before = near(shifted(x, dim, -1), maximum(neg(p), 0));
  return add(add(own, before), near(shifted(x, dim, 1), maximum(p, 0)));
}

/** x[i + by] along a dimension, by = ±1; the element at the border stays. */
function shifted(x: Tensor, dim: number, by: -1 | 1): Tensor {
  const { shape } = x.type;
  const part = (start: number, length: number) =>
    slice(
      x,
      shape.map((_, d) => (d === dim ? start : 0)),
      shape.map((n, d) => (d === dim ? length : n)),
    );
  const n = shape[dim]!;
  if (n === 1) return x;
  const parts = by < 0 ? [part(0, 1), part(0, n - 1)] : [part(1, n - 1), part(n - 1, 1)];
  return concatenate(parts, dim);
}
