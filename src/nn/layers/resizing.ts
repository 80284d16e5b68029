/** Padding, cropping and up-sampling of images (https://keras.io/api/layers/reshaping_layers/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import { abs, add, float, maximum, mul, neg, sub } from "../../ops/pointwise.ts";
import { concatenate, iota, pad, reshape, slice } from "../../ops/view.ts";
import { checkRank, each, perDimension, spatial } from "./geometry.ts";
import { defineLayer, showShape } from "./layer.ts";

const count = z.int().min(0);
const border = z.union([
  count,
  z.array(count).length(2),
  z.array(z.array(count).length(2)).length(2),
]);
type Border = z.output<typeof border>;

/** [[top, bottom], [left, right]] of `p`, `[vertical, horizontal]` or the full form. */
const sides = (value: Border): readonly (readonly number[])[] =>
  each(value as number, 2).map((side) => each(side, 2));

export const zeroPadding2d = defineLayer({
  name: "zero_padding2d",
  doc: "Rows and columns of zeros around images.",
  takes: "one",
  options: {
    padding: border
      .default(1)
      .describe("How many: p, [vertical, horizontal] or [[top, bottom], [left, right]]."),
  },
  build([x], { padding }, ctx) {
    checkRank("zero_padding2d", x!, 2, ctx);
    const [rows, columns] = sides(padding);
    return pad(x!, [0, rows![0]!, columns![0]!, 0], [0, rows![1]!, columns![1]!, 0]);
  },
});

export const cropping2d = defineLayer({
  name: "cropping2d",
  doc: "Images without some rows and columns at their borders.",
  takes: "one",
  options: {
    cropping: border
      .default(0)
      .describe("How many: p, [vertical, horizontal] or [[top, bottom], [left, right]]."),
  },
  build([x], { cropping }, ctx) {
    checkRank("cropping2d", x!, 2, ctx);
    const cut = sides(cropping);
    const left = spatial(x!).map((n, d) => n - cut[d]![0]! - cut[d]![1]!);
    const gone = left.findIndex((n) => n <= 0);
    if (gone >= 0) {
      const extent = spatial(x!)[gone]!;
      ctx.fail({
        path: ["cropping"],
        message: `nothing is left of ${["height", "width"][gone]} ${extent}`,
        expected: `less than ${extent} in all, as the input is ${showShape(x!.type.shape)}`,
        received: `${cut[gone]!.join(" + ")}`,
        fix: "crop less",
      });
    }
    const [batch, , , channels] = x!.type.shape;
    return slice(x!, [0, cut[0]![0]!, cut[1]![0]!, 0], [batch!, ...left, channels!]);
  },
});

export const upSampling2d = defineLayer({
  name: "up_sampling2d",
  doc: "Images enlarged by whole factors: every element repeated, or values between neighbours.",
  takes: "one",
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
