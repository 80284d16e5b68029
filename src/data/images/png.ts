/**
 * PNG (https://www.w3.org/TR/png-3/), every form of pixel and interlacing, by pngjs. That unpacks a stream to
 * any size, takes one that is too short for whole, and stops at bytes behind the end; so chunks, header and
 * stream are checked before it sees them.
 */
import { inflateSync } from "node:zlib";
import { crc32 } from "../crc32.ts";
import type { Picture } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** Bits of a pixel. */
  readonly bits: number;
  readonly channels: 1 | 3;
  readonly interlaced: boolean;
}

/** By the number in the header: samples of a pixel (grey, RGB, palette, grey and alpha, RGBA), their bits. */
const colourTypes: ReadonlyMap<number, { samples: number; depths: readonly number[] }> = new Map([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);

/** @throws ProblemError at `place` if it is damaged, or has more pixels than `mostPixels` */
export async function decodePng(
  bytes: Uint8Array,
  place: Place,
  mostPixels: number,
): Promise<Picture> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = readChunks(file, place);
  const header = readHeader(chunks[0]!, place);
  const { height, width, depth } = header;
  if (height * width > mostPixels) {
    damaged(place, "has too many pixels", {
      expected: `at most ${mostPixels.toLocaleString("en-US")}`,
      received: `${width}×${height}`,
      fix: "make it smaller",
    });
  }
  checkStream(chunks, header, place);
  const { PNG } = await import("pngjs");
  try {
    // The upper 8 of 16 bits are kept below: pngjs would round.
    const skipRescale = depth === 16;
    const { data } = PNG.sync.read(file.subarray(0, chunks.at(-1)!.end), { skipRescale });
    return onWhite(data, header);
  } catch (error) {
    const said = error instanceof Error ? error.message.slice(0, 120) : String(error);
    return wrong(place, "a whole PNG file", said);
  }
}

function wrong(place: Place, expected: string, received: string): never {
  damaged(place, "is a damaged PNG", { expected, received, fix: "save the picture again" });
}

function readChunks(file: Buffer, place: Place): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; chunks.at(-1)?.type !== "IEND"; ) {
    const length = at + 8 <= file.length ? file.readUInt32BE(at) : 0;
    const end = at + 12 + length;
    if (end > file.length)
      wrong(place, "chunks up to the end mark (IEND)", `a file cut short at ${file.length} bytes`);
    const type = file.toString("latin1", at + 4, at + 8);
    const sum = crc32(file.subarray(at + 4, end - 4));
    if (sum !== file.readUInt32BE(end - 4))
      wrong(place, "chunks with the right checksums", `another one in ${type} at byte ${at}`);
    chunks.push({ type, data: file.subarray(at + 8, end - 4), end });
    at = end;
  }
  return chunks;
}

function readHeader({ type, data }: Chunk, place: Place): Header {
  if (type !== "IHDR" || data.length !== 13)
    wrong(place, "a header (IHDR) first", `${type} of ${data.length} bytes`);
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  const [depth = 0, colours = 0, compression, filter, interlace = 0] = data.subarray(8);
  const known = colourTypes.get(colours);
  if (width === 0 || height === 0) wrong(place, "at least one pixel", `${width}×${height}`);
  if (!known?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    return wrong(place, "a known form of pixels", `colour type ${colours} with ${depth} bits`);
  const channels = known.samples < 3 && colours !== 3 ? 1 : 3;
  const bits = known.samples * depth;
  return { width, height, depth, bits, channels, interlaced: interlace === 1 };
}

/** That the pixels unpack to what the picture's size accounts for; more is never unpacked. */
function checkStream(chunks: readonly Chunk[], header: Header, place: Place): void {
  const { width, height, bits, interlaced } = header;
  // Each row has a byte for its filter. Interlacing makes more and shorter rows of it, in all at most four
  // times the bytes; their exact number is left to pngjs, which does check it there.
  const size = height * (1 + Math.ceil((width * bits) / 8));
  const packed = Buffer.concat(chunks.filter((c) => c.type === "IDAT").map((c) => c.data));
  const most = interlaced ? 4 * size : size;
  const found = unpackedSize(packed, most);
  if (interlaced ? typeof found === "string" : found !== size)
    wrong(place, `${interlaced ? "at most " : ""}${most} bytes of pixels`, `${found}`);
}

/** The bytes in a stream; in words why there is no number. */
function unpackedSize(packed: Buffer, most: number): number | string {
  try {
    return inflateSync(packed, { maxOutputLength: most }).length;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ERR_BUFFER_TOO_LARGE" ? "more" : `a stream with "${message}"`;
  }
}

/** @param rgba [height, width, 4] samples of 8 bits, or of 16 where the file's are */
function onWhite(rgba: Uint8Array | Uint16Array, header: Header): Picture {
  const { height, width, depth, channels } = header;
  const values = new Uint8Array(height * width * channels);
  const [most, shift] = depth === 16 ? [65535, 8] : [255, 0];
  for (let i = 0; i < height * width; i++) {
    const alpha = rgba[4 * i + 3]! / most;
    for (let c = 0; c < channels; c++) {
      const value = rgba[4 * i + c]! >> shift;
      values[channels * i + c] = Math.round(alpha * value + (1 - alpha) * 255);
    }
  }
  return { height, width, channels, values };
}
