/**
 * Pictures from PNG and JPEG files, as rows of bytes. Vocabulary: a *channel* is one number of a pixel; a
 * picture has one (grey) or three (red, green, blue).
 */
import { beginning } from "./beginning.ts";
import { decodeJpeg } from "./images/jpeg.ts";
import { decodePng } from "./images/png.ts";
import { damaged, type Place } from "./read-file.ts";

export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** [height, width, channels], 0 to 255. */
  readonly values: Uint8Array;
}

/** What a file is by its first bytes. */
export type PictureForm = "png" | "jpeg";

/** Most pixels that are decoded: 100 million take 300 MB, and some 1.6 GB while they are decoded. */
const mostPixels = 1e8;

export function pictureForm(bytes: Uint8Array): PictureForm | undefined {
  const begins = (...magic: readonly number[]) => magic.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "png";
  return begins(0xff, 0xd8, 0xff) ? "jpeg" : undefined;
}

/**
 * Decodes a picture. What is transparent in it is shown on white, as viewers show it; of 16 bits the upper 8
 * are kept.
 * @throws ProblemError at `place` if it is no PNG or JPEG, damaged, or too large
 */
export async function decodeImage(bytes: Uint8Array, place: Place): Promise<Picture> {
  const form = pictureForm(bytes);
  if (form === "png") return decodePng(bytes, place, mostPixels);
  if (form === "jpeg") return decodeJpeg(bytes, place, mostPixels);
  return damaged(place, "is no PNG or JPEG picture", {
    expected: "a file that begins as PNG or JPEG do",
    received: beginning(bytes),
    fix: "save the picture as PNG or JPEG",
  });
}

/** Grey from colour and back. Luma as in ITU-R BT.601, which is what PIL and Keras take: 0.299 R + 0.587 G + 0.114 B. */
export function withChannels(picture: Picture, channels: 1 | 3): Picture {
  const { height, width, values } = picture;
  if (picture.channels === channels) return picture;
  const result = new Uint8Array(height * width * channels);
  for (let i = 0; i < height * width; i++) {
    if (channels === 3) result.fill(values[i]!, 3 * i, 3 * i + 3);
    else {
      const [r, g, b] = [values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!];
      result[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    }
  }
  return { height, width, channels, values: result };
}

/**
 * Another size, stretched where the sides have another proportion. Bilinear; where the picture becomes smaller
 * each pixel is the mean of all it covers, weighted by a triangle of the scale's width (as PIL's `BILINEAR` and
 * TensorFlow's with `antialias`), so that thin lines do not vanish.
 */
export function resized(picture: Picture, height: number, width: number): Picture {
  if (picture.height === height && picture.width === width) return picture;
  const { channels } = picture;
  const rows = weightsAlong(picture.height, height);
  const columns = weightsAlong(picture.width, width);
  const wide = new Float32Array(picture.height * width * channels);
  for (let y = 0; y < picture.height; y++) {
    columns.forEach(({ first, shares }, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        const from = (y * picture.width + first) * channels + c;
        for (let k = 0; k < shares.length; k++)
          sum += shares[k]! * picture.values[from + k * channels]!;
        wide[(y * width + x) * channels + c] = sum;
      }
    });
  }
  const values = new Uint8Array(height * width * channels);
  const line = width * channels;
  rows.forEach(({ first, shares }, y) => {
    for (let i = 0; i < line; i++) {
      let sum = 0;
      for (let k = 0; k < shares.length; k++) sum += shares[k]! * wide[(first + k) * line + i]!;
      values[y * line + i] = Math.max(0, Math.min(255, Math.round(sum)));
    }
  });
  return { height, width, channels, values };
}

interface Shares {
  /** First pixel that counts, and what it and those behind it count; their sum is 1. */
  readonly first: number;
  readonly shares: readonly number[];
}

/** For each pixel of the new side, what it takes of which pixels of the old one; centres at halves. */
function weightsAlong(from: number, to: number): readonly Shares[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(from, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, shares: raw.map((share) => share / sum) };
  });
}
