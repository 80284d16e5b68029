/** Random options and inputs for layers that draw random numbers in training. */
import type { Shape } from "../../src/ir/graph.ts";
import type { Options } from "./keras.ts";
import { type Generator, keeping, type Random } from "./layer-case.ts";

const rate = (r: Random) => ({ rate: r.pick([0, r.uniform(0.2, 0.9)]) });
const some = (r: Random): Shape => [8, ...r.shape(r.int(0, 2))];
/** A mask of its own shape for the dimensions of 8 elements and more. */
const masked: Generator = (r) => {
  const output = [8, r.int(1, 3), 4];
  const noise_shape = r.pick([null, [null, 8, 1, null], [null, null, null, 1]]);
  return { options: { ...rate(r), noise_shape }, inputs: [output], output };
};
const spatial = (rank: number): Generator => keeping(rate, (r) => [...r.shape(rank, 2), 8]);

/** Images large enough for a change to show. */
const pictures =
  (options: (r: Random) => Options): Generator =>
  (r) => {
    const output = [r.int(3, 4), r.int(3, 4), r.int(1, 2)];
    return { options: options(r), inputs: [output], output };
  };
const sampling = (r: Random): Options => ({
  fill_mode: r.pick(["reflect", "wrap", "constant", "nearest"]),
  interpolation: r.pick(["bilinear", "nearest"]),
  fill_value: r.uniform(),
});

export const randomCases: Readonly<Record<string, Generator>> = {
  dropout: masked,
  alpha_dropout: masked,
  spatial_dropout1d: spatial(1),
  spatial_dropout2d: spatial(2),
  spatial_dropout3d: spatial(3),
  gaussian_noise: keeping((r) => ({ stddev: r.pick([0, r.uniform(0.1, 1)]) }), some),
  gaussian_dropout: keeping(rate, some),
  random_flip: pictures((r) => ({
    mode: r.pick(["horizontal", "vertical", "horizontal_and_vertical"]),
  })),
  random_translation: pictures((r) => ({
    height_factor: r.pick<number | number[]>([0.7, [-0.5, 1]]),
    width_factor: r.pick([0.3, 0.9]),
    ...sampling(r),
  })),
  random_rotation: pictures((r) => ({
    factor: r.pick<number | number[]>([0.5, [0.1, 0.9]]),
    ...sampling(r),
  })),
  random_zoom: pictures((r) => ({
    height_factor: r.pick<number | number[]>([0.9, [-0.8, -0.2]]),
    width_factor: r.pick([null, 0.8]),
    ...sampling(r),
  })),
  random_contrast: pictures((r) => ({
    factor: r.pick<number | number[]>([0.5, [0.1, 0.9]]),
    value_range: [-10, 10],
  })),
  random_brightness: pictures((r) => ({
    factor: r.pick<number | number[]>([0.5, [-0.25, 0.75], [0.25, 0.25], [-0.5, -0.5]]),
    value_range: r.pick([
      [-1.5, 1.5],
      [2, -2],
    ]),
  })),
  random_grayscale: (r) => {
    const output = [r.int(2, 3), r.int(2, 3), 3];
    return { options: { factor: r.pick([0, 1, 0.5]) }, inputs: [output], output };
  },
  activity_regularization: keeping((r) => ({ l1: r.uniform(), l2: r.uniform() }), some),
};
