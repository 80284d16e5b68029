/**
 * What every data source delivers: examples held in memory as flat arrays, in named inputs and targets,
 * split into training and validation parts. Batching and shuffling happen elsewhere, by index.
 */
import type { z } from "zod";
import type { Description } from "./description.ts";
import type { Encodings } from "./encoding.ts";

/** One array of `count` examples, row-major; `shape` is that of a single example. */
export interface Samples {
  /** Shape of one example, without the leading count: `[28, 28]`; a class label has `[]`. */
  readonly shape: readonly number[];
  readonly values: Uint8Array | Int32Array | Float32Array;
  /** The graph multiplies by this when it reads (pixels: 1/255); absent means 1. */
  readonly scale?: number;
}

/** The least and the greatest value as the model sees them, for people: `from 0 to 1`. */
export function rangeOf({ values, scale = 1 }: Samples): string {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const shown = (value: number) => Number((value * scale).toPrecision(4));
  return `from ${shown(least)} to ${shown(most)}`;
}

/** `count` examples; the maps' keys name the inputs and targets (`x` and `y` where there is one of each). */
export interface Examples {
  readonly count: number;
  readonly inputs: ReadonlyMap<string, Samples>;
  readonly targets: ReadonlyMap<string, Samples>;
  /** How much each example counts in the loss: float32 []; absent means 1. */
  readonly weights?: Samples;
}

/** What trains, and what is held against it. */
export interface Parts {
  readonly train: Examples;
  /** The source's own test set, if it has one. `validation_split` may replace it. */
  readonly validation?: Examples;
}

export interface Dataset extends Parts {
  /** Names of the classes of a categorical target, in label order. */
  readonly classes?: readonly string[];
  /** How rows and texts became numbers, by input; plain data, so that a run can keep it. */
  readonly encodings?: Encodings;
  /** What was found, for people: "60000 training and 10000 test images, 28×28, 10 classes". */
  readonly summary: string;
}

/**
 * A dataset as a source gives it. What is learned from the examples (a vocabulary) may depend on those that
 * train only, so it waits for `fit`; until then examples may be anything that can be picked by row.
 */
export interface Loaded extends Dataset {
  fit?(parts: Parts): Dataset;
}

export interface SourceContext {
  /** Folder that relative paths in the spec start from. */
  readonly directory: string;
  /** Seed for generated data. */
  readonly seed: number;
  /** Data that a model was trained on: what was fitted to it then is used as it is, for the model knows no other. */
  readonly earlier?: Description;
}

/**
 * A data source: one file in `sources/`, one line in `sources/index.ts`. Its options become part of the
 * spec's schema, so a problem's path is relative to them: `["path"]`, `[]` for the source as a whole.
 */
export interface DataSource<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  /** Other names it goes by. */
  readonly aliases?: readonly string[];
  readonly doc: string;
  readonly options: S;
  /** @throws ProblemError with paths relative to this source's options */
  load(options: z.output<z.ZodObject<S>>, context: SourceContext): Promise<Loaded>;
}

/** Checks a definition's types and forgets its options' type, which the schema re-establishes. */
export function defineSource<S extends z.ZodRawShape>(source: DataSource<S>): DataSource<S> {
  return source;
}
