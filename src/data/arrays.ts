/** Arrays of examples and of targets, along their first axes, as datasets: for every source that holds arrays. */
import { z } from "zod";
import type { Dataset, Examples, Form, Samples } from "./dataset.ts";
import { firstNotFinite, rangeOf } from "./extremes.ts";
import type { NpyArray } from "./npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "./read-file.ts";
import { isStored, type Stored, typeOf } from "./stream/stored.ts";

export const scaleOption = z
  .number()
  .optional()
  .describe("Multiply the examples by this, e.g. 0.00392157 for 1/255.");

/** An array, and where it came from. */
export interface PlacedArray {
  readonly array: NpyArray;
  readonly place: Place;
}

/** @throws ProblemError if it holds no examples, or values that are not finite */
export function checkArray({ array, place }: PlacedArray): void {
  const { values, shape } = array;
  checkExtents(shape, place);
  const first = firstNotFinite(values);
  if (first < 0) return;
  const count = values.filter((value) => !Number.isFinite(value)).length;
  const example = Math.floor(first / (values.length / shape[0]!));
  damaged(place, "has values that are not finite in float32", {
    expected: "numbers",
    received: `${count} of ${values.length}, the first (${values[first]}) in example ${example}`,
    fix: "remove or fill these examples, e.g. np.nan_to_num",
  });
}

/** @throws ProblemError unless there is an example, and something in it */
export function checkExtents(shape: readonly number[], place: Place): void {
  if (shape.length > 0 && shape.every((extent) => extent > 0)) return;
  damaged(place, "holds no examples", {
    expected: "a first axis of at least 1, and no axis of 0",
    received: `shape (${shape.join(", ")})`,
    fix: "save an array with the examples along its first axis",
  });
}

/** Something for each input and each target. */
export interface Pair<T> {
  readonly inputs: ReadonlyMap<string, T>;
  readonly targets: ReadonlyMap<string, T>;
}
/** What trains, and what validates if there is anything. */
export interface Pairs<T> {
  readonly train: Pair<T>;
  readonly test: Pair<T> | undefined;
}

/** How the arrays of a pair become samples: what shape they have, and what is made of them with another. */
export interface Reading<T, S> {
  shapeOf(array: T): readonly number[];
  input(array: T, form: Form): S;
  target(array: T, form: Form): S;
}

/**
 * Inputs: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * Targets: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export function examplesOf<T extends { readonly place: Place }, S extends Form>(
  { inputs, targets }: Pair<T>,
  scale: number | undefined,
  reading: Reading<T, S>,
): Examples<S> {
  const [first] = inputs.values();
  const count = reading.shapeOf(first!)[0]!;
  for (const array of [...inputs.values(), ...targets.values()]) {
    const [own] = reading.shapeOf(array);
    if (own === count) continue;
    damaged(array.place, "has another length than the examples", {
      expected: `${count}, as ${first!.place.name} has`,
      received: `${own}`,
      fix: "save arrays whose first axes agree",
    });
  }
  const each = (arrays: ReadonlyMap<string, T>, make: (array: T, shape: readonly number[]) => S) =>
    new Map(
      [...arrays].map(([name, array]) => [name, make(array, reading.shapeOf(array).slice(1))]),
    );
  const scaled = scale === undefined ? {} : { scale };
  return {
    count,
    inputs: each(inputs, (array, shape) =>
      reading.input(array, { shape: shape.length === 0 ? [1] : shape, ...scaled }),
    ),
    targets: each(targets, (array, shape) => reading.target(array, { shape })),
  };
}

const inMemory: Reading<PlacedArray, Samples> = {
  shapeOf: ({ array }) => array.shape,
  input: ({ array: { values } }, form) => ({ ...form, values }),
  target: ({ array: { values }, place }, form) => ({
    ...form,
    at: (example) => `in example ${example} of ${place.name}`,
    values: values instanceof Uint8Array ? Int32Array.from(values) : values,
  }),
};

/** Arrays in memory as a dataset. */
export function heldDataset(
  { train, test }: Pairs<PlacedArray>,
  scale: number | undefined,
  file: string,
): Dataset {
  const examples = (pair: Pair<PlacedArray>) => examplesOf(pair, scale, inMemory);
  return arrayDataset(examples(train), test && examples(test), file);
}

/** The dataset of training data and, perhaps, test data of the same form. */
export function arrayDataset<S extends Samples | Stored>(
  train: Examples<S>,
  test: Examples<S> | undefined,
  file: string,
): Dataset<S> {
  if (test) {
    checkSide(train.inputs, test.inputs, "x_test", file);
    checkSide(train.targets, test.targets, "y_test", file);
  }
  const shapes = [...train.inputs.values()].map((x: Samples | Stored) => {
    const range = isStored(x) ? "" : `, ${rangeOf(x)}`;
    return `${x.shape.join("×")}${range}`;
  });
  return {
    train,
    ...(test ? { validation: test } : {}),
    summary:
      `${train.count} training${test ? ` and ${test.count} test` : ""} examples of shape ` +
      shapes.join(" and "),
  };
}

type Side = ReadonlyMap<string, Samples | Stored>;

function checkSide(train: Side, test: Side, option: "x_test" | "y_test", file: string): void {
  const place = { path: [option], name: file };
  const names = (side: Side) => [...side.keys()].sort().join(", ");
  if (names(train) !== names(test)) {
    damaged(place, "has test data under other names", {
      expected: names(train),
      received: names(test),
      fix: "give an array for each name, and no others",
    });
  }
  for (const [name, own] of train) {
    const other = test.get(name)!;
    const type = (samples: Samples | Stored) =>
      `[${samples.shape.join(", ")}] of ${typeOf(samples) === "float32" ? "floats" : "integers"}`;
    const [want, got] = [type(own), type(other)];
    // Pixels may be bytes here and floats there, but targets mean another thing then.
    const same = option === "y_test" ? want === got : `${own.shape}` === `${other.shape}`;
    if (!same) {
      damaged(place, "has test data of another form", {
        expected: `examples of ${want}, as in training`,
        received: got,
        fix: "save both parts alike",
      });
    }
  }
}

const arrayPath = z.string().min(1);

/** Options of sources that have a file for each array. */
export const arrayFileOptions = {
  x: arrayPath.describe("The file of examples, relative to the spec."),
  y: arrayPath.describe("The file of targets."),
  x_test: arrayPath.optional().describe("The file of examples to validate with."),
  y_test: arrayPath.optional().describe("The file of targets to validate with."),
  scale: scaleOption,
};

type ArrayFileOptions = z.output<z.ZodObject<typeof arrayFileOptions>>;

/** Reads a file for each array. */
export async function arrayFiles(
  options: ArrayFileOptions,
  directory: string,
  parse: (content: Buffer, place: Place) => NpyArray,
): Promise<Dataset> {
  const found = await eachFile(options, directory, async (place) => {
    const read = { array: parse(await readDataFile(place), place), place };
    checkArray(read);
    return read;
  });
  return heldDataset(found, options.scale, options.x_test ?? options.x);
}

/** What `read` makes of the file that each option names. */
export async function eachFile<T>(
  options: ArrayFileOptions,
  directory: string,
  read: (place: FilePlace) => Promise<T>,
): Promise<Pairs<T>> {
  const of = (option: "x" | "y" | "x_test" | "y_test"): Promise<T> => {
    const name = options[option];
    if (name !== undefined) return read({ directory, name, path: [option] });
    const message = "test data needs both";
    return damaged({ path: [], name: option }, `is missing: ${message}`, {
      expected: "x_test and y_test, or neither",
      fix: `add \`${option}\``,
    });
  };
  const pair = async (x: "x" | "x_test", y: "y" | "y_test"): Promise<Pair<T>> => ({
    inputs: new Map([["x", await of(x)]]),
    targets: new Map([["y", await of(y)]]),
  });
  const tested = options.x_test !== undefined || options.y_test !== undefined;
  return {
    train: await pair("x", "y"),
    test: tested ? await pair("x_test", "y_test") : undefined,
  };
}
