/** Convolutions (https://keras.io/api/layers/convolution_layers/), with the channels last. */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { convolve } from "../../ops/convolve.ts";
import { add } from "../../ops/pointwise.ts";
import { type Activation, activationOption, applyActivation } from "../activations.ts";
import type { Named } from "../definition.ts";
import { type Activity, activityOptions, penalised } from "./activity.ts";
import {
  causalPaddingOption,
  checkRank,
  checkStrides,
  type Padding,
  type PerDimension,
  paddingOption,
  perDimension,
  slidesOver,
} from "./geometry.ts";
import {
  type BiasOptions,
  biasOptions,
  type KernelOptions,
  kernelOptions,
  ofBias,
  ofKernel,
} from "./kernel.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";

export const strideOption = (rank: number) =>
  perDimension(rank).default(1).describe("Steps from one window to the next.");
export const dilationOption = (rank: number) =>
  perDimension(rank)
    .default(1)
    .describe("Distance between the elements of a window; more than 1 leaves holes.");

/** Options of everything that adds a bias and applies an activation. */
export const finishOptions = {
  activation: activationOption().prefault("linear").describe("Applied to the result."),
  use_bias: z.boolean().default(true).describe("Add b, one number a filter."),
  ...biasOptions,
  ...activityOptions,
};
export interface Finish extends Activity, BiasOptions {
  readonly activation: Named<Activation>;
  readonly use_bias: boolean;
}
/** activation(y + b), with the penalty on it */
export function finish(y: Tensor, options: Finish, ctx: LayerContext): Tensor {
  const activated = (z: Tensor) =>
    penalised(applyActivation(z, options.activation, ctx.fail, "activation"), options, ctx);
  if (!options.use_bias) return activated(y);
  const bias = ctx.weight("bias", [y.type.shape.at(-1)!], ofBias(options));
  return activated(add(y, bias));
}

interface ConvolutionOptions extends Finish, KernelOptions {
  readonly filters: number;
  readonly kernel_size: PerDimension;
  readonly strides: PerDimension;
  readonly padding: Padding;
  readonly dilation_rate: PerDimension;
  readonly groups: number;
}

function convolution(rank: number) {
  return ([input]: readonly Tensor[], options: ConvolutionOptions, ctx: LayerContext): Tensor => {
    const x = input!;
    const { filters, groups, strides, dilation_rate, padding } = options;
    checkRank(`conv${rank}d`, x, rank, ctx);
    checkStrides(strides, dilation_rate, ctx);
    checkGroups(x, groups, filters, ctx);
    const window = { size: options.kernel_size, strides, dilation: dilation_rate, padding };
    const slides = slidesOver(x, window, "kernel_size", ctx);
    const shape = [...slides.map((s) => s.size), x.type.shape.at(-1)! / groups, filters];
    const kernel = ctx.weight("kernel", shape, ofKernel(options));
    return finish(convolve(x, kernel, slides, groups), options, ctx);
  };
}

function checkGroups(x: Tensor, groups: number, filters: number, ctx: LayerContext): void {
  const channels = x.type.shape.at(-1)!;
  const odd = channels % groups !== 0 ? channels : filters % groups !== 0 ? filters : undefined;
  if (odd === undefined) return;
  const of = odd === channels ? "channels" : "filters";
  ctx.fail({
    path: ["groups"],
    message: `${odd} ${of} do not divide into ${groups} groups`,
    expected: `a divisor of the ${channels} channels and the ${filters} filters`,
    received: `${groups}`,
    notes: [`the input is ${showShape(x.type.shape)}`],
    fix: `write \`groups: ${commonDivisor(channels, filters)}\`, or a multiple as filters`,
  });
}
const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

const convolutionOptions = (rank: number) => ({
  filters: z.int().positive().describe("Number of filters: channels of the output."),
  kernel_size: perDimension(rank).describe("Size of a filter's window."),
  strides: strideOption(rank),
  dilation_rate: dilationOption(rank),
  groups: z
    .int()
    .positive()
    .default(1)
    .describe("Channels and filters in so many parts, each seeing only its own."),
  ...kernelOptions,
  ...finishOptions,
});

export const conv1d = defineLayer({
  name: "conv1d",
  doc: "y[n, o, f] = activation(Σ x[n, s·o + d·k − pad, c]·W[k, c, f] + b[f]), over k and c.",
  takes: "one",
  mask: "stops",
  options: {
    ...convolutionOptions(1),
    padding: causalPaddingOption(),
  },
  build: convolution(1),
});

export const conv2d = defineLayer({
  name: "conv2d",
  doc:
    "y[n, p, q, f] = activation(Σ x[n, s·p + d·i − pad, s·q + d·j − pad, c]·W[i, j, c, f] + b[f]), " +
    "over i, j and c.",
  takes: "one",
  mask: "stops",
  options: { ...convolutionOptions(2), padding: paddingOption() },
  build: convolution(2),
});

export const conv3d = defineLayer({
  name: "conv3d",
  doc:
    "y[n, p, q, r, f] = activation(Σ x[n, s·p + d·i − pad, s·q + d·j − pad, s·r + d·k − pad, c]·" +
    "W[i, j, k, c, f] + b[f]), over i, j, k and c.",
  takes: "one",
  mask: "stops",
  options: { ...convolutionOptions(3), padding: paddingOption() },
  build: convolution(3),
});
