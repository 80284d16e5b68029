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

/**
 * `x`: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * `y`: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export function pairArrays(x: PlacedArray, y: PlacedArray, scale: number | undefined): Examples {
  const count = x.array.shape[0]!;
  if (y.array.shape[0] !== count) {
    damaged(y.place, "has another length than the examples", {
      expected: `as many targets as examples: ${count}, as ${x.place.name} has`,
      received: `${y.array.shape[0]}`,
      fix: "save arrays whose first axes agree",
    });
  }
  const shape = x.array.shape.length === 1 ? [1] : x.array.shape.slice(1);
  const { values } = y.array;
  const targets = values instanceof Uint8Array ? Int32Array.from(values) : values;
  const inputs = { shape, values: x.array.values, ...(scale === undefined ? {} : { scale }) };
  return {
    count,
    inputs: new Map<string, Samples>([["x", inputs]]),
    targets: new Map<string, Samples>([["y", { shape: y.array.shape.slice(1), values: targets }]]),
  };
}

/** The dataset of one or two pairs; test data must be of the training data's form. */
export function arrayDataset(train: Examples, test: Examples | undefined, file: string): Dataset {
  if (test) checkShapes(train, test, file);
  const x = train.inputs.get("x")!;
  return {
    train,
    ...(test ? { validation: test } : {}),
    summary:
      `${train.count} training${test ? ` and ${test.count} test` : ""} examples of shape ` +
      `${x.shape.join("×")}, ${rangeOf(x)}`,
  };
}

function checkShapes(train: Examples, test: Examples, file: string): void {
  for (const [option, of] of [
    ["x_test", (examples: Examples) => examples.inputs.get("x")!],
    ["y_test", (examples: Examples) => examples.targets.get("y")!],
  ] as const) {
    const type = ({ shape, values }: Samples) =>
      `[${shape.join(", ")}] ${values instanceof Float32Array ? "of floats" : "of integers"}`;
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
  const train = pairArrays(await read("x"), await read("y"), options.scale);
  const tested = options.x_test !== undefined || options.y_test !== undefined;
  const test = tested
    ? pairArrays(await read("x_test"), await read("y_test"), options.scale)
    : undefined;
  return arrayDataset(train, test, options.x_test ?? options.x);
}
