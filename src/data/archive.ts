/** The arrays of an .npz archive, each checked before it is unpacked. */
import { type Problem, ProblemError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { type ArrayNames, byName, optionPath, testNames } from "./array-names.ts";
import { checkArray, checkExtents, type Pair, type Pairs, type PlacedArray } from "./arrays.ts";
import { complainOfSize, type NpyHeader, parseNpy, parseNpyHeader } from "./npy.ts";
import { damaged, type Place } from "./read-file.ts";
import type { DataFile } from "./stream/data-file.ts";
import type { NpyLocation } from "./stream/npy.ts";
import { entriesOf, locateEntry } from "./stream/zip.ts";
import { isPlain, peekEntry, unpackEntry, type ZipEntry, zipEntries } from "./zip.ts";

/** What the options of the source say. */
interface Wanted {
  readonly x: ArrayNames;
  readonly y: ArrayNames;
  readonly x_test?: ArrayNames | undefined;
  readonly y_test?: ArrayNames | undefined;
}

/** An archive of which `read` makes something of each array that is wanted. */
export class Archive<T> {
  readonly #place: Place;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #read: (entry: ZipEntry, place: Place) => T | Promise<T>;

  constructor(
    place: Place,
    entries: readonly ZipEntry[],
    read: (entry: ZipEntry, place: Place) => T | Promise<T>,
  ) {
    this.#place = place;
    this.#entries = new Map(entries.map((entry) => [entry.name.replace(/\.npy$/, ""), entry]));
    this.#read = read;
  }

  /** The arrays that options name; those to validate with may be there without. */
  async pairs({ x, y, ...named }: Wanted): Promise<Pairs<T>> {
    const x_test = named.x_test ?? testNames(x, "x_test");
    const y_test = named.y_test ?? testNames(y, "y_test");
    const tests = [...byName(x_test, "x"), ...byName(y_test, "y")];
    const tested =
      named.x_test !== undefined ||
      named.y_test !== undefined ||
      tests.some(([, array]) => this.#entries.has(array));
    this.#require(tested ? { x, y, x_test, y_test } : { x, y });
    return {
      train: await this.#pair({ x, y }),
      test: tested ? await this.#pair({ x: x_test, y: y_test }, "_test") : undefined,
    };
  }

  /** Throws unless there is an array for each option: `{ x: "images" }`, `{ x: { left: "a" } }`. */
  #require(wanted: Readonly<Record<string, ArrayNames>>): void {
    const names = [...this.#entries.keys()];
    const problems = Object.entries(wanted).flatMap(([option, arrays]) =>
      byName(arrays, option).flatMap(([key, name]): Problem[] => {
        if (this.#entries.has(name)) return [];
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

  /** @param suffix of the options that name the arrays */
  async #pair(
    names: { readonly x: ArrayNames; readonly y: ArrayNames },
    suffix = "",
  ): Promise<Pair<T>> {
    const side = async (of: "x" | "y"): Promise<ReadonlyMap<string, T>> => {
      const found = new Map<string, T>();
      for (const [name, array] of byName(names[of], of)) {
        const path = optionPath(names[of], `${of}${suffix}`, name);
        const place = { path, name: `${this.#place.name}: array "${array}"` };
        found.set(name, await this.#read(this.#entries.get(array)!, place));
      }
      return found;
    };
    return { inputs: await side("x"), targets: await side("y") };
  }
}

/** An archive in memory. */
export function heldArchive(content: Buffer, place: Place): Archive<PlacedArray> {
  checkIsArchive(content, place);
  return new Archive(place, zipEntries(content, place), (entry, own) => {
    checkHeader(peekEntry(content, entry, own), entry, own);
    const array = parseNpy(unpackEntry(content, entry, own), own);
    checkArray({ array, place: own });
    return { array, place: own };
  });
}

/**
 * An archive that stays in its file.
 * @param packed whether to complain of arrays that are packed, instead of giving nothing
 */
export async function storedArchive(
  file: DataFile,
  packed: "complain" | "give up",
): Promise<Archive<NpyLocation> | undefined> {
  checkIsArchive(await file.head(6), file.place);
  const entries = await entriesOf(file);
  if (packed === "give up" && !entries.every(isPlain)) return undefined;
  return new Archive(file.place, entries, (entry, own) =>
    locateEntry(file, entry, own, checkHeader),
  );
}

function checkIsArchive(start: Buffer, place: Place): void {
  if (start.toString("latin1", 0, 6) !== "\x93NUMPY") return;
  damaged(place, "is a single .npy array", {
    expected: "an .npz archive",
    fix: "put x and y into one file: np.savez(file, x=…, y=…)",
  });
}

/** Before anything is unpacked, the header must account for the size that the archive claims. */
function checkHeader(start: Uint8Array, { size }: ZipEntry, place: Place): NpyHeader {
  const header = parseNpyHeader(start, place);
  if (header.end !== size) complainOfSize(header, size, place);
  checkExtents(header.shape, place);
  return header;
}
