/** Files that are to be text: whether they are, and what they are if not. */
import { isUtf8 } from "node:buffer";
import { bytes, damaged, type Place } from "./read-file.ts";

/** Bytes of a text that is held as one; Node's strings end at half a GB. */
const longestText = 2 ** 29 - 2 ** 16;

/** Bytes at the beginning that are searched for zeros. */
const looked = 65536;

interface Kind {
  readonly magic: Uint8Array | readonly number[];
  readonly message: string;
  readonly received: string;
  readonly fix?: string;
}
const packed = (received: string, fix: string, ...magic: readonly number[]): Kind => ({
  ...{ magic, message: "is a binary file", received, fix },
});
const utf16 = (...magic: readonly number[]): Kind => ({
  ...{ magic, message: "is not UTF-8 text", received: "UTF-16" },
  fix: "convert it, e.g. iconv -f utf-16 -t utf-8",
});
const archive = (...magic: readonly number[]): Kind => ({
  ...{ magic, message: "is a binary file" },
  received: "an archive or a spreadsheet (it begins with PK)",
});

/** How files of other kinds begin. */
const kinds: readonly Kind[] = [
  archive(0x50, 0x4b, 3, 4),
  archive(0x50, 0x4b, 5, 6),
  packed("a file packed by gzip", "unpack it first: gunzip", 0x1f, 0x8b),
  packed("a file packed by Zstandard", "unpack it first: unzstd", 0x28, 0xb5, 0x2f, 0xfd),
  { magic: Buffer.from("%PDF-"), message: "is a binary file", received: "a PDF document" },
  {
    magic: Buffer.from("version https://git-lfs"),
    message: "is not the file itself",
    received: "a pointer of Git LFS to it",
    fix: "fetch it: git lfs pull",
  },
  utf16(0xff, 0xfe),
  utf16(0xfe, 0xff),
];

/** What a text should be, and what to do about a binary file. */
export interface Wanted {
  readonly expected: string;
  readonly fix: string;
}

/**
 * Checks that a file, or a piece of it, is text in UTF-8.
 * @param before lines of the file before the piece
 * @throws ProblemError with the line where it is not
 */
export function checkUtf8(content: Buffer, place: Place, wanted: Wanted, before = 0): void {
  const kind = before > 0 ? undefined : kinds.find((k) => begins(content, k.magic));
  if (kind) {
    const { message, received, fix = wanted.fix } = kind;
    damaged(place, message, { expected: wanted.expected, received, fix });
  }
  const zero = content.subarray(0, looked).indexOf(0);
  if (zero >= 0) {
    const line = before + linesIn(content.subarray(0, zero)) + 1;
    damaged(place, "is a binary file", {
      ...wanted,
      received: `a zero byte at ${place.name}:${line}`,
    });
  }
  if (!isUtf8(content)) complainOfLine(content, place, before);
}

const begins = (content: Buffer, magic: Kind["magic"]) =>
  Array.from(magic).every((byte, i) => content[i] === byte);

function linesIn(content: Buffer): number {
  let lines = 0;
  for (let at = content.indexOf(10); at >= 0; at = content.indexOf(10, at + 1)) lines++;
  return lines;
}

/** Names the first line that is not UTF-8; a newline is never part of another character. */
function complainOfLine(content: Buffer, place: Place, before: number): never {
  let [line, from] = [before + 1, 0];
  for (let to = content.indexOf(10); to >= 0; to = content.indexOf(10, from)) {
    if (!isUtf8(content.subarray(from, to))) break;
    [line, from] = [line + 1, to + 1];
  }
  const odd = content.findIndex((byte, i) => i >= from && byte > 0x7f);
  const some = content.toString("latin1", Math.max(from, odd - 8), odd + 8).split(/[\r\n]/, 1)[0];
  damaged(place, "is not UTF-8 text", {
    expected: "UTF-8",
    received: `${place.name}:${line}, which as Latin-1 were ${JSON.stringify(some)}`,
    fix: "convert it, e.g. iconv -f latin1 -t utf-8",
  });
}

/**
 * A whole file as a text.
 * @throws ProblemError if it is no UTF-8, or too long
 */
export function textOf(content: Buffer, place: Place, wanted: Wanted): string {
  checkLength(content, place);
  checkUtf8(content, place, wanted);
  return content.toString("utf8");
}

/** @throws ProblemError if a file has more than a text can hold */
export function checkLength({ length }: Buffer, place: Place): void {
  if (length <= longestText) return;
  damaged(place, "is too large to be read at once", {
    expected: `at most ${bytes(longestText)} of text`,
    received: bytes(length),
    fix: "divide it into smaller files, or convert it to Parquet, or to CSV of numbers",
  });
}
