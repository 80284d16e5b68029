/**
 * PNG: chunks with checksums, one compressed stream of filtered rows (https://www.w3.org/TR/png-3/). Every
 * form of pixel and interlacing; what does not concern the pixels is skipped. The stream is never unpacked
 * beyond what the picture's size accounts for.
 */
import { inflateSync } from "node:zlib";
import { crc32 } from "../crc32.ts";
import type { Picture } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";
import { colourTypes, type PngForm, type PngParts, toPicture } from "./png-pixels.ts";

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** @throws ProblemError at `place` if it is damaged, or has more pixels than `mostPixels` */
export function decodePng(bytes: Uint8Array, place: Place, mostPixels: number): Picture {
  const chunks = readChunks(bytes, place);
  const header = chunks[0]!;
  if (header.type !== "IHDR" || header.data.length !== 13)
    wrong(place, "a header (IHDR) first", `${header.type} of ${header.data.length} bytes`);
  const form = readHeader(header.data, place);
  if (form.height * form.width > mostPixels) {
    damaged(place, "has too many pixels", {
      expected: `at most ${mostPixels.toLocaleString("en-US")}`,
      received: `${form.width}×${form.height}`,
      fix: "make it smaller",
    });
  }
  const only = (type: string) => chunks.find((chunk) => chunk.type === type)?.data;
  const palette = only("PLTE");
  if (form.colours === "palette" && !palette) wrong(place, "a palette (PLTE)", "none");
  const passes = passesOf(form);
  const packed = Buffer.concat(chunks.filter((c) => c.type === "IDAT").map((c) => c.data));
  const rows = unpack(packed, passes, place);
  const parts: PngParts = { form, palette, transparency: only("tRNS") };
  return toPicture(
    parts,
    passes.map((pass, i) => ({ ...pass, rows: rows[i]! })),
    place,
  );
}

function wrong(place: Place, expected: string, received: string): never {
  damaged(place, "is a damaged PNG", { expected, received, fix: "save the picture again" });
}

function readChunks(bytes: Uint8Array, place: Place): readonly Chunk[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; chunks.at(-1)?.type !== "IEND"; ) {
    const length = at + 8 <= file.length ? file.readUInt32BE(at) : 0;
    const end = at + 12 + length;
    if (at + 12 > file.length || end > file.length)
      wrong(place, "chunks up to the end mark (IEND)", `a file cut short at ${file.length} bytes`);
    const type = file.toString("latin1", at + 4, at + 8);
    const sum = crc32(file.subarray(at + 4, end - 4));
    if (sum !== file.readUInt32BE(end - 4))
      wrong(place, "chunks with the right checksums", `another one in ${type} at byte ${at}`);
    chunks.push({ type, data: file.subarray(at + 8, end - 4) });
    at = end;
  }
  return chunks;
}

function readHeader(data: Buffer, place: Place): PngForm {
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  const [depth, type, compression, filter, interlace] = data.subarray(8);
  const known = colourTypes.get(type!);
  if (width === 0 || height === 0) wrong(place, "at least one pixel", `${width}×${height}`);
  if (!known?.depths.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1)
    wrong(place, "a known form of pixels", `colour type ${type} with ${depth} bits`);
  const { colours, samples } = known!;
  return { width, height, depth: depth!, colours, samples, interlaced: interlace === 1 };
}

/** Part of the pixels: those of every `stepX`-th column and `stepY`-th row. */
export interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of a row without its filter's number, and of a pixel (at least 1). */
  readonly line: number;
  readonly pixel: number;
}

// biome-ignore format: a table
const adam7 = [
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
] as const;

function passesOf({ width, height, depth, samples, interlaced }: PngForm): readonly Pass[] {
  const bits = depth * samples;
  const all = interlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  return all.flatMap(([x, y, stepX, stepY]) => {
    const [w, h] = [Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)];
    if (w <= 0 || h <= 0) return [];
    const line = Math.ceil((w * bits) / 8);
    return [{ x, y, stepX, stepY, width: w, height: h, line, pixel: Math.max(1, bits >> 3) }];
  });
}

/** The rows of each pass, unfiltered: [height, line] bytes. */
function unpack(packed: Buffer, passes: readonly Pass[], place: Place): readonly Buffer[] {
  const size = passes.reduce((sum, { height, line }) => sum + height * (line + 1), 0);
  let raw: Buffer;
  try {
    raw = inflateSync(packed, { maxOutputLength: size });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const tooMuch = code === "ERR_BUFFER_TOO_LARGE";
    return wrong(place, `${size} bytes of pixels`, tooMuch ? "more" : `a stream with "${message}"`);
  }
  if (raw.length !== size) wrong(place, `${size} bytes of pixels`, `${raw.length}`);
  let at = 0;
  return passes.map((pass) => {
    const end = at + pass.height * (pass.line + 1);
    const rows = unfilter(raw.subarray(at, end), pass, place);
    at = end;
    return rows;
  });
}

/** Undoes what each row's filter did: a byte is stored as the difference to one guessed from its neighbours. */
function unfilter(raw: Buffer, { height, line, pixel }: Pass, place: Place): Buffer {
  const out = Buffer.alloc(height * line);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)]!;
    if (filter > 4) wrong(place, "a filter from 0 to 4", `${filter} in row ${y}`);
    for (let i = 0; i < line; i++) {
      const at = y * line + i;
      const left = i >= pixel ? out[at - pixel]! : 0;
      const up = y > 0 ? out[at - line]! : 0;
      const corner = i >= pixel && y > 0 ? out[at - line - pixel]! : 0;
      out[at] = raw[y * (line + 1) + 1 + i]! + guess(filter, left, up, corner);
    }
  }
  return out;
}

function guess(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  return filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
}

/** The neighbour nearest to left + up − corner (section 9.4 of the specification). */
function paeth(left: number, up: number, corner: number): number {
  const p = left + up - corner;
  const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
