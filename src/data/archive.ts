/** The arrays of an .npz archive, each checked before it is unpacked. */
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { type ArrayNames, byName, optionPath } from "./array-names.ts";
import {
  checkArray,
  checkExtents,
  examplesOf,
  type NamedArrays,
  type PlacedArray,
} from "./arrays.ts";
import type { Examples } from "./dataset.ts";
import { complainOfSize, parseNpy, parseNpyHeader } from "./npy.ts";
import { damaged, type Place } from "./read-file.ts";
import { peekEntry, unpackEntry, type ZipEntry, zipEntries } from "./zip.ts";

export class Archive {
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
