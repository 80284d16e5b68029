/** Arrays of examples and of targets, along their first axes, as datasets: for every source that holds arrays. */
import { z } from "zod";
import type { Dataset, Examples, Form, Samples } from "./dataset.ts";
import { rangeOf } from "./extremes.ts";
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
  if (!(values instanceof Float32Array)) return;
  const first = values.findIndex((value) => !Number.isFinite(value));
  if (first < 0) return;
  const count = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
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

/**
 * `x`: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * `y`: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export function pairArrays(x: PlacedArray, y: PlacedArray, scale: number | undefined): Examples {
  const { count, inputs, targets } = pairForms(
    { shape: x.array.shape, place: x.place },
    { shape: y.array.shape, place: y.place },
    scale,
  );
  const { values } = y.array;
  const labels = values instanceof Uint8Array ? Int32Array.from(values) : values;
  return {
    count,
    inputs: new Map([["x", { ...inputs, values: x.array.values }]]),
    targets: new Map([["y", { ...targets, values: labels }]]),
  };
}

/** The shape of a whole array, and where it came from. */
export interface PlacedShape {
  readonly shape: readonly number[];
  readonly place: Place;
}

/**
 * What examples and targets look like.
 * @throws ProblemError if there are not as many of both
 */
export function pairForms(x: PlacedShape, y: PlacedShape, scale: number | undefined) {
  const count = x.shape[0]!;
  if (y.shape[0] !== count) {
    damaged(y.place, "has another length than the examples", {
      expected: `as many targets as examples: ${count}, as ${x.place.name} has`,
      received: `${y.shape[0]}`,
      fix: "save arrays whose first axes agree",
    });
  }
  const shape = x.shape.length === 1 ? [1] : x.shape.slice(1);
  const inputs: Form = { shape, ...(scale === undefined ? {} : { scale }) };
  const targets: Form = { shape: y.shape.slice(1) };
  return { count, inputs, targets };
}

/** The dataset of one or two pairs; test data must be of the training data's form. */
export function arrayDataset<S extends Samples | Stored>(
  train: Examples<S>,
  test: Examples<S> | undefined,
  file: string,
): Dataset<S> {
  if (test) checkShapes(train, test, file);
  const x: Samples | Stored = train.inputs.get("x")!;
  const range = isStored(x) ? "" : `, ${rangeOf(x)}`;
  return {
    train,
    ...(test ? { validation: test } : {}),
    summary:
      `${train.count} training${test ? ` and ${test.count} test` : ""} examples of shape ` +
      `${x.shape.join("×")}${range}`,
  };
}

function checkShapes<S extends Samples | Stored>(
  train: Examples<S>,
  test: Examples<S>,
  file: string,
): void {
  for (const [option, of] of [
    ["x_test", (examples: Examples<S>) => examples.inputs.get("x")!],
    ["y_test", (examples: Examples<S>) => examples.targets.get("y")!],
  ] as const) {
    const type = (samples: Samples | Stored) =>
      `[${samples.shape.join(", ")}] of ${typeOf(samples) === "float32" ? "floats" : "integers"}`;
    const [want, got] = [type(of(train)), type(of(test))];
    // Pixels may be bytes here and floats there, but targets mean another thing then.
    const same = option === "y_test" ? want === got : `${of(train).shape}` === `${of(test).shape}`;
    if (!same) {
      damaged({ path: [option], name: file }, "has test data of another form", {
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
  const { train, test } = await eachFile(options, directory, async (place) => {
    const found = { array: parse(await readDataFile(place), place), place };
    checkArray(found);
    return found;
  });
  return arrayDataset(
    pairArrays(train.x, train.y, options.scale),
    test && pairArrays(test.x, test.y, options.scale),
    options.x_test ?? options.x,
  );
}

/** A pair of something to train with, and one to validate with. */
export interface Pairs<T> {
  readonly train: { readonly x: T; readonly y: T };
  readonly test: { readonly x: T; readonly y: T } | undefined;
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
  const train = { x: await of("x"), y: await of("y") };
  const tested = options.x_test !== undefined || options.y_test !== undefined;
  return { train, test: tested ? { x: await of("x_test"), y: await of("y_test") } : undefined };
}
