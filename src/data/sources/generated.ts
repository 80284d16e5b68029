/** Data made on the spot, for quick trials: points in groups, spirals, a plane, a wave. */
import { z } from "zod";
import { type RandomStream, randomStream } from "../../support/random.ts";
import { type Dataset, defineSource, type Examples, type Samples } from "../dataset.ts";
import { rangeOf } from "../extremes.ts";

const count = z.int().positive().default(1000).describe("Examples.");
const classes = z.int().min(2).default(3).describe("Classes, of as many examples each as can be.");
const noiseOption = (value: number, what: string) =>
  z.number().min(0).default(value).describe(`Standard deviation of ${what}.`);

/** Examples one after the other, from what makes one. */
function generate(
  n: number,
  width: number,
  example: (i: number) => { readonly x: readonly number[]; readonly y: number },
  labels?: number,
): Dataset {
  const x = new Float32Array(n * width);
  const y = labels === undefined ? new Float32Array(n) : new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const made = example(i);
    x.set(made.x, i * width);
    y[i] = made.y;
  }
  const input: Samples = { shape: [width], values: x };
  const target: Samples = { shape: labels === undefined ? [1] : [], values: y };
  const train: Examples = {
    count: n,
    inputs: new Map([["x", input]]),
    targets: new Map([["y", target]]),
  };
  const what = labels === undefined ? `targets ${rangeOf(target)}` : `${labels} classes`;
  return {
    train,
    ...(labels === undefined
      ? {}
      : { classes: Array.from({ length: labels }, (_, label) => `${label}`) }),
    summary: `${n} generated examples, ${width} ${width === 1 ? "feature" : "features"} ${rangeOf(input)}, ${what}`,
  };
}

const draw = (n: number, one: () => number) => Array.from({ length: n }, one);
const uniform = (random: RandomStream, from: number, to: number) =>
  from + (to - from) * random.uniform();

/** `x`: float32 [features]; `y`: int32 []. */
export const blobs = defineSource({
  name: "blobs",
  doc: "Generated: points around a random centre in [-10, 10] for each class, as of scikit-learn's make_blobs.",
  options: {
    count,
    features: z.int().positive().default(2).describe("Dimensions of a point."),
    classes,
    noise: noiseOption(1, "a point around its centre"),
  },
  async load({ count: n, features, classes: k, noise }, { seed }) {
    const random = randomStream(seed, "blobs");
    const centres = draw(k, () => 0).map(() => draw(features, () => uniform(random, -10, 10)));
    const example = (i: number) => ({
      x: centres[i % k]!.map((c) => c + noise * random.normal()),
      y: i % k,
    });
    return generate(n, features, example, k);
  },
});

/** `x`: float32 [2], within about 1 of the middle; `y`: int32 []. */
export const spirals = defineSource({
  name: "spirals",
  doc: "Generated: an arm of a spiral for each class, which no straight line divides.",
  options: {
    count,
    classes: classes.default(2),
    turns: z.number().positive().default(1).describe("How often an arm goes round."),
    noise: noiseOption(0.02, "a point around its arm"),
  },
  async load({ count: n, classes: k, turns, noise }, { seed }) {
    const random = randomStream(seed, "spirals");
    const example = (i: number) => {
      const radius = Math.sqrt(random.uniform());
      const angle = 2 * Math.PI * (radius * turns + (i % k) / k);
      const x = [radius * Math.cos(angle), radius * Math.sin(angle)];
      return { x: x.map((v) => v + noise * random.normal()), y: i % k };
    };
    return generate(n, 2, example, k);
  },
});

/** `x`: float32 [features] in [-1, 1]; `y`: float32 [1]. */
export const linear = defineSource({
  name: "linear",
  doc: "Generated: y = w·x + b + noise, with random w and b.",
  options: {
    count,
    features: z.int().positive().default(1).describe("Numbers in an example."),
    noise: noiseOption(0.1, "the target around the plane"),
  },
  async load({ count: n, features, noise }, { seed }) {
    const random = randomStream(seed, "linear");
    const w = draw(features, () => uniform(random, -2, 2));
    const b = uniform(random, -1, 1);
    const example = () => {
      const x = draw(features, () => uniform(random, -1, 1));
      const y = x.reduce((sum, v, i) => sum + v * w[i]!, b);
      return { x, y: y + noise * random.normal() };
    };
    return generate(n, features, example);
  },
});

/** `x`: float32 [1] in [-π, π]; `y`: float32 [1]. */
export const sine = defineSource({
  name: "sine",
  doc: "Generated: y = sin(frequency·x) + noise, x in [-π, π].",
  options: {
    count,
    frequency: z.number().positive().default(1).describe("Waves from -π to π."),
    noise: noiseOption(0.05, "the target around the wave"),
  },
  async load({ count: n, frequency, noise }, { seed }) {
    const random = randomStream(seed, "sine");
    const example = () => {
      const x = uniform(random, -Math.PI, Math.PI);
      return { x: [x], y: Math.sin(frequency * x) + noise * random.normal() };
    };
    return generate(n, 1, example);
  },
});
