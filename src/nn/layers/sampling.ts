/**
 * Images read at places between their elements, and beyond their borders, as TensorFlow's
 * ImageProjectiveTransformV3 does it, on which Keras's random rotation, translation and zoom rest.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { take } from "../../ops/take.ts";
import { iota, reshape } from "../../ops/view.ts";

export const samplingOptions = {
  fill_mode: z
    .enum(["reflect", "wrap", "constant", "nearest"])
    .default("reflect")
    .describe(
      "Beyond the border: mirrored, from the other side, fill_value, or the border itself.",
    ),
  interpolation: z
    .enum(["bilinear", "nearest"])
    .default("bilinear")
    .describe("Between elements: linear, or the nearest one."),
  fill_value: z
    .number()
    .default(0)
    .describe("What lies beyond the border with fill_mode: constant."),
};
export interface Sampling {
  readonly fill_mode: "reflect" | "wrap" | "constant" | "nearest";
  readonly interpolation: "bilinear" | "nearest";
  readonly fill_value: number;
}
/** Where to read, each [batch, height, width], in elements. */
export interface Places {
  readonly row: Tensor;
  readonly column: Tensor;
}

/** Toward zero. */
const truncate = (x: Tensor) => op.where(op.less(x, 0), op.neg(op.floor(op.neg(x))), op.floor(x));
/** To the nearest whole number, halves away from zero. */
const round = (x: Tensor) =>
  op.where(op.less(x, 0), op.neg(op.floor(op.sub(0.5, x))), op.floor(op.add(x, 0.5)));

/** A place beyond the border brought back to 0 … n − 1; but for constant, which keeps it. */
function mapped(at: Tensor, n: number, mode: Sampling["fill_mode"]): Tensor {
  const inside = (x: Tensor) => op.clip(x, 0, n - 1);
  switch (mode) {
    case "constant":
      return at;
    case "nearest":
      return inside(at);
    case "reflect": {
      // dcba|abcd|dcba, of period 2n
      const turns = op.floor(op.mul(at, 1 / (2 * n)));
      const own = op.sub(at, op.mul(turns, 2 * n));
      return inside(op.where(op.less(own, n), own, op.sub(2 * n - 1, own)));
    }
    case "wrap": {
      if (n === 1) return op.mul(at, 0);
      const times = (x: Tensor) => truncate(op.mul(x, 1 / (n - 1)));
      const before = op.add(at, op.mul(op.add(times(op.neg(at)), 1), n));
      const behind = op.sub(at, op.mul(times(at), n));
      const within = op.where(op.less(n - 1, at), behind, at);
      return inside(op.where(op.less(at, 0), before, within));
    }
    default:
      return mode satisfies never;
  }
}

/**
 * y[n, i, j, c] = x[n, row[n, i, j], column[n, i, j], c]
 * @param x [batch, height, width, channels]
 */
export function sampled(x: Tensor, places: Places, how: Sampling): Tensor {
  const [batch, h, w, channels] = x.type.shape as [number, number, number, number];
  const elements = reshape(x, [batch * h * w, channels]);
  const image = iota([batch, 1, 1], 0);
  const read = (row: Tensor, column: Tensor): Tensor => {
    const r = op.integer(op.clip(row, 0, h - 1));
    const c = op.integer(op.clip(column, 0, w - 1));
    const found = take(elements, op.add(op.mul(op.add(op.mul(image, h), r), w), c));
    if (how.fill_mode !== "constant") return found;
    const [inRows, inColumns] = [
      op.mul(op.lessEqual(0, row), op.lessEqual(row, h - 1)),
      op.mul(op.lessEqual(0, column), op.lessEqual(column, w - 1)),
    ];
    return op.where(channelled(op.mul(inRows, inColumns)), found, how.fill_value);
  };
  const row = mapped(places.row, h, how.fill_mode);
  const column = mapped(places.column, w, how.fill_mode);
  if (how.interpolation === "nearest") return read(round(row), round(column));
  const [top, left] = [op.floor(row), op.floor(column)];
  const [down, right] = [op.sub(row, top), op.sub(column, left)].map(channelled);
  const between = (a: Tensor, b: Tensor, share: Tensor) =>
    op.add(op.mul(a, op.sub(1, share)), op.mul(b, share));
  const along = (r: Tensor) => between(read(r, left), read(r, op.add(left, 1)), right!);
  return between(along(top), along(op.add(top, 1)), down!);
}
const channelled = (x: Tensor) => reshape(x, [...x.type.shape, 1]);
