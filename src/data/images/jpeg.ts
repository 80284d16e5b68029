/** JPEG, baseline and progressive, by jpeg-js. */

import type { Picture } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";

/** Most memory the decoder may take, in MB; its own limit for what its sizes claim. */
const memory = 1024;

/** @throws ProblemError at `place` if it is damaged, or has more pixels than `mostPixels` */
export async function decodeJpeg(
  bytes: Uint8Array,
  place: Place,
  mostPixels: number,
): Promise<Picture> {
  const { default: jpeg } = await import("jpeg-js");
  const { components, height, width } = frameOf(bytes, place);
  if (height * width > mostPixels) {
    damaged(place, "has too many pixels", {
      expected: `at most ${mostPixels.toLocaleString("en-US")}`,
      received: `${width}×${height}`,
      fix: "make it smaller",
    });
  }
  try {
    const { data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: mostPixels / 1e6,
      maxMemoryUsageInMB: memory,
    });
    if (components !== 1) return { height, width, channels: 3, values: data };
    // A grey file comes as three equal channels.
    const values = new Uint8Array(height * width).map((_, i) => data[3 * i]!);
    return { height, width, channels: 1, values };
  } catch (error) {
    return damaged(place, "is a damaged JPEG", {
      expected: "a whole JPEG file",
      received: error instanceof Error ? error.message.slice(0, 120) : String(error),
      fix: "save the picture again",
    });
  }
}

interface Frame {
  readonly height: number;
  readonly width: number;
  /** 1 is grey. */
  readonly components: number;
}

/** The header that tells the sizes (SOF, in ITU-T T.81 B.2.2), found by walking over the segments before it. */
function frameOf(bytes: Uint8Array, place: Place): Frame {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 < data.length; ) {
    if (data[at] !== 0xff) break;
    const marker = data[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width] = [data.readUInt16BE(at + 5), data.readUInt16BE(at + 7)];
      if (height > 0 && width > 0) return { height, width, components: data[at + 9]! };
      break;
    }
    // 0xff may be repeated before a marker.
    at += marker === 0xff ? 1 : 2 + data.readUInt16BE(at + 2);
  }
  return damaged(place, "is a damaged JPEG", {
    expected: "a header with the picture's size",
    received: `${bytes.length} bytes without one`,
    fix: "save the picture again",
  });
}
