/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { type Problem, ProblemError } from "../../support/errors.ts";
import { suggest } from "../../support/suggest.ts";
import {
  arrayDataset,
  checkArray,
  checkExtents,
  type PlacedArray,
  pairArrays,
  scaleOption,
} from "../arrays.ts";
import { defineSource, type Examples } from "../dataset.ts";
import { complainOfSize, parseNpy, parseNpyHeader } from "../npy.ts";
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
    scale: scaleOption,
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
    return pairArrays(this.#read(names.x, `x${suffix}`), this.#read(names.y, `y${suffix}`), scale);
  }

  #read(name: string, option: string): PlacedArray {
    const entry = this.#entries.get(name)!;
    const place = { path: [option], name: `${this.#place.name}: array "${name}"` };
    // Before unpacking, the header must account for the size that the archive claims.
    const header = parseNpyHeader(peekEntry(this.#content, entry, place), place);
    if (header.end !== entry.size) complainOfSize(header, entry.size, place);
    checkExtents(header.shape, place);
    const array = parseNpy(unpackEntry(this.#content, entry, place), place);
    checkArray({ array, place });
    return { array, place };
  }
}
