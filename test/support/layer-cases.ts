/**
 * Random options and inputs for every layer of the catalogue, and the shape that must come out, by formulas
 * of their own (KERAS.md). A layer without a generator here fails the tests.
 */
import { activations } from "../../src/nn/activations.ts";
import type { Options } from "./keras.ts";
import { each, type Generator, keeping, type Random, times } from "./layer-case.ts";
import { einsumDense } from "./layer-cases-einsum.ts";
import { randomCases } from "./layer-cases-random.ts";
import { recurrentCases } from "./layer-cases-recurrent.ts";
import { severalCases } from "./layer-cases-several.ts";
import { shapeCases } from "./layer-cases-shape.ts";

const activation = (r: Random) => ({ activation: r.pick(activations).name });
const bias = (r: Random): Options => ({ use_bias: r.pick([true, false]), activation: "tanh" });

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
    const extents = times(rank, () => r.int(3, rank === 3 ? 3 : 5));
    return {
      options: { filters, groups, ...options, ...bias(r) },
      inputs: [[...extents, groups * r.int(1, 2)]],
      output: [...extents.map(count), filters],
    };
  };
const depthwise =
  (rank: number, separable = false): Generator =>
  (r) => {
    const { options, count } = windows(r, rank, "kernel_size", true);
    const [extents, channels, depth] = [times(rank, () => r.int(3, 5)), r.int(1, 2), r.int(1, 2)];
    const filters = separable ? { filters: r.int(1, 3) } : {};
    return {
      options: { depth_multiplier: depth, ...filters, ...options, ...bias(r) },
      inputs: [[...extents, channels]],
      output: [...extents.map(count), filters.filters ?? channels * depth],
    };
  };
const transposed =
  (rank: number): Generator =>
  (r) => {
    const [size, steps] = [each(r, rank, 1, 3), each(r, rank, 1, 3)];
    const holes = r.pick([true, false]);
    const [extents, filters] = [times(rank, () => r.int(1, rank === 3 ? 2 : 3)), r.int(1, 2)];
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
    const extents = times(rank, () => r.int(3, rank === 3 ? 3 : 5));
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

const adaptive =
  (rank: number): Generator =>
  (r) => {
    const size = each(r, rank, 1, 4);
    const [extents, channels] = [times(rank, () => r.int(2, 5)), r.int(1, 2)];
    return {
      options: { output_size: size.option },
      inputs: [[...extents, channels]],
      output: [...size.list, channels],
    };
  };

const scaling = (r: Random): Options => ({
  epsilon: r.uniform(0.01, 0.5),
  center: r.pick([true, false]),
  scale: r.pick([true, false]),
});

const anyAxis = (r: Random) => r.pick<number | number[]>([-1, 1, [1, 2], [-1, -2]]);
const byRank = (name: string, of: (rank: number) => Generator) =>
  Object.fromEntries([1, 2, 3].map((rank) => [`${name}${rank}d`, of(rank)]));

/** Any layer of one input with dimensions, applied to every step. */
const distributed: Generator = (r) => {
  for (;;) {
    const name = r.pick(Object.keys(layerCases));
    const { inputs, output, options, ...more } = layerCases[name]!(r);
    const [own, ...others] = inputs;
    if (name === "input" || own!.length === 0 || others.length > 0) continue;
    const steps = r.int(1, 3);
    return {
      ...more,
      options: { layer: { [name]: options } },
      inputs: [[steps, ...own!]],
      output: [steps, ...output],
    };
  }
};

/** Of a layer with one kernel; Keras makes whole numbers of what an embedding gives of whole numbers. */
const spectral: Generator = (r) => {
  const name = r.pick(["dense", "einsum_dense", "conv1d", "depthwise_conv2d", "conv2d_transpose"]);
  const { options, ...drawn } = layerCases[name]!(r);
  return { ...drawn, options: { layer: { [name]: options }, power_iterations: r.int(1, 3) } };
};

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
  einsum_dense: einsumDense,
  activation: keeping(
    (r) => ({ function: r.pick(activations).name }),
    (r) => r.shape(r.int(1, 3)),
  ),
  masking(r) {
    const output = [...r.shape(r.int(0, 2)), r.int(1, 2)];
    // Whole numbers, of which some are the value; others hardly ever are.
    const whole = r.pick([true, false]) ? { below: 2 } : {};
    return { options: { mask_value: r.int(0, 1) }, inputs: [output], output, ...whole };
  },
  time_distributed: distributed,
  spectral_normalization: spectral,
  ...shapeCases,
  ...severalCases,
  ...recurrentCases,
  ...randomCases,
  conv1d: convolution(1),
  conv2d: convolution(2),
  conv3d: convolution(3),
  depthwise_conv1d: depthwise(1),
  depthwise_conv2d: depthwise(2),
  separable_conv1d: depthwise(1, true),
  separable_conv2d: depthwise(2, true),
  conv1d_transpose: transposed(1),
  conv2d_transpose: transposed(2),
  conv3d_transpose: transposed(3),
  ...byRank("max_pooling", pooling),
  ...byRank("average_pooling", pooling),
  ...byRank("adaptive_average_pooling", adaptive),
  ...byRank("adaptive_max_pooling", adaptive),
  ...byRank("global_max_pooling", overall),
  ...byRank("global_average_pooling", overall),
  batch_normalization: keeping(
    (r) => ({ ...scaling(r), momentum: r.uniform(), axis: r.pick([-1, 1, 2]) }),
    (r) => [r.int(1, 3), r.int(2, 3)],
  ),
  layer_normalization: keeping(
    (r) => ({
      ...scaling(r),
      axis: anyAxis(r),
      rms_scaling: r.pick([true, false]),
    }),
    (r) => [r.int(2, 4), r.int(2, 4)],
  ),
  group_normalization: (r) => {
    const [groups, own] = [r.int(1, 3), r.int(1, 2)];
    const axis = r.pick([-1, 1, -2]);
    const output = axis === -1 ? [r.int(2, 3), groups * own] : [groups * own, r.int(2, 3)];
    const options = { ...scaling(r), axis, groups: own === 1 ? r.pick([groups, -1]) : groups };
    return { options, inputs: [output], output };
  },
  rms_normalization: keeping(
    (r) => ({ epsilon: r.uniform(0.01, 0.5), axis: anyAxis(r) }),
    (r) => [r.int(2, 4), r.int(2, 4)],
  ),
  unit_normalization: keeping(
    (r) => ({ axis: anyAxis(r) }),
    (r) => [r.int(2, 4), r.int(2, 4)],
  ),
};
