/**
 * Random options and inputs for every layer of the catalogue, and the shape that must come out, by formulas
 * of their own (KERAS.md). A layer without a generator here fails the tests.
 */
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { activations } from "../../src/nn/activations.ts";
import type { random } from "./evaluate.ts";
import type { Options } from "./keras.ts";

export type Random = ReturnType<typeof random>;
/** Shapes are those of one example. */
export interface LayerCase {
  readonly options: Options;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
}
type Generator = (r: Random) => LayerCase;

const times = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw);
const activation = (r: Random) => ({ activation: r.pick(activations).name });
const bias = (r: Random): Options => ({ use_bias: r.pick([true, false]), activation: "tanh" });

/** An option for every dimension, as one number or as a list, and as the list it stands for. */
function each(r: Random, rank: number, lo: number, hi: number) {
  const list = times(rank, () => r.int(lo, hi));
  const same = r.pick([true, false]);
  return { option: same ? list[0]! : list, list: same ? list.map(() => list[0]!) : list };
}

interface Windows {
  readonly options: Options;
  /** Windows over a dimension of n. */
  count(n: number, d: number): number;
}
/** Window sizes, padding, and strides or holes where `holes`, else strides. */
function windows(r: Random, rank: number, option: string, holes: boolean): Windows {
  const size = each(r, rank, 1, 3);
  const strides = each(r, rank, 1, 3);
  const dilation = each(r, rank, 1, 2);
  const kind = r.pick(holes ? ["strides", "holes", "neither"] : ["strides", "neither"]);
  const padding = kind === "holes" ? "same" : r.pick(["valid", "same"]);
  const one = times(rank, () => 1);
  const s = kind === "strides" ? strides.list : holes ? one : size.list;
  const more = {
    strides: { strides: strides.option },
    holes: { dilation_rate: dilation.option },
    neither: {},
  }[kind];
  return {
    options: { [option]: size.option, padding, ...more },
    count: (n, d) =>
      padding === "same" ? Math.ceil(n / s[d]!) : Math.floor((n - size.list[d]!) / s[d]!) + 1,
  };
}

const convolution =
  (rank: number): Generator =>
  (r) => {
    const groups = r.int(1, 2);
    const filters = groups * r.int(1, 2);
    const { options, count } = windows(r, rank, "kernel_size", true);
    const extents = times(rank, () => r.int(3, 5));
    return {
      options: { filters, groups, ...options, ...bias(r) },
      inputs: [[...extents, groups * r.int(1, 2)]],
      output: [...extents.map(count), filters],
    };
  };
const depthwise: Generator = (r) => {
  const { options, count } = windows(r, 2, "kernel_size", true);
  const [extents, channels, depth] = [times(2, () => r.int(3, 5)), r.int(1, 2), r.int(1, 2)];
  return {
    options: { depth_multiplier: depth, ...options, ...bias(r) },
    inputs: [[...extents, channels]],
    output: [...extents.map(count), channels * depth],
  };
};
const transposed: Generator = (r) => {
  const [size, steps] = [each(r, 2, 1, 3), each(r, 2, 1, 3)];
  const holes = r.pick([true, false]);
  const [extents, filters] = [times(2, () => r.int(1, 3)), r.int(1, 2)];
  const padding = r.pick(["valid", "same"]);
  const grown = (n: number, d: number) => {
    const [s, dilation] = holes ? [1, steps.list[d]!] : [steps.list[d]!, 1];
    const span = dilation * (size.list[d]! - 1) + 1;
    return padding === "same" ? n * s : (n - 1) * s + Math.max(span, s);
  };
  const apart = holes ? { dilation_rate: steps.option } : { strides: steps.option };
  const how = { kernel_size: size.option, padding, ...apart };
  return {
    options: { filters, ...how, ...bias(r) },
    inputs: [[...extents, r.int(1, 2)]],
    output: [...extents.map(grown), filters],
  };
};
const pooling =
  (rank: number): Generator =>
  (r) => {
    const { options, count } = windows(r, rank, "pool_size", false);
    const extents = times(rank, () => r.int(3, 5));
    const channels = r.int(1, 2);
    return { options, inputs: [[...extents, channels]], output: [...extents.map(count), channels] };
  };
const overall =
  (rank: number): Generator =>
  (r) => {
    const keepdims = r.pick([true, false]);
    const channels = r.int(1, 3);
    const extents = times(rank, () => r.int(2, 4));
    const output = keepdims ? [...extents.map(() => 1), channels] : [channels];
    return { options: { keepdims }, inputs: [[...extents, channels]], output };
  };

/** Margins of an image: one number, one a side pair, or one a side; and what they sum to. */
function margins(r: Random, most: number) {
  const a = times(4, () => r.int(0, most));
  const [t, b, l, e] = a as [number, number, number, number];
  return r.pick([
    { option: t, sums: [2 * t, 2 * t] },
    { option: [t, l], sums: [2 * t, 2 * l] },
    {
      option: [
        [t, b],
        [l, e],
      ],
      sums: [t + b, l + e],
    },
  ]);
}
const bordered =
  (option: string, most: number, sign: 1 | -1): Generator =>
  (r) => {
    const { option: value, sums } = margins(r, most);
    const [extents, channels] = [times(2, () => r.int(3, 5)), r.int(1, 2)];
    const output = [...extents.map((n, d) => n + sign * sums[d]!), channels];
    return { options: { [option]: value }, inputs: [[...extents, channels]], output };
  };
const enlarged: Generator = (r) => {
  const size = each(r, 2, 1, 3);
  const [extents, channels] = [times(2, () => r.int(1, 3)), r.int(1, 2)];
  return {
    options: { size: size.option, interpolation: r.pick(["nearest", "bilinear"]) },
    inputs: [[...extents, channels]],
    output: [...extents.map((n, d) => n * size.list[d]!), channels],
  };
};

/** A layer that keeps the shape. */
const keeping =
  (options: (r: Random) => Options, shape: (r: Random) => Shape): Generator =>
  (r) => {
    const output = shape(r);
    return { options: options(r), inputs: [output], output };
  };
const scaling = (r: Random): Options => ({
  epsilon: r.uniform(0.01, 0.5),
  center: r.pick([true, false]),
  scale: r.pick([true, false]),
});

export const layerCases: Readonly<Record<string, Generator>> = {
  input: (r) => {
    const shape = r.shape(r.int(0, 3));
    return { options: { shape }, inputs: [shape], output: shape };
  },
  dense(r) {
    const [rows, features] = [r.shape(r.int(0, 2)), r.int(1, 4)];
    const units = r.int(1, 4);
    const options = { units, use_bias: r.pick([true, false]), ...activation(r) };
    return { options, inputs: [[...rows, features]], output: [...rows, units] };
  },
  activation: keeping(
    (r) => ({ function: r.pick(activations).name }),
    (r) => r.shape(r.int(1, 3)),
  ),
  flatten: (r) => {
    const shape = r.shape(r.int(0, 3));
    return { options: {}, inputs: [shape], output: [sizeOf(shape)] };
  },
  reshape(r) {
    const output = r.shape(r.int(1, 3));
    const hidden = r.int(-1, output.length - 1);
    const target_shape = output.map((n, d) => (d === hidden ? -1 : n));
    const input = r.pick([[sizeOf(output)], [1, ...output].reverse(), output]);
    return { options: { target_shape }, inputs: [input], output };
  },
  dropout: keeping(
    (r) => ({ rate: r.pick([0, r.uniform(0, 0.9)]) }),
    (r) => [8, ...r.shape(r.int(0, 2))],
  ),
  conv1d: convolution(1),
  conv2d: convolution(2),
  depthwise_conv2d: depthwise,
  conv2d_transpose: transposed,
  max_pooling1d: pooling(1),
  max_pooling2d: pooling(2),
  average_pooling1d: pooling(1),
  average_pooling2d: pooling(2),
  global_max_pooling1d: overall(1),
  global_max_pooling2d: overall(2),
  global_average_pooling1d: overall(1),
  global_average_pooling2d: overall(2),
  zero_padding2d: bordered("padding", 3, 1),
  cropping2d: bordered("cropping", 1, -1),
  up_sampling2d: enlarged,
  batch_normalization: keeping(
    (r) => ({ ...scaling(r), momentum: r.uniform(), axis: r.pick([-1, 1, 2]) }),
    (r) => [r.int(1, 3), r.int(2, 3)],
  ),
  layer_normalization: keeping(
    (r) => ({
      ...scaling(r),
      axis: r.pick<number | number[]>([-1, 1, [1, 2], [-1, -2]]),
      rms_scaling: r.pick([true, false]),
    }),
    (r) => [r.int(2, 4), r.int(2, 4)],
  ),
};
