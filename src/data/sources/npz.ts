/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { type Problem, ProblemError, type SpecPath } from "../../support/errors.ts";
import { suggest } from "../../support/suggest.ts";
import { type Dataset, defineSource, type Examples, type Samples } from "../dataset.ts";
import { complainOfSize, type NpyArray, parseNpy, parseNpyHeader } from "../npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "../read-file.ts";
import { peekEntry, unpackEntry, type ZipEntry, zipEntries } from "../zip.ts";

const arrayName = z.string().min(1);
/** One array, or one for each of several inputs or targets, by their names. */
const arrayNames = z.union([arrayName, z.record(z.string().min(1), arrayName)]);
type ArrayNames = z.output<typeof arrayNames>;

/** The arrays of a side: `side` is what a single one is called. */
const byName = (names: ArrayNames, side: string): readonly (readonly [string, string])[] =>
  typeof names === "string" ? [[side, names]] : Object.entries(names);

/** Where the name of an array stands among the options. */
const optionPath = (names: ArrayNames, option: string, name: string): SpecPath =>
  typeof names === "string" ? [option] : [option, name];

/** What the test data's arrays are called unless the spec says. */
const testNames = (names: ArrayNames, single: string): ArrayNames =>
  typeof names === "string"
    ? single
    : Object.fromEntries(Object.entries(names).map(([name, array]) => [name, `${array}_test`]));

/**
 * Inputs: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * Targets: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export const npz = defineSource({
  name: "npz",
  doc:
    "A NumPy archive (np.savez, np.savez_compressed): examples in `x`, targets in `y`, along the " +
    "first axis; `x_test` and `y_test`, if it has them, are the validation data.",
  options: {
    path: z.string().min(1).describe("The file, relative to the spec."),
    x: arrayNames
      .default("x")
      .describe("Name of the array of examples; for several inputs, by their names."),
    y: arrayNames
      .default("y")
      .describe("Name of the array of targets; for several outputs, by their names."),
    x_test: arrayNames
      .optional()
      .describe(
        "The same for the examples to validate with. Default: x_test, or of several the names with " +
          "_test, if there are such.",
      ),
    y_test: arrayNames.optional().describe("The same for the targets to validate with."),
    scale: z
      .number()
      .optional()
      .describe("Multiply the examples by this, e.g. 0.00392157 for 1/255."),
  },
  async load(options, { directory }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const archive = new Archive(await readDataFile(place), place);
    const { x, y, scale } = options;
    const x_test = options.x_test ?? testNames(x, "x_test");
    const y_test = options.y_test ?? testNames(y, "y_test");
    const tests = [...byName(x_test, "x"), ...byName(y_test, "y")];
    const wantsTest =
      options.x_test !== undefined ||
      options.y_test !== undefined ||
      tests.some(([, array]) => archive.has(array));
    archive.require(wantsTest ? { x, y, x_test, y_test } : { x, y });
    const train = archive.examples({ x, y }, scale);
    if (!wantsTest) return dataset(train);
    const validation = archive.examples({ x: x_test, y: y_test }, scale, "_test");
    checkShapes(train, validation, place.name);
    return dataset(train, validation);
  },
});

class Archive {
  readonly #content: Buffer;
  readonly #place: Place;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  constructor(content: Buffer, place: Place) {
    this.#content = content;
    this.#place = place;
    if (content.toString("latin1", 0, 6) === "\x93NUMPY") {
      damaged(place, "is a single .npy array", {
        expected: "an .npz archive",
        fix: "put x and y into one file: np.savez(file, x=…, y=…)",
      });
    }
    const entries = zipEntries(content, place);
    this.#entries = new Map(entries.map((entry) => [entry.name.replace(/\.npy$/, ""), entry]));
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Throws unless there is an array for each option: `{ x: "images" }`, `{ x: { left: "a" } }`. */
  require(wanted: Readonly<Record<string, ArrayNames>>): void {
    const names = [...this.#entries.keys()];
    const missing = Object.entries(wanted).flatMap(([option, arrays]) =>
      byName(arrays, option)
        .filter(([, array]) => !this.has(array))
        .map(([key, array]) => ({ path: optionPath(arrays, option, key), name: array })),
    );
    const problems = missing.map(({ path, name }): Problem => {
      const option = path.at(-1)!;
      const near = suggest(name, names) ?? names.find((other) => other.startsWith(`${name}_`));
      return {
        path,
        message: `${this.#place.name} has no array "${name}"`,
        expected: names.length > 0 ? `one of ${names.slice(0, 20).join(", ")}` : "arrays",
        received: names.length > 0 ? name : "an empty archive",
        fix: near ? `did you mean ${option}: ${near}?` : `set \`${option}\` to the array's name`,
      };
    });
    if (problems.length > 0) throw new ProblemError(problems);
  }

  /** @param suffix of the options that name the arrays: `""` or `"_test"` */
  examples(
    names: { readonly x: ArrayNames; readonly y: ArrayNames },
    scale?: number,
    suffix = "",
  ): Examples {
    const read = (side: "x" | "y") =>
      byName(names[side], side).map(([name, array]) => {
        const option = optionPath(names[side], `${side}${suffix}`, name);
        return { name, array, option, ...this.#read(array, option) };
      });
    const [inputs, targets] = [read("x"), read("y")];
    const first = inputs[0]!;
    const count = first.shape[0]!;
    for (const { array, option, shape } of [...inputs, ...targets]) {
      if (shape[0] === count) continue;
      damaged({ ...this.#place, path: option }, `has arrays of different lengths`, {
        expected: `as many in each: ${count}, as "${first.array}" has`,
        received: `${shape[0]} in "${array}"`,
        fix: "save arrays whose first axes agree",
      });
    }
    const scaled = scale === undefined ? {} : { scale };
    const input = ({ name, shape, values }: (typeof inputs)[number]): [string, Samples] => [
      name,
      { shape: shape.length === 1 ? [1] : shape.slice(1), values, ...scaled },
    ];
    const target = ({ name, shape, values }: (typeof inputs)[number]): [string, Samples] => {
      const numbers = values instanceof Uint8Array ? Int32Array.from(values) : values;
      return [name, { shape: shape.slice(1), values: numbers }];
    };
    return { count, inputs: new Map(inputs.map(input)), targets: new Map(targets.map(target)) };
  }

  #read(name: string, option: SpecPath): NpyArray {
    const entry = this.#entries.get(name)!;
    const place = { path: option, name: `${this.#place.name}: array "${name}"` };
    // Before unpacking, the header must account for the size that the archive claims.
    const header = parseNpyHeader(peekEntry(this.#content, entry, place), place);
    if (header.end !== entry.size) complainOfSize(header, entry.size, place);
    if (header.shape.length === 0 || header.count === 0) {
      damaged(place, "holds no examples", {
        expected: "a first axis of at least 1, and no axis of 0",
        received: `shape (${header.shape.join(", ")})`,
        fix: "save an array with the examples along its first axis",
      });
    }
    const array = parseNpy(unpackEntry(this.#content, entry, place), place);
    checkFinite(array, place);
    return array;
  }
}

function checkFinite({ values, shape }: NpyArray, place: Place): void {
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

function checkShapes(train: Examples, test: Examples, file: string): void {
  checkSide(train.inputs, test.inputs, "x_test", file);
  checkSide(train.targets, test.targets, "y_test", file);
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

function dataset(train: Examples, validation?: Examples): Dataset {
  const shape = [...train.inputs.values()].map((input) => input.shape.join("×")).join(" and ");
  const test = validation ? ` and ${validation.count} test` : "";
  return {
    train,
    ...(validation ? { validation } : {}),
    summary: `${train.count} training${test} examples of shape ${shape}`,
  };
}
