/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { type Problem, ProblemError } from "../../support/errors.ts";
import { suggest } from "../../support/suggest.ts";
import {
  arrayDataset,
  checkArray,
  checkExtents,
  type Pairs,
  pairArrays,
  scaleOption,
} from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { complainOfSize, type NpyHeader, parseNpy, parseNpyHeader } from "../npy.ts";
import { damaged, type FilePlace, type Place, readDataFile } from "../read-file.ts";
import { DataFile } from "../stream/data-file.ts";
import { storedDataset, worthStreaming } from "../stream/npy.ts";
import { entriesOf, locateEntry } from "../stream/zip.ts";
import { isPlain, peekEntry, unpackEntry, type ZipEntry, zipEntries } from "../zip.ts";

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
    const content = await readDataFile(place);
    checkIsArchive(content, place);
    const entries = byArray(zipEntries(content, place));
    const { train, test } = await eachArray(options, entries, place, async (entry, own) => {
      // Before unpacking, the header must account for the size that the archive claims.
      checkHeader(peekEntry(content, entry, own), entry, own);
      const found = { array: parseNpy(unpackEntry(content, entry, own), own), place: own };
      checkArray(found);
      return found;
    });
    return arrayDataset(
      pairArrays(train.x, train.y, options.scale),
      test && pairArrays(test.x, test.y, options.scale),
      place.name,
    );
  },
  async stream(options, { directory }, beyond) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const file = await DataFile.open(place);
    if (file.size <= beyond) return undefined;
    checkIsArchive(await file.head(6), place);
    const entries = byArray(await entriesOf(file));
    const packed = [...entries.values()].find((entry) => !isPlain(entry));
    if (packed && beyond > 0) return undefined;
    const found = await eachArray(options, entries, place, (entry, own) =>
      locateEntry(file, entry, own, checkHeader),
    );
    return worthStreaming(found, beyond)
      ? storedDataset(found, options.scale, place.name)
      : undefined;
  },
});

function checkIsArchive(start: Buffer, place: Place): void {
  if (start.toString("latin1", 0, 6) !== "\x93NUMPY") return;
  damaged(place, "is a single .npy array", {
    expected: "an .npz archive",
    fix: "put x and y into one file: np.savez(file, x=…, y=…)",
  });
}

type Entries = ReadonlyMap<string, ZipEntry>;
const byArray = (entries: readonly ZipEntry[]): Entries =>
  new Map(entries.map((entry) => [entry.name.replace(/\.npy$/, ""), entry]));

interface ArrayNames {
  readonly x: string;
  readonly y: string;
  readonly x_test?: string | undefined;
  readonly y_test?: string | undefined;
}

/** What `read` makes of the array that each option names. */
async function eachArray<T>(
  { x, y, ...named }: ArrayNames,
  entries: Entries,
  archive: Place,
  read: (entry: ZipEntry, place: Place) => Promise<T>,
): Promise<Pairs<T>> {
  const { x_test = "x_test", y_test = "y_test" } = named;
  const tested =
    named.x_test !== undefined ||
    named.y_test !== undefined ||
    entries.has(x_test) ||
    entries.has(y_test);
  requireArrays(tested ? { x, y, x_test, y_test } : { x, y }, entries, archive);
  const of = (option: string, name: string) =>
    read(entries.get(name)!, { path: [option], name: `${archive.name}: array "${name}"` });
  const train = { x: await of("x", x), y: await of("y", y) };
  if (!tested) return { train, test: undefined };
  return { train, test: { x: await of("x_test", x_test), y: await of("y_test", y_test) } };
}

/** Throws unless there is an array for each option: `{ x: "images" }`. */
function requireArrays(
  wanted: Readonly<Record<string, string>>,
  entries: Entries,
  archive: Place,
): void {
  const names = [...entries.keys()];
  const missing = Object.entries(wanted).filter(([, name]) => !entries.has(name));
  const problems = missing.map(([option, name]): Problem => {
    const near = suggest(name, names) ?? names.find((other) => other.startsWith(`${name}_`));
    return {
      path: [option],
      message: `${archive.name} has no array "${name}"`,
      expected: names.length > 0 ? `one of ${names.slice(0, 20).join(", ")}` : "arrays",
      received: names.length > 0 ? name : "an empty archive",
      fix: near ? `did you mean ${option}: ${near}?` : `set \`${option}\` to the array's name`,
    };
  });
  if (problems.length > 0) throw new ProblemError(problems);
}

/** Reads an array's header, which must account for the entry's size. */
function checkHeader(start: Uint8Array, { size }: ZipEntry, place: Place): NpyHeader {
  const header = parseNpyHeader(start, place);
  if (header.end !== size) complainOfSize(header, size, place);
  checkExtents(header.shape, place);
  return header;
}
