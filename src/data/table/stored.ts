/**
 * A large CSV file as arrays in files: read twice in blocks of rows, first to learn what its columns are, then
 * to write them encoded. The arrays are kept by the content of the file and the options, so that this is done
 * once. Neither reading holds more than a block.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset, Examples, SourceContext } from "../dataset.ts";
import { type TableEncoding, tableEncoding } from "../encoding.ts";
import { bytes, damaged, type FilePlace, type Place } from "../read-file.ts";
import { ArrayFile } from "../stream/array-file.ts";
import { cached, contentHash } from "../stream/cache.ts";
import { DataFile } from "../stream/data-file.ts";
import { locateNpy, storedNpy } from "../stream/npy.ts";
import { type Stored, sizeOf } from "../stream/stored.ts";
import type { CsvFormat } from "./csv.ts";
import { csvBlocks } from "./csv-blocks.ts";
import {
  about,
  columnsOf,
  encodedTable,
  mixedColumns,
  type TableOptions,
  toExamples,
  trainingTable,
} from "./examples.ts";
import type { Choose, Table } from "./table.ts";

/** The form of what is kept; another one is made anew. */
const version = 1;

/** @param options of the source, how its files are written among them */
export async function storedCsv(
  options: TableOptions & CsvFormat,
  { directory, earlier }: SourceContext,
): Promise<Dataset<Stored>> {
  const known = earlier?.encodings["x"];
  const kept = known?.kind === "table" ? known : undefined;
  const open = (name: string, option: string) => DataFile.open({ directory, name, path: [option] });
  const first = await encodedFile(await open(options.path, "path"), options, kept);
  const { encoding } = first;
  const second =
    options.test === undefined
      ? undefined
      : await encodedFile(await open(options.test, "test"), options, encoding);
  const { examples: train } = first;
  const width = sizeOf(train.inputs.get("x")!);
  return {
    train,
    ...(second ? { validation: second.examples } : {}),
    ...about(encoding, width, train, second?.examples),
  };
}

interface Encoded {
  readonly encoding: TableEncoding;
  readonly examples: Examples<Stored>;
}

/** @param kept the encoding, where it is known already */
async function encodedFile(
  file: DataFile,
  { header, delimiter, ...options }: TableOptions & CsvFormat,
  kept: TableEncoding | undefined,
): Promise<Encoded> {
  const format = { header, delimiter };
  const { target, features, categorical, sample_weight, one_hot } = options;
  const roles = { target, features, categorical, sample_weight, one_hot };
  const hash = await contentHash(file);
  const make = async (into: string) => {
    const encoding = kept ?? (await learn(file, format, options));
    await write(file, format, encoding, into);
    writeFileSync(join(into, "encoding.json"), JSON.stringify(encoding));
  };
  return cached({ version, hash, format, roles, kept }, make, async (folder) => {
    const text = readFileSync(join(folder, "encoding.json"), "utf8");
    const examples = await readBack(folder, file.place);
    return { encoding: tableEncoding.parse(JSON.parse(text)), examples };
  });
}

/** What the columns are. */
async function learn(
  file: DataFile,
  format: CsvFormat,
  options: TableOptions,
): Promise<TableEncoding> {
  const { place } = file;
  const training = trainingTable({ place, ...format }, options);
  const read = (choose: Choose) => csvBlocks(file, format, choose, checkWords);
  const table = await read(training.choose(new Set()));
  const mixed = mixedColumns(table);
  return training.encoding(mixed.size > 0 ? await read(training.choose(mixed)) : table);
}

/** Texts of a column that are remembered. */
const mostWords = 100_000;

/** Free text would fill the memory before it is found to be no category. */
function checkWords(table: Table): void {
  for (const { name, words } of table.columns.values()) {
    if (words.size <= mostWords) continue;
    damaged(table.place, `has too many different texts in column "${name}"`, {
      expected: `numbers, or at most ${mostWords} categories`,
      received: `more, by ${table.at(table.count - 1)}`,
      fix: "leave it out with `features`",
    });
  }
}

/** Bytes that encoded rows may take on disk: one-hot columns of many categories have no end. */
const largest = 2 ** 36;

/** Writes all rows as arrays: `x.npy`, `y.npy` and, if there are any, `weights.npy`. */
async function write(
  file: DataFile,
  format: CsvFormat,
  encoding: TableEncoding,
  into: string,
): Promise<void> {
  const { choose, check } = encodedTable({ place: file.place, ...format }, columnsOf(encoding));
  const arrays = new Map<string, ArrayFile>();
  try {
    const encode = (block: Table) => {
      const { inputs, targets, weights } = toExamples(block, encoding);
      return { x: inputs.get("x")!, y: targets.get("y")!, ...(weights ? { weights } : {}) };
    };
    const all = await csvBlocks(file, format, choose, encode, async (found) => {
      for (const [name, samples] of Object.entries(found)) {
        const array = arrays.get(name) ?? (await ArrayFile.create(join(into, `${name}.npy`)));
        arrays.set(name, array);
        await array.append(samples);
        if (array.bytes > largest) complainOfWidth(file.place);
      }
    });
    // What a block could not be encoded of was written somehow; here it is found.
    check(all);
    for (const array of arrays.values()) await array.finish(all.count);
  } finally {
    for (const array of arrays.values()) await array.close();
  }
}

const complainOfWidth = (place: Place): never =>
  damaged(place, "is too large with its text columns one-hot", {
    expected: `at most ${bytes(largest)}`,
    fix: "leave out text columns with many categories (`features`)",
  });

/** @param origin what messages call the arrays */
async function readBack(folder: string, origin: Place): Promise<Examples<Stored>> {
  const stored = async (name: string) => {
    const place: FilePlace = { directory: folder, name: `${name}.npy`, path: ["path"] };
    const found = { ...(await locateNpy(await DataFile.open(place))), place: origin };
    return {
      count: found.header.shape[0]!,
      array: storedNpy(found, { shape: found.header.shape.slice(1) }),
    };
  };
  const [x, y] = [await stored("x"), await stored("y")];
  const weights = existsSync(join(folder, "weights.npy")) ? await stored("weights") : undefined;
  return {
    count: x.count,
    inputs: new Map([["x", x.array]]),
    targets: new Map([["y", y.array]]),
    ...(weights ? { weights: weights.array } : {}),
  };
}
