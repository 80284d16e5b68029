/**
 * IDX, the format of the MNIST files: a magic number (two zero bytes, the type of an element, the
 * rank), the extents as big-endian 32-bit integers, then the elements, row-major and big-endian.
 * http://yann.lecun.com/exdb/mnist/
 */
import { constants, gunzipSync } from "node:zlib";
import { ProblemError } from "../support/errors.ts";
import { beginning } from "./beginning.ts";
import { decodeArray, type NpyArray } from "./npy.ts";
import { bytes, damaged, LARGEST, type Place } from "./read-file.ts";

/** NumPy's names of IDX's types. */
const TYPES: Readonly<Record<number, string>> = {
  8: "u1",
  9: "i1",
  11: "i2",
  12: "i4",
  13: "f4",
  14: "f8",
};

/**
 * Reads an IDX file, packed by gzip or not.
 * @throws ProblemError for another magic number or element type, or when the size contradicts the
 *   header
 */
export function parseIdx(packed: Uint8Array, place: Place): NpyArray {
  const file = unpacked(packed, place);
  const { dtype, shape, start, end } = headerOf(file, place);
  if (file.length !== end) {
    damaged(place, file.length < end ? "is cut short" : "is too long", {
      expected: `${end} bytes (a header of ${start}, then ${shape.join("×")} of ${dtype})`,
      received: `${file.length} bytes`,
      fix: "copy the file again",
    });
  }
  const elements = file.subarray(start);
  // Bytes stay a view: MNIST's images are 47 MB.
  const values =
    dtype === "u1" ? elements : decodeArray({ dtype, bigEndian: true }, elements, place);
  return { dtype, shape, values };
}

/** What the beginning of a file says; `end` is how many bytes it must have. */
function headerOf(file: Uint8Array, place: Place) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = file.length < 4 ? undefined : view.getUint32(0);
  const rank = (magic ?? 0) & 0xff;
  const dtype = TYPES[(magic ?? 0) >>> 8];
  if (magic === undefined || dtype === undefined || rank === 0) {
    damaged(place, "is no IDX file", {
      expected: "a magic number 0x0000TTNN, TT the type (08 bytes, 0d floats …) and NN the rank",
      received: beginning(file),
      fix: "name an IDX file, as MNIST's are, or save the data as .npy",
    });
  }
  const start = 4 + 4 * rank;
  if (file.length < start) {
    damaged(place, "is cut short", {
      expected: `a header of ${start} bytes`,
      received: `${file.length} bytes`,
      fix: "copy the file again",
    });
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const end = start + shape.reduce((product, n) => product * n, Number(dtype[1]));
  return { dtype, shape, start, end };
}

function unpacked(file: Uint8Array, place: Place): Uint8Array {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file;
  try {
    // What the header tells is all that is unpacked, however much more there is.
    const start = gunzipSync(file.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
    const { end } = headerOf(start, place);
    if (end > LARGEST) {
      return damaged(place, "is too large to hold in memory", {
        expected: `at most ${bytes(LARGEST)}`,
        received: bytes(end),
        fix: "make a smaller file of it, with fewer examples",
      });
    }
    return gunzipSync(file, { maxOutputLength: end });
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    return damaged(place, "cannot be unpacked", {
      received: (error as Error).message,
      fix: "copy or download the file again",
    });
  }
}
