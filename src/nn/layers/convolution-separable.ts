/** Depthwise and separable convolutions (https://keras.io/api/layers/convolution_layers/), channels last. */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { convolve } from "../../ops/convolve.ts";
import { reshape } from "../../ops/view.ts";
import type { Sliding } from "../../ops/window.ts";
import { constraintOption } from "../constraints.ts";
import { initializerOption } from "../initializers.ts";
import { regularizerOption } from "../regularizers.ts";
import { dilationOption, finish, finishOptions, strideOption } from "./convolution.ts";
import {
  checkRank,
  type Padding,
  type PerDimension,
  paddingOption,
  perDimension,
  slidesOver,
} from "./geometry.ts";
import { defineLayer, type LayerContext } from "./layer.ts";

const windowOptions = (rank: number) => ({
  kernel_size: perDimension(rank).describe("Size of a filter's window."),
  strides: strideOption(rank),
  depth_multiplier: z.int().positive().default(1).describe("Filters a channel, m."),
  dilation_rate: dilationOption(rank),
  depthwise_initializer: initializerOption()
    .prefault("glorot_uniform")
    .describe("First depthwise kernel."),
  depthwise_regularizer: regularizerOption()
    .optional()
    .describe("Penalty on the depthwise kernel."),
  depthwise_constraint: constraintOption()
    .optional()
    .describe("What the depthwise kernel must satisfy."),
});

interface WindowOptions {
  readonly kernel_size: PerDimension;
  readonly strides: PerDimension;
  readonly dilation_rate: PerDimension;
  readonly padding: Padding;
}
const slides = (x: Tensor, options: WindowOptions, ctx: LayerContext) => {
  const { kernel_size: size, strides, dilation_rate: dilation, padding } = options;
  return slidesOver(x, { size, strides, dilation, padding }, "kernel_size", ctx);
};

/** As many groups as channels, each of one channel: [n, out…, channels·m] with w [k…, channels, m]. */
function depthwise(x: Tensor, w: Tensor, over: readonly Sliding[]): Tensor {
  const { shape } = w.type;
  const [channels, depth] = shape.slice(-2) as [number, number];
  return convolve(x, reshape(w, [...shape.slice(0, -2), 1, channels * depth]), over, channels);
}

const depthwiseConvolution = (rank: 1 | 2) => {
  const name = `depthwise_conv${rank}d`;
  return defineLayer({
    name,
    doc: "Every channel by its own filters: y[…, c·m + j] = activation(Σ x[…, c]·W[…, c, j] + b).",
    takes: "one",
    mask: "stops",
    options: { ...windowOptions(rank), padding: paddingOption(), ...finishOptions },
    build([input], options, ctx) {
      const x = input!;
      checkRank(name, x, rank, ctx);
      const over = slides(x, options, ctx);
      const shape = [...over.map((s) => s.size), x.type.shape.at(-1)!, options.depth_multiplier];
      const kernel = ctx.weight("kernel", shape, {
        initializer: options.depthwise_initializer,
        regularizer: options.depthwise_regularizer,
        constraint: options.depthwise_constraint,
      });
      return finish(depthwise(x, kernel, over), options, ctx);
    },
  });
};
export const [depthwiseConv1d, depthwiseConv2d] = [
  depthwiseConvolution(1),
  depthwiseConvolution(2),
];

const separableConvolution = (rank: 1 | 2) => {
  const name = `separable_conv${rank}d`;
  return defineLayer({
    name,
    doc: "A depthwise convolution and then a product with every element's channels: activation(depthwise(x)·P + b).",
    takes: "one",
    mask: "stops",
    options: {
      filters: z.int().positive().describe("Number of filters: channels of the output."),
      ...windowOptions(rank),
      padding: paddingOption(),
      pointwise_initializer: initializerOption().prefault("glorot_uniform").describe("First P."),
      pointwise_regularizer: regularizerOption().optional().describe("Penalty on P."),
      pointwise_constraint: constraintOption().optional().describe("What P must satisfy."),
      ...finishOptions,
    },
    build([input], { filters, ...options }, ctx) {
      const x = input!;
      checkRank(name, x, rank, ctx);
      const over = slides(x, options, ctx);
      const sizes = over.map((s) => s.size);
      const [channels, depth] = [x.type.shape.at(-1)!, options.depth_multiplier];
      const each = ctx.weight("depthwise_kernel", [...sizes, channels, depth], {
        initializer: options.depthwise_initializer,
        regularizer: options.depthwise_regularizer,
        constraint: options.depthwise_constraint,
      });
      const point = sizes.map(() => 1);
      const mix = ctx.weight("pointwise_kernel", [...point, channels * depth, filters], {
        initializer: options.pointwise_initializer,
        regularizer: options.pointwise_regularizer,
        constraint: options.pointwise_constraint,
      });
      const y = depthwise(x, each, over);
      const once = y.type.shape.slice(1, -1).map((out) => ({ ...alone, out }));
      return finish(convolve(y, mix, once), options, ctx);
    },
  });
};
/** A window of one element everywhere. */
const alone = { size: 1, stride: 1, dilation: 1, before: 0 };

export const [separableConv1d, separableConv2d] = [
  separableConvolution(1),
  separableConvolution(2),
];
