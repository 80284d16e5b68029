/** Files in a ZIP archive that are not packed, left where they are. */
import { crc32 } from "../crc32.ts";
import { LONGEST_HEADER, type NpyHeader } from "../npy.ts";
import { damaged, type Place } from "../read-file.ts";
import {
  checkSum,
  entriesAtEnd,
  isPlain,
  localHeader,
  localHeaderSize,
  type ZipEntry,
} from "../zip.ts";
import type { DataFile } from "./data-file.ts";
import type { NpyLocation } from "./npy.ts";

/** Bytes at the end of an archive in which its directory lies. */
const longestDirectory = 4 << 20;
/** Bytes that are summed at once. */
const portion = 4 << 20;

/** @throws ProblemError if the file is no archive, or is cut short */
export async function entriesOf(file: DataFile): Promise<readonly ZipEntry[]> {
  const from = Math.max(0, file.size - longestDirectory);
  const tail = Buffer.alloc(file.size - from);
  await file.read(from, tail);
  return entriesAtEnd(tail, from, file.place);
}

/**
 * Where an array lies, its checksum verified.
 * @throws ProblemError if it is packed or damaged
 */
export async function locateEntry(
  file: DataFile,
  entry: ZipEntry,
  place: Place,
  checkHeader: (start: Uint8Array, entry: ZipEntry, place: Place) => NpyHeader,
): Promise<NpyLocation> {
  if (!isPlain(entry)) {
    damaged(place, "is compressed", {
      expected: "an array as np.savez writes it, to read it in parts",
      fix: "save it with np.savez, or write `stream: false` beside the source",
    });
  }
  const start = Buffer.alloc(localHeader);
  await file.read(Math.min(entry.offset, file.size - localHeader), start);
  const offset = entry.offset + (localHeaderSize(start) ?? file.size);
  if (offset + entry.size > file.size) {
    damaged(place, "is cut short", {
      expected: `${entry.size} bytes in the archive`,
      received: `${Math.max(0, file.size - offset)}`,
      fix: "copy or download the file again",
    });
  }
  const head = Buffer.alloc(Math.min(LONGEST_HEADER, entry.size));
  await file.read(offset, head);
  const header = checkHeader(head, entry, place);
  checkSum(entry, entry.size, await sumOf(file, offset, entry.size), place);
  return { file, offset, header, place };
}

async function sumOf(file: DataFile, from: number, size: number): Promise<number> {
  const bytes = Buffer.alloc(Math.min(portion, size));
  let sum = 0;
  for (let at = 0; at < size; at += bytes.length) {
    const piece = bytes.subarray(0, Math.min(bytes.length, size - at));
    await file.read(from + at, piece);
    sum = crc32(piece, sum);
  }
  return sum;
}
