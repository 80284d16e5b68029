/** PNG files of every form of pixel, for tests; the decoder must give back what went in. */
import { crc32, deflateSync } from "node:zlib";

export interface PngImage {
  readonly width: number;
  readonly height: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly depth: number;
  readonly interlaced: boolean;
  /** Samples as stored: [height, width, samples]. */
  readonly samples: readonly number[];
  readonly palette?: Uint8Array;
  readonly transparency?: Uint8Array;
  /** The filter of each row, in the order of the stream. */
  readonly filter: (row: number) => number;
}

export const samplesOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}

export const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

export function header(image: Omit<PngImage, "samples" | "filter">): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(image.width, 0);
  data.writeUInt32BE(image.height, 4);
  data.set([image.depth, image.colourType, 0, 0, image.interlaced ? 1 : 0], 8);
  return chunk("IHDR", data);
}

export function encodePng(image: PngImage): Buffer {
  const packed = deflateSync(filteredRows(image));
  const half = packed.length >> 1;
  return Buffer.concat([
    signature,
    header(image),
    chunk("tEXt", Buffer.from("Comment\0skipped")),
    ...(image.palette ? [chunk("PLTE", image.palette)] : []),
    ...(image.transparency ? [chunk("tRNS", image.transparency)] : []),
    chunk("IDAT", packed.subarray(0, half)),
    chunk("IDAT", packed.subarray(half)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Where the passes of Adam7 begin, as the specification draws them: the pass of each pixel of 8×8. */
const pattern = [
  "16462646",
  "77777777",
  "56565656",
  "77777777",
  "36463646",
  "77777777",
  "56565656",
  "77777777",
];

function filteredRows(image: PngImage): Buffer {
  const rows: Buffer[] = [];
  const passes = image.interlaced ? [1, 2, 3, 4, 5, 6, 7] : [0];
  for (const pass of passes) {
    let previous: Buffer | undefined;
    for (let y = 0; y < image.height; y++) {
      const columns = Array.from({ length: image.width }, (_, x) => x).filter(
        (x) => pass === 0 || Number(pattern[y % 8]![x % 8]) === pass,
      );
      if (columns.length === 0) continue;
      const row = packRow(image, y, columns);
      const filter = image.filter(rows.length);
      rows.push(Buffer.concat([Buffer.from([filter]), filtered(row, previous, filter, image)]));
      previous = row;
    }
  }
  return Buffer.concat(rows);
}

function packRow(image: PngImage, y: number, columns: readonly number[]): Buffer {
  const each = samplesOf[image.colourType];
  const bits = columns
    .flatMap((x) =>
      image.samples.slice((y * image.width + x) * each, (y * image.width + x + 1) * each),
    )
    .map((v) => v.toString(2).padStart(image.depth, "0"))
    .join("");
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
}

function filtered(row: Buffer, above: Buffer | undefined, filter: number, image: PngImage): Buffer {
  const pixel = Math.max(1, (image.depth * samplesOf[image.colourType]) >> 3);
  return Buffer.from(
    row.map((value, i) => {
      const a = i >= pixel ? row[i - pixel]! : 0;
      const b = above?.[i] ?? 0;
      const c = i >= pixel ? (above?.[i - pixel] ?? 0) : 0;
      const p = a + b - c;
      const nearest = [a, b, c].sort((s, t) => Math.abs(p - s) - Math.abs(p - t));
      return value - [0, a, b, Math.floor((a + b) / 2), nearest[0]!][filter]!;
    }),
  );
}
