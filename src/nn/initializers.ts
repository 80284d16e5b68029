/**
 * Initial weights, by Keras's names and formulas (https://keras.io/api/layers/initializers/). They are drawn
 * on the host in double precision: the same for every backend.
 */
import { z } from "zod";
import { type Shape, sizeOf } from "../ir/graph.ts";
import type { RandomStream } from "../support/random.ts";
import { type Definition, type Named, named } from "./definition.ts";

export interface Initializer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** For a shape that it cannot fill: the shapes it can, for the error. */
  unfit?(shape: Shape): string | undefined;
  /** @param units of the weight; by default those of its shape */
  fill(
    shape: Shape,
    options: z.output<z.ZodObject<S>>,
    random: RandomStream,
    units?: Fans,
  ): Float32Array;
}
/** Checks a definition's types; the catalogue holds initializers of all kinds of options. */
export function defineInitializer<S extends z.ZodRawShape>(i: Initializer<S>): Initializer {
  return i as unknown as Initializer;
}

/** Number of inputs and outputs of one unit. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}
/** Those of kernels [receptive field…, in, out]. */
export function fans(shape: Shape): Fans {
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 };
  if (shape.length === 1) return { fanIn: shape[0]!, fanOut: shape[0]! };
  const field = sizeOf(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * field, fanOut: shape.at(-1)! * field };
}

function draw(shape: Shape, next: () => number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = next();
  return values;
}
function uniform(shape: Shape, lo: number, hi: number, random: RandomStream): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  random.fillUniform(values, lo, hi);
  return values;
}
const normal = (shape: Shape, mean: number, stddev: number, random: RandomStream) =>
  draw(shape, () => mean + stddev * random.normal());
/** Normal numbers more than two standard deviations out are drawn again. */
const truncated = (shape: Shape, mean: number, stddev: number, random: RandomStream) =>
  draw(shape, () => {
    for (;;) {
      const x = random.normal();
      if (Math.abs(x) <= 2) return mean + stddev * x;
    }
  });
/** Standard deviation of a standard normal cut off at ±2. */
const truncationFactor = 0.87962566103423978;

interface Scaling {
  readonly scale: number;
  readonly mode: "fan_in" | "fan_out" | "fan_avg";
  readonly distribution: "normal" | "truncated_normal" | "untruncated_normal" | "uniform";
}
/** Variance scale/fan, in the given distribution. */
function scaled(
  shape: Shape,
  { scale, mode, distribution }: Scaling,
  random: RandomStream,
  { fanIn, fanOut }: Fans = fans(shape),
) {
  const fan = { fan_in: fanIn, fan_out: fanOut, fan_avg: (fanIn + fanOut) / 2 }[mode];
  const variance = scale / Math.max(1, fan);
  const stddev = Math.sqrt(variance);
  switch (distribution) {
    case "uniform": {
      const limit = Math.sqrt(3 * variance);
      return uniform(shape, -limit, limit, random);
    }
    case "untruncated_normal":
      return normal(shape, 0, stddev, random);
    case "normal":
    case "truncated_normal":
      return truncated(shape, 0, stddev / truncationFactor, random);
    default:
      return distribution satisfies never;
  }
}
const scaling = (name: string, doc: string, how: Scaling): Initializer =>
  defineInitializer({
    name,
    doc,
    options: {},
    fill: (shape, _, random, units) => scaled(shape, how, random, units),
  });

const spread = {
  mean: z.number().default(0).describe("Mean."),
  stddev: z.number().min(0).default(0.05).describe("Standard deviation."),
};

export const initializers: readonly Initializer[] = [
  defineInitializer({
    name: "zeros",
    aliases: ["zero"],
    doc: "All 0",
    options: {},
    fill: (shape) => new Float32Array(sizeOf(shape)),
  }),
  defineInitializer({
    name: "ones",
    aliases: ["one"],
    doc: "All 1",
    options: {},
    fill: (shape) => draw(shape, () => 1),
  }),
  defineInitializer({
    name: "constant",
    doc: "All the same value",
    options: { value: z.number().default(0).describe("The value.") },
    fill: (shape, { value }) => draw(shape, () => value),
  }),
  defineInitializer({
    name: "random_normal",
    aliases: ["normal"],
    doc: "Normal distribution",
    options: spread,
    fill: (shape, { mean, stddev }, random) => normal(shape, mean, stddev, random),
  }),
  defineInitializer({
    name: "random_uniform",
    aliases: ["uniform"],
    doc: "Uniform distribution in [minval, maxval)",
    options: {
      minval: z.number().default(-0.05).describe("Lower limit."),
      maxval: z.number().default(0.05).describe("Upper limit."),
    },
    fill: (shape, { minval, maxval }, random) => uniform(shape, minval, maxval, random),
  }),
  defineInitializer({
    name: "truncated_normal",
    doc: "Normal distribution, redrawn beyond two standard deviations",
    options: spread,
    fill: (shape, { mean, stddev }, random) => truncated(shape, mean, stddev, random),
  }),
  defineInitializer({
    name: "variance_scaling",
    doc: "Variance scale/fan, fan the number of inputs, of outputs, or their mean",
    options: {
      scale: z.number().positive().default(1).describe("Scale of the variance."),
      mode: z
        .enum(["fan_in", "fan_out", "fan_avg"])
        .default("fan_in")
        .describe("What to divide by."),
      distribution: z
        .enum(["normal", "truncated_normal", "untruncated_normal", "uniform"])
        .default("truncated_normal")
        .describe("Form of the distribution; normal means truncated."),
    },
    fill: (shape, options, random, units) => scaled(shape, options, random, units),
  }),
  scaling("glorot_uniform", "Uniform in ±√(6/(fan_in + fan_out))", {
    scale: 1,
    mode: "fan_avg",
    distribution: "uniform",
  }),
  scaling("glorot_normal", "Truncated normal, variance 2/(fan_in + fan_out)", {
    scale: 1,
    mode: "fan_avg",
    distribution: "truncated_normal",
  }),
  scaling("he_uniform", "Uniform in ±√(6/fan_in)", {
    scale: 2,
    mode: "fan_in",
    distribution: "uniform",
  }),
  scaling("he_normal", "Truncated normal, variance 2/fan_in", {
    scale: 2,
    mode: "fan_in",
    distribution: "truncated_normal",
  }),
  scaling("lecun_uniform", "Uniform in ±√(3/fan_in)", {
    scale: 1,
    mode: "fan_in",
    distribution: "uniform",
  }),
  scaling("lecun_normal", "Truncated normal, variance 1/fan_in", {
    scale: 1,
    mode: "fan_in",
    distribution: "truncated_normal",
  }),
  defineInitializer({
    name: "orthogonal",
    doc: "Orthonormal rows or columns: Q of a random matrix, times gain",
    options: { gain: z.number().default(1).describe("Factor.") },
    unfit: (shape) => (shape.length < 2 ? "a weight of at least two dimensions" : undefined),
    fill: (shape, { gain }, random) =>
      orthogonal(sizeOf(shape.slice(0, -1)), shape.at(-1)!, gain, random),
  }),
  defineInitializer({
    name: "identity",
    doc: "The identity matrix, times gain",
    options: { gain: z.number().default(1).describe("Factor.") },
    unfit: (shape) => (shape.length === 2 ? undefined : "a weight of exactly two dimensions"),
    fill: ([rows, columns], { gain }) =>
      Float32Array.from({ length: rows! * columns! }, (_, i) =>
        Math.floor(i / columns!) === i % columns! ? gain : 0,
      ),
  }),
];

/** Gram and Schmidt, twice for accuracy, on random normal vectors; uniform over the orthogonal group. */
function orthogonal(
  rows: number,
  columns: number,
  gain: number,
  random: RandomStream,
): Float32Array {
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const v = Float64Array.from({ length }, () => random.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const b of basis) {
        const dot = v.reduce((s, x, i) => s + x * b[i]!, 0);
        for (let i = 0; i < length; i++) v[i]! -= dot * b[i]!;
      }
    }
    const norm = Math.sqrt(v.reduce((s, x) => s + x * x, 0));
    if (norm > 1e-9) basis.push(v.map((x) => x / norm));
  }
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns];
    return gain * (rows >= columns ? basis[c]![r]! : basis[r]![c]!);
  });
}

/** The spec's reference to an initializer. */
export const initializerOption = () => named<Initializer>("initializer", () => initializers);

/** An initializer by name, with its default options. */
export function initializer(name: string): Named<Initializer> {
  const definition = initializers.find((i) => i.name === name)!;
  return { definition, options: z.object(definition.options).parse({}) };
}
