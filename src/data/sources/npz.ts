/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { type Problem, ProblemError, type SpecPath } from "../../support/errors.ts";
import { suggest } from "../../support/suggest.ts";
import {
  arrayDataset,
  checkArray,
  checkExtents,
  examplesOf,
  type NamedArrays,
  type PlacedArray,
  scaleOption,
} from "../arrays.ts";
import { defineSource, type Examples } from "../dataset.ts";
import { complainOfSize, parseNpy, parseNpyHeader } from "../npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "../read-file.ts";
import { peekEntry, unpackEntry, type ZipEntry, zipEntries } from "../zip.ts";

const arrayName = z.string().min(1);
/** One array, or one for each of several inputs or targets, by their names. */
const arrayNames = z.union([arrayName, z.record(z.string().min(1), arrayName)]);
type ArrayNames = z.output<typeof arrayNames>;

/** @param side what a single one is called */
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
    scale: scaleOption,
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
    const test = wantsTest ? archive.examples({ x: x_test, y: y_test }, scale, "_test") : undefined;
    return arrayDataset(train, test, place.name);
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
    const problems = Object.entries(wanted).flatMap(([option, arrays]) =>
      byName(arrays, option).flatMap(([key, name]): Problem[] => {
        if (this.has(name)) return [];
        const path = optionPath(arrays, option, key);
        const near = suggest(name, names) ?? names.find((other) => other.startsWith(`${name}_`));
        return [
          {
            path,
            message: `${this.#place.name} has no array "${name}"`,
            expected: names.length > 0 ? `one of ${names.slice(0, 20).join(", ")}` : "arrays",
            received: names.length > 0 ? name : "an empty archive",
            fix: near
              ? `did you mean ${path.at(-1)}: ${near}?`
              : `set \`${path.at(-1)}\` to the array's name`,
          },
        ];
      }),
    );
    if (problems.length > 0) throw new ProblemError(problems);
  }

  /** @param suffix of the options that name the arrays: `""` or `"_test"` */
  examples(
    names: { readonly x: ArrayNames; readonly y: ArrayNames },
    scale?: number,
    suffix = "",
  ): Examples {
    const side = (of: "x" | "y"): NamedArrays =>
      new Map(
        byName(names[of], of).map(([name, array]) => [
          name,
          this.#read(array, optionPath(names[of], `${of}${suffix}`, name)),
        ]),
      );
    return examplesOf(side("x"), side("y"), scale);
  }

  #read(name: string, path: SpecPath): PlacedArray {
    const entry = this.#entries.get(name)!;
    const place = { path, name: `${this.#place.name}: array "${name}"` };
    // Before unpacking, the header must account for the size that the archive claims.
    const header = parseNpyHeader(peekEntry(this.#content, entry, place), place);
    if (header.end !== entry.size) complainOfSize(header, entry.size, place);
    checkExtents(header.shape, place);
    const array = parseNpy(unpackEntry(this.#content, entry, place), place);
    checkArray({ array, place });
    return { array, place };
  }
}
