/**
 * What every data source delivers: examples in named inputs and targets, split into training and validation
 * parts. They are held in memory as flat arrays, or, where they are too large for that, stay in files of which
 * any run of rows can be read (`stream/`). Batching and shuffling happen elsewhere, by index.
 */
import type { z } from "zod";
import type { Description } from "./description.ts";
import type { Encodings } from "./encoding.ts";
import type { Stored, Surveyed } from "./stream/stored.ts";

/** What an array of examples looks like, wherever its values are. */
export interface Form {
  /** Shape of one example, without the leading count: `[28, 28]`; a class label has `[]`. */
  readonly shape: readonly number[];
  /** The graph multiplies by this when it reads (pixels: 1/255); absent means 1. */
  readonly scale?: number;
  /** After that it subtracts the mean and divides by the deviation of each position of the last dimension. */
  readonly standard?: Standard;
}

/** Of each position of an array's last dimension, in the training data. */
export interface Standard {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The form alone, of whatever has one. */
export const sampleForm = ({ shape, scale, standard }: FormLike): Form => ({
  shape,
  ...(scale === undefined ? {} : { scale }),
  ...(standard === undefined ? {} : { standard }),
});
interface FormLike {
  readonly shape: readonly number[];
  readonly scale?: number | undefined;
  readonly standard?: Standard | undefined;
}

/** The types that values are stored in. */
export type SampleValues = Uint8Array | Int32Array | Float32Array;

/** One array of `count` examples in memory, row-major. */
export interface Samples extends Form {
  readonly values: SampleValues;
  /** Where an example stands in its file, for messages: `at iris.csv:36`. Not every source says. */
  readonly at?: (example: number) => string;
}

/** What a run reads: in memory, or in files and looked through. */
export type AnySamples = Samples | Surveyed;

/** `count` examples; the maps' keys name the inputs and targets (`x` and `y` where there is one of each). */
export interface Examples<S extends Form = Samples> {
  readonly count: number;
  readonly inputs: ReadonlyMap<string, S>;
  readonly targets: ReadonlyMap<string, S>;
  /** How much each example counts in the loss: float32 []; absent means 1. */
  readonly weights?: S;
}

/** All arrays of some examples. */
export const arraysOf = <S extends Form>({
  inputs,
  targets,
  weights,
}: Examples<S>): readonly S[] => [
  ...inputs.values(),
  ...targets.values(),
  ...(weights ? [weights] : []),
];

/** The same examples with something else in the place of each array. */
export function mapArrays<S extends Form, T extends Form>(
  { inputs, targets, weights }: Examples<S>,
  count: number,
  change: (samples: S) => T,
): Examples<T> {
  const all = (samples: ReadonlyMap<string, S>): ReadonlyMap<string, T> =>
    new Map([...samples].map(([name, s]) => [name, change(s)]));
  return {
    count,
    inputs: all(inputs),
    targets: all(targets),
    ...(weights ? { weights: change(weights) } : {}),
  };
}

/** What trains, and what is held against it. */
export interface Parts<S extends Form = Samples> {
  readonly train: Examples<S>;
  /** The source's own test set, if it has one. `validation_split` may replace it. */
  readonly validation?: Examples<S>;
}

export interface Dataset<S extends Form = Samples> extends Parts<S> {
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
  /**
   * The same examples, left in their files.
   * @param beyond bytes; what takes no more is not worth it, and undefined comes back
   */
  stream?(
    options: z.output<z.ZodObject<S>>,
    context: SourceContext,
    beyond: number,
  ): Promise<Dataset<Stored> | undefined>;
}

/** Checks a definition's types and forgets its options' type, which the schema re-establishes. */
export function defineSource<S extends z.ZodRawShape>(source: DataSource<S>): DataSource<S> {
  return source;
}
