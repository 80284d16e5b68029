/** Pooling (https://keras.io/api/layers/pooling_layers/). Inputs are [batch, size…, channels]. */
import { z } from "zod";
import { sizeOf, type Tensor } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import { div, maximum, mul, where } from "../../ops/pointwise.ts";
import { max, mean, sum } from "../../ops/reduce.ts";
import { fill } from "../../ops/view.ts";
import { type Slides, type Sliding, windows } from "../../ops/window.ts";
import { behind, type Mask, maskOver } from "../mask.ts";
import {
  checkRank,
  type Padding,
  type PerDimension,
  paddingOption,
  perDimension,
  slidesOver,
} from "./geometry.ts";
import { defineLayer, type LayerContext } from "./layer.ts";

/** Below every number of a model, and finite: 0 times it is 0. */
const lowest = -3.4028234663852886e38;

interface PoolOptions {
  readonly pool_size: PerDimension;
  readonly strides: PerDimension | null;
  readonly padding: Padding;
}

/** Keras's other names: `max_pool2d`, `global_avg_pool1d`. */
const shortened = (name: string) => name.replace("pooling", "pool").replace("average", "avg");

/** A pooling layer: what becomes of the windows over the spatial dimensions. */
const pooling = (
  name: string,
  doc: string,
  rank: number,
  pool: (x: Tensor, slides: Slides) => Tensor,
) =>
  defineLayer({
    name,
    aliases: [shortened(name)],
    doc,
    takes: "one",
    mask: "stops",
    options: {
      pool_size: perDimension(rank).default(2).describe("Size of a window."),
      strides: perDimension(rank)
        .nullable()
        .default(null)
        .describe("Steps from one window to the next; null: pool_size, windows side by side."),
      padding: paddingOption(),
    },
    build([x], { pool_size, strides, padding }: PoolOptions, ctx: LayerContext) {
      checkRank(name, x!, rank, ctx);
      const window = { size: pool_size, strides: strides ?? pool_size, padding };
      const slides = slidesOver(x!, window, "pool_size", ctx);
      return pool(
        x!,
        slides.map((s, d) => ({ ...s, dim: d + 1 })),
      );
    },
  });

/** The dimensions of the windows' elements, behind [batch, out…, channels]. */
const within = (x: Tensor, slides: Slides) => slides.map((_, k) => x.type.shape.length + k);

/** As in TensorFlow, the gradient goes to the first maximum of a window. */
const largest = (x: Tensor, slides: Slides): Tensor =>
  max(windows(x, slides, lowest), within(x, slides), false, "first");

/** The mean of what of a window lies inside. */
function average(x: Tensor, slides: Slides): Tensor {
  const total = sum(windows(x, slides), within(x, slides), false);
  if (slides.every((s) => isInside(s, x.type.shape[s.dim]!))) {
    return mul(total, 1 / sizeOf(slides.map((s) => s.size)));
  }
  const [, ...sizes] = x.type.shape;
  const ones = fill(1, [1, ...sizes.slice(0, -1), 1]);
  const inside = sum(windows(ones, slides), within(x, slides), false); // [1, out…, 1]
  return div(total, broadcastTo(inside, total.type.shape));
}
const isInside = ({ before, stride, out, size }: Sliding, extent: number) =>
  before === 0 && (out - 1) * stride + size <= extent;

const maxDoc = "The largest element of each window, channel by channel.";
const averageDoc = "The mean of each window, channel by channel; padding does not count.";
export const maxPooling1d = pooling("max_pooling1d", maxDoc, 1, largest);
export const maxPooling2d = pooling("max_pooling2d", maxDoc, 2, largest);
export const averagePooling1d = pooling("average_pooling1d", averageDoc, 1, average);
export const averagePooling2d = pooling("average_pooling2d", averageDoc, 2, average);

export const maxPooling3d = pooling("max_pooling3d", maxDoc, 3, largest);
export const averagePooling3d = pooling("average_pooling3d", averageDoc, 3, average);

const globalPooling = (
  name: string,
  doc: string,
  rank: number,
  pool: (x: Tensor, dims: readonly number[], keep: boolean, mask: Mask) => Tensor,
) =>
  defineLayer({
    name,
    aliases: [shortened(name)],
    doc,
    takes: "one",
    mask: "stops",
    options: {
      keepdims: z.boolean().default(false).describe("Keep the spatial dimensions, as 1."),
    },
    build([x], { keepdims }, ctx) {
      checkRank(name, x!, rank, ctx);
      const dims = x!.type.shape.slice(1, -1).map((_, d) => d + 1);
      return pool(x!, dims, keepdims, ctx.masks[0]);
    },
  });

/** The mean of the steps that are there; where none is, 0 (Keras: not a number). */
function meanOfSteps(x: Tensor, dims: readonly number[], keep: boolean, mask: Mask): Tensor {
  if (!mask) return mean(x, dims, keep);
  const present = behind(maskOver(mask, x.type.shape, 2), 3); // [batch, time, 1]
  const count = maximum(sum(present, dims, keep), 1);
  return div(sum(where(present, x, 0), dims, keep), count);
}

const globalMaxDoc = "The largest element of each channel.";
const globalMeanDoc = "The mean of each channel.";
const globalMax = (rank: number) =>
  globalPooling(`global_max_pooling${rank}d`, globalMaxDoc, rank, (x, dims, keep) =>
    max(x, dims, keep),
  );
const globalMean = (rank: number) =>
  globalPooling(`global_average_pooling${rank}d`, globalMeanDoc, rank, (x, dims, keep) =>
    mean(x, dims, keep),
  );
/** Alone among them, as in Keras, it leaves out what is masked. */
const globalMeanOfSteps = globalPooling(
  "global_average_pooling1d",
  "The mean of each channel over the steps that are not masked.",
  1,
  meanOfSteps,
);
export const [globalMaxPooling1d, globalMaxPooling2d, globalMaxPooling3d] = [
  globalMax(1),
  globalMax(2),
  globalMax(3),
];
export const [globalAveragePooling1d, globalAveragePooling2d, globalAveragePooling3d] = [
  globalMeanOfSteps,
  globalMean(2),
  globalMean(3),
];
