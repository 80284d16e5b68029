/** A CSV file read in blocks of rows, of which one is in memory at a time. */

import { damaged, type Place } from "../read-file.ts";
import type { DataFile } from "../stream/data-file.ts";
import { type CsvFormat, CsvReader } from "./csv.ts";
import type { Choose, Table, TableBuilder } from "./table.ts";

/** Bytes that are read at once, and that a single record may take. */
const portion = 4 << 20;
const longestRecord = 64 << 20;
/** Cells of a block, and its most rows. */
const cells = 1 << 20;
const mostRows = 1 << 14;

const quote = 0x22;

/**
 * @param convert makes of a block what is needed of it; the block itself is gone after that
 * @param take called with that, one after another
 * @returns the whole table without its cells
 * @throws ProblemError as `csvFile` does
 */
export async function csvBlocks<T>(
  file: DataFile,
  format: CsvFormat,
  choose: Choose,
  convert: (block: Table) => T,
  take: (found: T) => Promise<void> = async () => {},
): Promise<Table> {
  const found: T[] = [];
  const capacity = (columns: number) =>
    Math.max(1, Math.min(mostRows, Math.floor(cells / columns)));
  const onBlock = (builder: TableBuilder) => void found.push(convert(builder.block()));
  const reader = new CsvReader(file.place, format, choose, capacity, onBlock);
  const takeAll = async () => {
    for (const one of found.splice(0)) await take(one);
  };
  const newline = (await file.head(portion)).includes("\n") ? "\n" : "\r";
  for await (const piece of wholeRecords(file, newline)) {
    reader.add(piece, newline);
    await takeAll();
  }
  const table = reader.finish();
  await takeAll();
  return table;
}

/** The file in pieces that end where a record does. */
async function* wholeRecords(file: DataFile, newline: "\n" | "\r"): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;
  for (let at = 0; at < file.size; at += portion) {
    const next = Buffer.alloc(Math.min(portion, file.size - at));
    await file.read(at, next);
    const bytes = rest.length > 0 ? Buffer.concat([rest, next]) : next;
    const end = recordsEnd(bytes, newline.charCodeAt(0));
    if (end > 0) yield bytes.subarray(0, end);
    rest = bytes.subarray(end);
    lines += newlinesIn(bytes.subarray(0, end), newline.charCodeAt(0));
    if (rest.length > longestRecord) complainOfLength(file.place, lines + 1, rest.includes(quote));
  }
  if (rest.length > 0) yield rest;
}

function newlinesIn(bytes: Buffer, newline: number): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}

function complainOfLength(place: Place, line: number, quoted: boolean): never {
  damaged(place, quoted ? "has a quote that is never closed" : "has a line without an end", {
    expected: `records of at most ${longestRecord >> 20} MB`,
    received: `more from ${place.name}:${line} on`,
    fix: quoted
      ? 'close it; a quote within a quoted value is written ""'
      : "look whether it is a CSV file, with a row of values on each line",
  });
}

/** Where the last record ends that is whole: behind a newline before which quotes are closed. */
export function recordsEnd(bytes: Buffer, newline: number): number {
  if (!bytes.includes(quote)) return bytes.lastIndexOf(newline) + 1;
  let [end, open] = [0, false];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === quote) open = !open;
    else if (bytes[i] === newline && !open) end = i + 1;
  }
  return end;
}
