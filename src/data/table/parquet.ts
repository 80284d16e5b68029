/** Apache Parquet as a table, by hyparquet. */
import type { FileMetaData, RowGroup } from "hyparquet";
import { beginning } from "../beginning.ts";
import { bytes, damaged, LARGEST, type Place } from "../read-file.ts";
import type { DamagedPage } from "./parquet-pages.ts";
import type { Answer } from "./parquet-worker.ts";
import { type FileRecord, recordFile } from "./records.ts";
import { shown, type TableFile } from "./table.ts";

const again = "copy the file again, or write it anew, e.g. df.to_parquet(path)";

/**
 * The whole file as records: numbers, texts, lists; dates become texts.
 * @throws ProblemError if it is no Parquet file, damaged, encrypted or too large
 */
export async function parquetFile(content: Buffer, place: Place): Promise<TableFile> {
  checkEnds(content, place);
  const { parquetMetadata } = await import("hyparquet");
  // A copy of its own: small files share their memory with others.
  const file = new Uint8Array(content).buffer;
  try {
    const size = sizeOf(parquetMetadata(file));
    checkSize(size, place);
    const answer = await unpack(file, size);
    if ("page" in answer) return complainOfPage(place, answer.page);
    const { rows } = answer;
    const at = (row: number) => `row ${row + 1} of ${place.name}`;
    return recordFile(rows.map(plainRecord), place, at);
  } catch (error) {
    // What we found wrong ourselves is said already.
    if (!(error instanceof Error) || error.name === "ProblemError") throw error;
    return damaged(place, "cannot be read as Parquet", {
      received: heard(error),
      fix: again,
    });
  }
}

function checkEnds(content: Buffer, place: Place): void {
  const magic = (from: number) => content.toString("latin1", from, from + 4);
  const begins = magic(0) === "PAR1";
  if ([magic(0), magic(content.length - 4)].includes("PARE")) {
    damaged(place, "is encrypted", {
      expected: "a Parquet file that anybody can read",
      fix: "write it anew without encryption",
    });
  }
  if (begins && content.length >= 12 && magic(content.length - 4) === "PAR1") return;
  damaged(place, begins ? "is cut short" : "is no Parquet file", {
    expected: "a file that begins and ends with PAR1",
    received: begins
      ? `${bytes(content.length)} that begin so, and do not end so`
      : beginning(content),
    fix: begins ? again : "name a Parquet file; `csv`, `json` and `npz` read others",
  });
}

function complainOfPage(place: Place, page: DamagedPage): never {
  const sum = (crc: number) => `CRC-32 ${crc.toString(16).padStart(8, "0")}`;
  const [first, last] = page.rows;
  damaged(place, `is damaged in column ${shown(page.column)}`, {
    expected: `${sum(page.expected)}, as the page's header says`,
    received: `${sum(page.received)} of the ${page.length} bytes from byte ${page.at} on`,
    notes: [`they belong to rows ${first} to ${last}`],
    fix: again,
  });
}

/** What the library found; where a damaged file led it astray its words are about JavaScript, and tell nobody anything. */
const heard = (error: Error): string =>
  error.constructor === Error
    ? error.message.slice(0, 120)
    : "something damaged: its parts do not fit together";

/** What a footer says of a file's content. */
interface Size {
  /** Unpacked. */
  readonly bytes: number;
  readonly values: number;
}

function sizeOf({ row_groups, schema }: FileMetaData): Size {
  const total = (of: (group: RowGroup) => bigint) =>
    row_groups.reduce((sum, group) => sum + Number(of(group)), 0);
  const bytes = total((group) => group.total_byte_size);
  const values = total((group) => group.num_rows) * schema.length;
  if (Number.isNaN(bytes + values)) throw new Error("a footer that says no size");
  return { bytes, values };
}

/** How long a sound file may take, and how much memory: ten times what they do. */
const limits = ({ bytes, values }: Size) => ({
  seconds: 5 + bytes / 1e6 + values / 1e5,
  megabytes: Math.min(256 + (8 * bytes + 200 * values) / 1e6, 16_384),
});

/** @throws Error of hyparquet's, or of Node's where the file led it beyond the limits */
async function unpack(file: ArrayBuffer, size: Size): Promise<Answer> {
  const { seconds, megabytes } = limits(size);
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(new URL("./parquet-worker.js", import.meta.url), {
    workerData: { file },
    transferList: [file],
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(megabytes) },
  });
  let patience: NodeJS.Timeout | undefined;
  try {
    return await new Promise((done, fail) => {
      worker.once("message", done);
      worker.once("error", fail);
      patience = setTimeout(() => fail(new RangeError("no end of it")), seconds * 1000);
    });
  } finally {
    clearTimeout(patience);
    await worker.terminate();
  }
}

/** Each takes some 50 bytes as it is read, however few it had in the file. */
const mostValues = 2 ** 28;

/** Before anything is unpacked. */
function checkSize({ bytes: size, values }: Size, place: Place): void {
  if (values > mostValues) {
    damaged(place, "is too large to hold in memory", {
      expected: `at most ${mostValues.toLocaleString("en-US")} values`,
      received: values.toLocaleString("en-US"),
      fix: "make a smaller file of it, with fewer rows or columns",
    });
  }
  if (size <= LARGEST) return;
  damaged(place, "is too large to hold in memory", {
    expected: `at most ${bytes(LARGEST)} unpacked`,
    received: bytes(size),
    fix: "make a smaller file of it, with fewer rows or columns",
  });
}

const plainRecord = (row: FileRecord): FileRecord =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));

/** Values as JSON has them; integers beyond 2⁵³ lose digits, as float32 does sooner. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) return plainRecord(value as FileRecord);
  return value;
}
