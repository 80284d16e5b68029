/** Transposed convolutions (https://keras.io/api/layers/convolution_layers/). */
import { z } from "zod";
import { convolveTransposed } from "../../ops/convolve.ts";
import type { Sliding } from "../../ops/window.ts";
import { dilationOption, finish, finishOptions, strideOption } from "./convolution.ts";
import {
  checkRank,
  checkStrides,
  each,
  type Padding,
  type PerDimension,
  paddingOption,
  perDimension,
  spanOf,
  spatial,
} from "./geometry.ts";
import { kernelOptions, ofKernel } from "./kernel.ts";
import { defineLayer, type LayerContext } from "./layer.ts";

const transposed = (rank: 1 | 2 | 3, doc: string) => {
  const name = `conv${rank}d_transpose`;
  return defineLayer({
    name,
    doc,
    takes: "one",
    mask: "stops",
    options: {
      filters: z.int().positive().describe("Number of filters: channels of the output."),
      kernel_size: perDimension(rank).describe("Size of a filter's window."),
      strides: strideOption(rank),
      padding: paddingOption(),
      output_padding: perDimension(rank, 0)
        .nullable()
        .default(null)
        .describe("Elements added at the end of each dimension; null: the usual size."),
      dilation_rate: dilationOption(rank),
      ...kernelOptions,
      ...finishOptions,
    },
    build([input], { filters, kernel_size, ...options }, ctx) {
      const x = input!;
      checkRank(name, x, rank, ctx);
      checkStrides(options.strides, options.dilation_rate, ctx);
      const sizes = each(kernel_size, rank);
      const kernel = ctx.weight(
        "kernel",
        [...sizes, filters, x.type.shape.at(-1)!],
        ofKernel(options),
      );
      const slides = spatial(x).map((n, d) => grownSlide(n, d, { ...options, sizes }, ctx));
      return finish(convolveTransposed(x, kernel, slides), options, ctx);
    },
  });
};

export const conv1dTranspose = transposed(
  1,
  "The way back of a convolution, where the quotient is whole: y[n, o, f] = " +
    "activation(Σ x[n, (o + pad − k)/s, c]·W[k, f, c] + b[f]).",
);
export const conv2dTranspose = transposed(
  2,
  "The way back of a convolution, where the quotients are whole: y[n, p, q, f] = " +
    "activation(Σ x[n, (p + pad − i)/s, (q + pad − j)/s, c]·W[i, j, f, c] + b[f]).",
);
export const conv3dTranspose = transposed(
  3,
  "The way back of a convolution of volumes, as conv2d_transpose is of images.",
);

interface Growth {
  readonly sizes: readonly number[];
  readonly strides: PerDimension;
  readonly padding: Padding;
  readonly output_padding: PerDimension | null;
  readonly dilation_rate: PerDimension;
}

/**
 * The slide of the convolution that leads back, over an output of the extent Keras gives it: n·s for
 * same, (n − 1)·s + max(span, s) for valid; with output padding p, (n − 1)·s + p + span mod 2 for same
 * and (n − 1)·s + p + span for valid.
 */
function grownSlide(n: number, d: number, options: Growth, ctx: LayerContext): Sliding {
  const { strides, padding, output_padding, dilation_rate } = options;
  const rank = options.sizes.length;
  const [size, stride] = [options.sizes[d]!, each(strides, rank)[d]!];
  const dilation = each(dilation_rate, rank)[d]!;
  const span = spanOf(size, dilation);
  const same = padding === "same";
  const least = same ? span % 2 : span;
  const usual = same ? stride - least : Math.max(stride - span, 0);
  const added = output_padding === null ? usual : each(output_padding, rank)[d]!;
  const out = (n - 1) * stride + least + added;
  // The convolution of the output must have the input's extent: as long as it, not a window more.
  const back = same ? Math.ceil(out / stride) : Math.floor((out - span) / stride) + 1;
  if (back !== n) {
    const [low, high] = same ? [1 - least, stride - least] : [0, stride - 1];
    ctx.fail({
      path: ["output_padding"],
      message: "this output_padding does not fit the strides",
      expected: `${Math.max(low, 0)} to ${high}, with strides ${stride} and kernel_size ${size}`,
      received: `${added}`,
      fix: "leave it out for the usual size",
    });
  }
  const total = same ? Math.max((n - 1) * stride + span - out, 0) : 0;
  return { size, stride, dilation, before: Math.floor(total / 2), out };
}
