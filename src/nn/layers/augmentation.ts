/**
 * Images changed at random in training, each in its own way, so that a model sees more than there is
 * (https://keras.io/api/layers/preprocessing_layers/image_augmentation/). Outside training they do nothing.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import {
  add,
  clip,
  cos,
  float,
  less,
  lessEqual,
  mul,
  sin,
  stopGradient,
  sub,
  where,
} from "../../ops/pointwise.ts";
import { mean } from "../../ops/reduce.ts";
import { fill, flip, iota, reshape, slice } from "../../ops/view.ts";
import { checkRank } from "./geometry.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";
import { type Sampling, sampled, samplingOptions } from "./sampling.ts";

type Factor = number | readonly number[];
/** A number f for −f … f, or the two limits. */
const factor = (low: number, high: number) =>
  z.union([z.number().min(low).max(high), z.array(z.number().min(low).max(high)).length(2)]);
const limits = (value: Factor): readonly [number, number] => {
  const [a, b] = typeof value === "number" ? [-Math.abs(value), Math.abs(value)] : value;
  return [Math.min(a!, b!), Math.max(a!, b!)];
};

/** A number for every image, [batch, 1, 1], even between the limits. */
function drawn([low, high]: readonly [number, number], batch: number, ctx: LayerContext): Tensor {
  const shape = [batch, 1, 1];
  if (low === high) return fill(low, shape);
  return stopGradient(add(mul(ctx.uniform(shape), high - low), low));
}

/** Rows and columns of every element, [1, height, width]. */
function grid(x: Tensor) {
  const [, h, w] = x.type.shape as [number, number, number];
  const at = (dim: number) => float(iota([1, h, w], dim));
  return { row: at(1), column: at(2) };
}
/** The image read at other places. */
function moved(x: Tensor, row: Tensor, column: Tensor, how: Sampling): Tensor {
  const all = x.type.shape.slice(0, 3);
  return sampled(x, { row: broadcastTo(row, all), column: broadcastTo(column, all) }, how);
}

export const randomFlip = defineLayer({
  name: "random_flip",
  doc: "In training, turns each image round with probability ½; of both ways, both at once.",
  takes: "one",
  mask: "stops",
  options: {
    mode: z
      .enum(["horizontal", "vertical", "horizontal_and_vertical"])
      .default("horizontal_and_vertical")
      .describe("horizontal: left and right change places; vertical: top and bottom."),
  },
  build([x], { mode }, ctx) {
    checkRank("random_flip", x!, 2, ctx);
    if (!ctx.training) return x!;
    const turned = stopGradient(lessEqual(ctx.uniform([x!.type.shape[0]!, 1, 1, 1]), 0.5));
    const dims = { horizontal: [2], vertical: [1], horizontal_and_vertical: [2, 1] }[mode];
    return where(turned, dims.reduce(flip, x!), x!);
  },
});

export const randomTranslation = defineLayer({
  name: "random_translation",
  doc: "In training, moves each image down and to the right by random shares of its size.",
  takes: "one",
  mask: "stops",
  options: {
    height_factor: factor(-1, 1).describe("Share of the height: f for −f to f, or [low, high]."),
    width_factor: factor(-1, 1).describe("Share of the width."),
    ...samplingOptions,
  },
  build([x], { height_factor, width_factor, ...how }, ctx) {
    checkRank("random_translation", x!, 2, ctx);
    if (!ctx.training) return x!;
    const [batch, h, w] = x!.type.shape as [number, number, number];
    const { row, column } = grid(x!);
    const down = mul(drawn(limits(height_factor), batch, ctx), h);
    const right = mul(drawn(limits(width_factor), batch, ctx), w);
    return moved(x!, sub(row, down), sub(column, right), how);
  },
});

export const randomRotation = defineLayer({
  name: "random_rotation",
  doc: "In training, turns each image about its centre by a random angle.",
  takes: "one",
  mask: "stops",
  options: {
    factor: factor(-1, 1).describe("Share of a full turn: f for −f to f, or [low, high]."),
    ...samplingOptions,
  },
  build([x], { factor: share, ...how }, ctx) {
    checkRank("random_rotation", x!, 2, ctx);
    if (!ctx.training) return x!;
    const [batch, h, w] = x!.type.shape as [number, number, number];
    const angle = mul(drawn(limits(share), batch, ctx), 2 * Math.PI);
    const { row, column } = grid(x!);
    const [dy, dx] = [sub(row, (h - 1) / 2), sub(column, (w - 1) / 2)];
    const [c, s] = [cos(angle), sin(angle)];
    const from = add(add(mul(dx, s), mul(dy, c)), (h - 1) / 2);
    return moved(x!, from, add(sub(mul(dx, c), mul(dy, s)), (w - 1) / 2), how);
  },
});

export const randomZoom = defineLayer({
  name: "random_zoom",
  doc: "In training, shows a random part of each image (negative factors) or more than it (positive ones).",
  takes: "one",
  mask: "stops",
  options: {
    height_factor: factor(-0.999, 1).describe(
      "Change of the height seen: f for −f to f, or [low, high].",
    ),
    width_factor: factor(-0.999, 1)
      .nullable()
      .default(null)
      .describe("Change of the width seen; null: as the height, keeping proportions."),
    ...samplingOptions,
  },
  build([x], { height_factor, width_factor, ...how }, ctx) {
    checkRank("random_zoom", x!, 2, ctx);
    if (!ctx.training) return x!;
    const [batch, h, w] = x!.type.shape as [number, number, number];
    const tall = add(drawn(limits(height_factor), batch, ctx), 1);
    const wide = width_factor === null ? tall : add(drawn(limits(width_factor), batch, ctx), 1);
    const { row, column } = grid(x!);
    const about = (at: Tensor, zoom: Tensor, centre: number) =>
      add(mul(sub(at, centre), zoom), centre);
    return moved(x!, about(row, tall, (h - 1) / 2), about(column, wide, (w - 1) / 2), how);
  },
});

const valueRange = () =>
  z
    .array(z.number())
    .length(2)
    .default([0, 255])
    .describe("The result is cut off at these values.");

export const randomContrast = defineLayer({
  name: "random_contrast",
  doc: "In training, y = (x − mean)·f + mean, the mean that of a channel of the image, f random from 1 − low to 1 + high.",
  takes: "one",
  mask: "stops",
  options: {
    factor: factor(0, 1).describe("Change of the contrast: f for both, or [low, high]."),
    value_range: valueRange(),
  },
  build([x], { factor: change, value_range }, ctx) {
    checkRank("random_contrast", x!, 2, ctx);
    if (!ctx.training) return x!;
    const [low, high] = typeof change === "number" ? [change, change] : change;
    const f = drawn([1 - low!, 1 + high!], x!.type.shape[0]!, ctx);
    const centre = mean(x!, [1, 2]);
    const changed = add(mul(sub(x!, centre), reshape(f, [...f.type.shape, 1])), centre);
    return clip(changed, value_range[0]!, value_range[1]!);
  },
});

export const randomBrightness = defineLayer({
  name: "random_brightness",
  doc: "In training, y = x + f·(highest − lowest value), f random for each image.",
  takes: "one",
  mask: "stops",
  options: {
    factor: factor(-1, 1).describe("Share of the range of values: f for −f to f, or [low, high]."),
    value_range: valueRange(),
  },
  build([x], { factor: share, value_range }, ctx) {
    checkRank("random_brightness", x!, 2, ctx);
    if (!ctx.training) return x!;
    const [low, high] = limits(value_range);
    const f = drawn(limits(share), x!.type.shape[0]!, ctx);
    const more = mul(f, high - low);
    return clip(add(x!, reshape(more, [...f.type.shape, 1])), low, high);
  },
});

/** Shares of red, green and blue in what is grey. */
const greys = [0.2989, 0.587, 0.114] as const;

export const randomGrayscale = defineLayer({
  name: "random_grayscale",
  doc: "In training, makes each colour image grey with probability `factor`: 0.2989·red + 0.587·green + 0.114·blue.",
  takes: "one",
  mask: "stops",
  options: {
    factor: z.number().min(0).max(1).default(0.5).describe("Probability."),
  },
  build([x], { factor: share }, ctx) {
    checkRank("random_grayscale", x!, 2, ctx);
    const [batch, h, w, channels] = x!.type.shape as [number, number, number, number];
    if (channels !== 3) {
      ctx.fail({
        path: [],
        message: "random_grayscale needs images in colour",
        expected: "(None, height, width, 3)",
        received: showShape(x!.type.shape),
        fix: "leave it out: what has no colour stays as it is",
      });
    }
    if (!ctx.training || share === 0) return x!;
    const colour = (c: number) => slice(x!, [0, 0, 0, c], [batch, h, w, 1]);
    const grey = greys.map((s, c) => mul(colour(c), s)).reduce((a, b) => add(a, b));
    const all = broadcastTo(grey, x!.type.shape);
    if (share === 1) return all;
    return where(stopGradient(less(ctx.uniform([batch, 1, 1, 1]), share)), all, x!);
  },
});
