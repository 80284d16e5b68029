/** The arrays of an .npz archive, each checked before it is unpacked. */
import { type Problem, ProblemError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { checkArray, checkExtents, type PlacedArray, pairArrays } from "./arrays.ts";
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
