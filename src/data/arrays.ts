/** Arrays of examples and of targets, along their first axes, as datasets: for every source that holds arrays. */
import { z } from "zod";
import { type Dataset, type Examples, rangeOf, type Samples } from "./dataset.ts";
import type { NpyArray } from "./npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "./read-file.ts";

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

/** The arrays of inputs, or of targets, by name. */
export type NamedArrays = ReadonlyMap<string, PlacedArray>;

/**
 * Inputs: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * Targets: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export function examplesOf(
  inputs: NamedArrays,
  targets: NamedArrays,
  scale: number | undefined,
): Examples {
  const [first] = inputs.values();
  const count = first!.array.shape[0]!;
  for (const { array, place } of [...inputs.values(), ...targets.values()]) {
    if (array.shape[0] === count) continue;
    damaged(place, "has another length than the examples", {
      expected: `${count}, as ${first!.place.name} has`,
      received: `${array.shape[0]}`,
      fix: "save arrays whose first axes agree",
    });
  }
  return {
    count,
    inputs: mapArrays(inputs, ({ shape, values }) => ({
      ...{ shape: shape.length === 1 ? [1] : shape.slice(1), values },
      ...(scale === undefined ? {} : { scale }),
    })),
    targets: mapArrays(targets, ({ shape, values }) => ({
      shape: shape.slice(1),
      values: values instanceof Uint8Array ? Int32Array.from(values) : values,
    })),
  };
}

const mapArrays = (arrays: NamedArrays, change: (array: NpyArray) => Samples) =>
  new Map([...arrays].map(([name, { array }]) => [name, change(array)]));

/** The dataset of training data and, perhaps, test data of the same form. */
export function arrayDataset(train: Examples, test: Examples | undefined, file: string): Dataset {
  if (test) {
    checkSide(train.inputs, test.inputs, "x_test", file);
    checkSide(train.targets, test.targets, "y_test", file);
  }
  const shapes = [...train.inputs.values()].map((x) => `${x.shape.join("×")}, ${rangeOf(x)}`);
  return {
    train,
    ...(test ? { validation: test } : {}),
    summary:
      `${train.count} training${test ? ` and ${test.count} test` : ""} examples of shape ` +
      shapes.join(" and "),
  };
}

function checkSide(
  train: ReadonlyMap<string, Samples>,
  test: ReadonlyMap<string, Samples>,
  option: "x_test" | "y_test",
  file: string,
): void {
  const place = { path: [option], name: file };
  const names = (side: ReadonlyMap<string, Samples>) => [...side.keys()].sort().join(", ");
  if (names(train) !== names(test)) {
    damaged(place, "has test data under other names", {
      expected: names(train),
      received: names(test),
      fix: "give an array for each name, and no others",
    });
  }
  for (const [name, own] of train) {
    const other = test.get(name)!;
    const type = ({ shape, values }: Samples) =>
      `[${shape.join(", ")}] ${values instanceof Float32Array ? "of floats" : "of integers"}`;
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

/** Reads a file for each array. */
export async function arrayFiles(
  options: z.output<z.ZodObject<typeof arrayFileOptions>>,
  directory: string,
  parse: (content: Buffer, place: Place) => NpyArray,
): Promise<Dataset> {
  const read = async (option: "x" | "y" | "x_test" | "y_test"): Promise<PlacedArray> => {
    const name = options[option];
    if (name === undefined) {
      const message = "test data needs both";
      return damaged({ path: [], name: option }, `is missing: ${message}`, {
        expected: "x_test and y_test, or neither",
        fix: `add \`${option}\``,
      });
    }
    const place: FilePlace = { directory, name, path: [option] };
    const found = { array: parse(await readDataFile(place), place), place };
    checkArray(found);
    return found;
  };
  const pair = async (x: "x" | "x_test", y: "y" | "y_test") =>
    examplesOf(new Map([["x", await read(x)]]), new Map([["y", await read(y)]]), options.scale);
  const train = await pair("x", "y");
  const tested = options.x_test !== undefined || options.y_test !== undefined;
  const test = tested ? await pair("x_test", "y_test") : undefined;
  return arrayDataset(train, test, options.x_test ?? options.x);
}
