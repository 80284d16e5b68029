/**
 * What every data source delivers: examples held in memory as flat arrays, in named inputs and targets,
 * split into training and validation parts. Batching and shuffling happen elsewhere, by index.
 */
import type { z } from "zod";
import type { Encodings } from "./encoding.ts";

/** One array of `count` examples, row-major; `shape` is that of a single example. */
export interface Samples {
  /** Shape of one example, without the leading count: `[28, 28]`; a class label has `[]`. */
  readonly shape: readonly number[];
  readonly values: Uint8Array | Int32Array | Float32Array;
  /** The graph multiplies by this when it reads (pixels: 1/255); absent means 1. */
  readonly scale?: number;
}

/** `count` examples; the maps' keys name the inputs and targets (`x` and `y` where there is one of each). */
export interface Examples {
  readonly count: number;
  readonly inputs: ReadonlyMap<string, Samples>;
  readonly targets: ReadonlyMap<string, Samples>;
}

export interface Dataset {
  readonly train: Examples;
  /** The source's own test set, if it has one. `validation_split` may replace it. */
  readonly validation?: Examples;
  /** Names of the classes of a categorical target, in label order. */
  readonly classes?: readonly string[];
  /** How rows and texts became numbers, by input. */
  readonly encodings?: Encodings;
  /** What was found, for people: "60000 training and 10000 test images, 28×28, 10 classes". */
  readonly summary: string;
}

export interface SourceContext {
  /** Folder that relative paths in the spec start from. */
  readonly directory: string;
  /** Seed for generated data. */
  readonly seed: number;
  /** What an earlier run fitted: to be used as it is, not fitted anew, for its model knows no other. */
  readonly encodings?: Encodings;
}

/**
 * A data source: one file in `sources/`, one line in `sources/index.ts`. Its options become part of the
 * spec's schema, so a problem's path is relative to them: `["path"]`, `[]` for the source as a whole.
 */
export interface DataSource<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  readonly doc: string;
  readonly options: S;
  /** @throws ProblemError with paths relative to this source's options */
  load(options: z.output<z.ZodObject<S>>, context: SourceContext): Promise<Dataset>;
}

/** Checks a definition's types and forgets its options' type, which the schema re-establishes. */
export function defineSource<S extends z.ZodRawShape>(source: DataSource<S>): DataSource<S> {
  return source;
}
