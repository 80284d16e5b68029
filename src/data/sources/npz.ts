/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { type Problem, ProblemError } from "../../support/errors.ts";
import { suggest } from "../../support/suggest.ts";
import { type Dataset, defineSource, type Examples, type Samples } from "../dataset.ts";
import { complainOfSize, type NpyArray, parseNpy, parseNpyHeader } from "../npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "../read-file.ts";
import { peekEntry, unpackEntry, type ZipEntry, zipEntries } from "../zip.ts";

const arrayName = z.string().min(1);

/**
 * `x`: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * `y`: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export const npz = defineSource({
  name: "npz",
  doc:
    "A NumPy archive (np.savez, np.savez_compressed): examples in `x`, targets in `y`, along the " +
    "first axis; `x_test` and `y_test`, if it has them, are the validation data.",
  options: {
    path: z.string().min(1).describe("The file, relative to the spec."),
    x: arrayName.default("x").describe("Name of the array of examples."),
    y: arrayName.default("y").describe("Name of the array of targets."),
    x_test: arrayName
      .optional()
      .describe(
        "Name of the array of examples to validate with. Default: x_test, if there is one.",
      ),
    y_test: arrayName
      .optional()
      .describe("Name of the array of targets to validate with. Default: y_test, if there is one."),
    scale: z
      .number()
      .optional()
      .describe("Multiply the examples by this, e.g. 0.00392157 for 1/255."),
  },
  async load(options, { directory }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const archive = new Archive(await readDataFile(place), place);
    const { x, y, scale } = options;
    const x_test = options.x_test ?? "x_test";
    const y_test = options.y_test ?? "y_test";
    const wantsTest =
      options.x_test !== undefined ||
      options.y_test !== undefined ||
      archive.has(x_test) ||
      archive.has(y_test);
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

  /** Throws unless there is an array for each option: `{ x: "images" }`. */
  require(wanted: Readonly<Record<string, string>>): void {
    const names = [...this.#entries.keys()];
    const missing = Object.entries(wanted).filter(([, name]) => !this.has(name));
    const problems = missing.map(([option, name]): Problem => {
      const near = suggest(name, names) ?? names.find((other) => other.startsWith(`${name}_`));
      return {
        path: [option],
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
    names: { readonly x: string; readonly y: string },
    scale?: number,
    suffix = "",
  ): Examples {
    const x = this.#read(names.x, `x${suffix}`);
    const y = this.#read(names.y, `y${suffix}`);
    const count = x.shape[0]!;
    if (y.shape[0] !== count) {
      damaged({ ...this.#place, path: [`y${suffix}`] }, `has arrays of different lengths`, {
        expected: `as many targets as examples: ${count}, as "${names.x}" has`,
        received: `${y.shape[0]} in "${names.y}"`,
        fix: "save arrays whose first axes agree",
      });
    }
    const shape = x.shape.length === 1 ? [1] : x.shape.slice(1);
    const values = y.values instanceof Uint8Array ? Int32Array.from(y.values) : y.values;
    const inputs = { shape, values: x.values, ...(scale === undefined ? {} : { scale }) };
    return {
      count,
      inputs: new Map<string, Samples>([["x", inputs]]),
      targets: new Map<string, Samples>([["y", { shape: y.shape.slice(1), values }]]),
    };
  }

  #read(name: string, option: string): NpyArray {
    const entry = this.#entries.get(name)!;
    const place = { path: [option], name: `${this.#place.name}: array "${name}"` };
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

function dataset(train: Examples, validation?: Examples): Dataset {
  const shape = train.inputs.get("x")!.shape.join("×");
  const test = validation ? ` and ${validation.count} test` : "";
  return {
    train,
    ...(validation ? { validation } : {}),
    summary: `${train.count} training${test} examples of shape ${shape}`,
  };
}
