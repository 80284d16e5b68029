/**
 * Single files out of a ZIP archive in memory, with their checksums verified: a flipped bit in a
 * stored array would otherwise train silently. fflate inflates. Format: PKWARE's APPNOTE 6.3, §4.3.
 */
import { Inflate, inflateSync } from "fflate";
import { beginning } from "./beginning.ts";
import { crc32 } from "./crc32.ts";
import { damaged, LARGEST, type Place } from "./read-file.ts";

/** A file in an archive, as its central directory describes it. Sizes in bytes. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const STORED = 0;
const DEFLATED = 8;
/** Deflate can't do better than this, so a larger declared size is a lie. */
const BEST_RATIO = 1032;
const SIGNATURES = { local: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, end64: 0x07064b50 };

/**
 * The archive's files.
 * @throws ProblemError if it is no ZIP archive, or is cut short
 */
export function zipEntries(archive: Buffer, place: Place): readonly ZipEntry[] {
  if (archive.length < 4 || archive.readUInt16LE(0) !== 0x4b50) {
    damaged(place, "is no ZIP archive", {
      expected: "a file that begins with PK",
      received: beginning(archive),
      fix: "save the arrays with np.savez",
    });
  }
  return entriesAtEnd(archive, 0, place);
}

/**
 * The archive's files, by its end alone.
 * @param from where in the archive `tail` begins
 * @throws ProblemError if it is cut short, or its directory begins before that
 */
export function entriesAtEnd(tail: Buffer, from: number, place: Place): readonly ZipEntry[] {
  const cutShort = () =>
    damaged(place, "is cut short or damaged", {
      expected: "a ZIP archive with a directory at its end",
      received: `${from + tail.length} bytes`,
      fix: "copy or download the file again",
    });
  try {
    return readDirectory(tail, from) ?? cutShort();
  } catch (error) {
    if (error instanceof RangeError) return cutShort(); // A field pointed outside of the file.
    throw error;
  }
}

/**
 * The first bytes of a file in the archive (up to 64 KiB, or all of it if it is shorter), at little
 * cost however large the file claims to be.
 */
export function peekEntry(archive: Buffer, entry: ZipEntry, place: Place): Uint8Array {
  const packed = packedBytes(archive, entry, place);
  if (entry.method === STORED) return packed.subarray(0, 65536);
  const chunks: Uint8Array[] = [];
  try {
    const inflate = new Inflate((chunk) => chunks.push(chunk));
    inflate.push(packed.subarray(0, 4096), packed.length <= 4096);
  } catch (error) {
    complainOfDeflate(error, place);
  }
  return Buffer.concat(chunks).subarray(0, 65536);
}

/**
 * Unpacks one file. A stored file is a view of the archive.
 * @throws ProblemError if it is damaged or larger than it says
 */
export function unpackEntry(archive: Buffer, entry: ZipEntry, place: Place): Uint8Array {
  const packed = packedBytes(archive, entry, place);
  const content = entry.method === STORED ? packed : inflate(packed, entry.size, place);
  checkSum(entry, content.length, crc32(content), place);
  return content;
}

/** @throws ProblemError unless a file has the length and the checksum that it should have */
export function checkSum(entry: ZipEntry, length: number, crc: number, place: Place): void {
  if (length === entry.size && crc === entry.crc) return;
  const hex = (sum: number) => sum.toString(16).padStart(8, "0");
  damaged(place, "is damaged", {
    expected: `${entry.size} bytes with CRC-32 ${hex(entry.crc)}`,
    received: `${length} bytes with CRC-32 ${hex(crc)}`,
    fix: "copy or download the file again",
  });
}

function readDirectory(archive: Buffer, from: number): readonly ZipEntry[] | undefined {
  const found = findDirectory(archive, from);
  if (found === undefined) return undefined;
  const entries: ZipEntry[] = [];
  let at = found.offset - from;
  for (let i = 0; i < found.count; i++) {
    if (archive.readUInt32LE(at) !== SIGNATURES.entry) return undefined;
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      archive.readUInt16LE(at + field),
    ) as [number, number, number];
    const extra = at + 46 + nameLength;
    const long = longFields(archive, at, extra, extra + extraLength);
    entries.push({
      name: archive.toString("utf8", at + 46, extra),
      method: archive.readUInt16LE(at + 10),
      encrypted: (archive.readUInt16LE(at + 8) & 1) !== 0,
      crc: archive.readUInt32LE(at + 16),
      size: long(24),
      packedSize: long(20),
      offset: long(42),
    });
    at = extra + extraLength + commentLength;
  }
  return entries;
}

/**
 * Where the central directory begins and how many entries it has, from the record at the archive's
 * end.
 */
function findDirectory(
  archive: Buffer,
  from: number,
): { count: number; offset: number } | undefined {
  // The record is 22 bytes and a comment of at most 65535.
  for (let at = archive.length - 22; at >= 0 && at >= archive.length - 22 - 65535; at--) {
    if (archive.readUInt32LE(at) !== SIGNATURES.end) continue;
    const locator = at - 20;
    if (locator >= 0 && archive.readUInt32LE(locator) === SIGNATURES.end64) {
      const record = Number(archive.readBigUInt64LE(locator + 8)) - from;
      return {
        count: Number(archive.readBigUInt64LE(record + 32)),
        offset: Number(archive.readBigUInt64LE(record + 48)),
      };
    }
    return { count: archive.readUInt16LE(at + 10), offset: archive.readUInt32LE(at + 16) };
  }
  return undefined;
}

/**
 * Reads the fields that ZIP64 may have moved to an extra field, where they come in a fixed order
 * and only if their 32 bits are all ones. To be called in that order: size, packed size, offset.
 */
function longFields(archive: Buffer, entry: number, from: number, to: number) {
  let next = to;
  for (let at = from; at + 4 <= to; at += 4 + archive.readUInt16LE(at + 2)) {
    if (archive.readUInt16LE(at) === 1) next = at + 4;
  }
  return (field: number): number => {
    const short = archive.readUInt32LE(entry + field);
    if (short !== 0xffffffff || next + 8 > to) return short;
    next += 8;
    return Number(archive.readBigUInt64LE(next - 8));
  };
}

/** Bytes of a local header that are always there. */
export const localHeader = 30;

/** Bytes from where a file's local header begins to its content; undefined if that is no such header. */
export function localHeaderSize(header: Buffer): number | undefined {
  if (header.length < localHeader || header.readUInt32LE(0) !== SIGNATURES.local) return undefined;
  return localHeader + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** Whether the archive has the file's bytes as they are. */
export const isPlain = ({ method, encrypted, size, packedSize }: ZipEntry): boolean =>
  method === STORED && !encrypted && size === packedSize;

/** The file's bytes as they are in the archive. */
function packedBytes(archive: Buffer, entry: ZipEntry, place: Place): Uint8Array {
  const { method, offset, packedSize, size } = entry;
  if (entry.encrypted || (method !== STORED && method !== DEFLATED)) {
    damaged(place, entry.encrypted ? "is encrypted" : "is packed by an unusual method", {
      expected: "a stored or deflated file, as np.savez and np.savez_compressed write it",
      received: entry.encrypted ? "an encrypted one" : `ZIP's method ${method}`,
      fix: "save it again with np.savez_compressed",
    });
  }
  const impossible = method === STORED ? size !== packedSize : size > packedSize * BEST_RATIO + 64;
  if (size > LARGEST || impossible) {
    damaged(place, size > LARGEST ? "is too large to hold in memory" : "lies about its size", {
      expected: `at most ${size > LARGEST ? LARGEST : packedSize * BEST_RATIO} bytes unpacked`,
      received: `${size} bytes unpacked, ${packedSize} packed`,
      fix: size > LARGEST ? "save fewer examples" : "save it again with np.savez_compressed",
    });
  }
  const header = localHeaderSize(archive.subarray(offset, offset + localHeader));
  const start = header === undefined ? archive.length : offset + header;
  if (start + packedSize > archive.length) {
    damaged(place, "is cut short", {
      expected: `${packedSize} bytes in the archive`,
      received: `${Math.max(0, archive.length - start)}`,
      fix: "copy or download the file again",
    });
  }
  return archive.subarray(start, start + packedSize);
}

function inflate(packed: Uint8Array, size: number, place: Place): Uint8Array {
  try {
    // With a buffer given, fflate stops at its end, whatever the stream holds.
    return inflateSync(packed, { out: new Uint8Array(size) });
  } catch (error) {
    return complainOfDeflate(error, place);
  }
}

function complainOfDeflate(error: unknown, place: Place): never {
  damaged(place, "cannot be unpacked", {
    received: error instanceof Error ? error.message : `${error}`,
    fix: "copy or download the file again",
  });
}
