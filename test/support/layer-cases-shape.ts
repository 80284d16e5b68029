/** Random options and inputs for layers that move or repeat elements, and for activations as layers. */
import { sizeOf } from "../../src/ir/graph.ts";
import { activations } from "../../src/nn/activations.ts";
import type { Options } from "./keras.ts";
import { each, type Generator, keeping, type Random, times } from "./layer-case.ts";

/** Margins: one number for all sides, one a dimension, or a pair a dimension; and what they sum to. */
function margins(r: Random, rank: number, most: number) {
  const pairs = times(rank, () => times(2, () => r.int(0, most)));
  const first = pairs.map(([a]) => a!);
  const uniform = { option: first[0]!, sums: first.map(() => 2 * first[0]!) };
  const full = { option: rank === 1 ? pairs[0]! : pairs, sums: pairs.map(([a, b]) => a! + b!) };
  if (rank === 1) return r.pick([uniform, full]);
  return r.pick([uniform, full, { option: first, sums: first.map((n) => 2 * n) }]);
}
const bordered =
  (option: string, rank: number, most: number, sign: 1 | -1): Generator =>
  (r) => {
    const { option: value, sums } = margins(r, rank, most);
    const [extents, channels] = [times(rank, () => r.int(3, rank === 3 ? 3 : 5)), r.int(1, 2)];
    const output = [...extents.map((n, d) => n + sign * sums[d]!), channels];
    return { options: { [option]: value }, inputs: [[...extents, channels]], output };
  };
const enlarged =
  (rank: number): Generator =>
  (r) => {
    const size = each(r, rank, 1, 3);
    const [extents, channels] = [times(rank, () => r.int(1, rank === 3 ? 2 : 3)), r.int(1, 2)];
    const how = rank === 2 ? { interpolation: r.pick(["nearest", "bilinear"]) } : {};
    return {
      options: { size: size.option, ...how },
      inputs: [[...extents, channels]],
      output: [...extents.map((n, d) => n * size.list[d]!), channels],
    };
  };

const rankCases = (rank: number): Readonly<Record<string, Generator>> => ({
  [`zero_padding${rank}d`]: bordered("padding", rank, rank === 3 ? 1 : 3, 1),
  [`cropping${rank}d`]: bordered("cropping", rank, 1, -1),
  [`up_sampling${rank}d`]: enlarged(rank),
});

const activationCases = Object.fromEntries(
  activations.map(({ name }): [string, Generator] => [
    name,
    keeping(
      () => ({}),
      (r) => r.shape(r.int(1, 3)),
    ),
  ]),
);

/** Numbers as categories in one of some ways. */
function encoding(r: Random, depth: number, modes: readonly string[]) {
  const output_mode = r.pick(modes);
  const input = r.shape(r.int(0, 2));
  const outer = input.slice(0, -1);
  const isNew = output_mode === "one_hot" && input.at(-1) !== 1;
  const hot = isNew ? [...input, depth] : [...outer, depth];
  return { output_mode, input, output: output_mode === "int" ? input : hot };
}

export const shapeCases: Readonly<Record<string, Generator>> = {
  ...rankCases(1),
  ...rankCases(2),
  ...rankCases(3),
  ...activationCases,
  // By itself an option `axis` would be any number.
  log_softmax: keeping(
    (r) => ({ axis: r.pick([-1, 1]) }),
    (r) => r.shape(r.int(1, 3)),
  ),
  softmax: keeping(
    (r) => ({ axis: r.pick<number | number[]>([-1, 1, 2, [1, 2], [-1, 1]]) }),
    (r) => [r.int(2, 4), r.int(2, 4)],
  ),
  prelu: keeping(
    (r) => ({
      alpha_initializer: "random_normal",
      shared_axes: r.pick([null, 1, [1, 2], [2], []]),
    }),
    (r) => [r.int(1, 3), r.int(1, 3)],
  ),
  rescaling: keeping(
    (r) => ({ scale: r.pick<number | number[]>([2, [1, -0.5]]), offset: r.pick([0, [1, 2]]) }),
    (r) => [...r.shape(r.int(0, 2)), 2],
  ),
  normalization: keeping(
    (r) => ({
      ...r.pick<Options>([
        {},
        { axis: null },
        { axis: [1, 2] },
        { axis: 1, mean: [1, 2, 3], variance: [0.5, 1, 2] },
        { mean: 0.3, variance: 2 },
      ]),
      invert: r.pick([true, false]),
    }),
    (r) => [3, r.int(1, 3)],
  ),
  resizing(r) {
    const [h, w, channels] = [r.int(1, 4), r.int(1, 4), r.int(1, 2)];
    const [height, width] = [r.int(1, 5), r.int(1, 5)];
    return {
      options: { height, width, interpolation: r.pick(["bilinear", "nearest"]) },
      inputs: [[h, w, channels]],
      output: [height, width, channels],
    };
  },
  center_crop(r) {
    const [h, w, channels] = [r.int(1, 5), r.int(1, 5), r.int(1, 2)];
    const [height, width] = [r.int(1, 5), r.int(1, 5)];
    const output = [height, width, channels];
    return { options: { height, width }, inputs: [[h, w, channels]], output };
  },
  category_encoding(r) {
    const num_tokens = r.int(1, 5);
    const { output_mode, input, output } = encoding(r, num_tokens, [
      "one_hot",
      "multi_hot",
      "count",
    ]);
    const options = { num_tokens, output_mode };
    return { options, inputs: [input], output, below: num_tokens };
  },
  discretization(r) {
    const bin_boundaries = r.pick([[0.5], [-1, 0, 1], [-0.75, -0.5, 0.5, 1.25]]);
    const depth = bin_boundaries.length + 1;
    const all = ["int", "one_hot", "multi_hot", "count"];
    const { output_mode, input, output } = encoding(r, depth, all);
    return { options: { bin_boundaries, output_mode }, inputs: [input], output };
  },
  identity: keeping(
    () => ({}),
    (r) => r.shape(r.int(0, 3)),
  ),
  permute(r) {
    const input = r.shape(3);
    const dims = r.pick([
      [1, 2, 3],
      [2, 1, 3],
      [3, 1, 2],
      [2, 3, 1],
      [3, 2, 1],
    ]);
    return { options: { dims }, inputs: [input], output: dims.map((d) => input[d - 1]!) };
  },
  repeat_vector(r) {
    const [n, features] = [r.int(1, 4), r.int(1, 4)];
    return { options: { n }, inputs: [[features]], output: [n, features] };
  },
  embedding(r) {
    const [input_dim, output_dim] = [r.int(1, 6), r.int(1, 4)];
    const input = r.shape(r.int(0, 2));
    const options = { input_dim, output_dim, mask_zero: r.pick([true, false]) };
    return { options, inputs: [input], output: [...input, output_dim], below: input_dim };
  },
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
};
