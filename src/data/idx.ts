/**
 * IDX, the format of the MNIST files: a magic number (two zero bytes, the type of an element, the
 * rank), the extents as big-endian 32-bit integers, then the elements, row-major.
 * http://yann.lecun.com/exdb/mnist/
 */
import { damaged, type Place } from "./read-file.ts";

export interface IdxArray {
  /** `[count, …shape of one example]` */
  readonly shape: readonly number[];
  /** A view of the file's bytes. */
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file of unsigned bytes.
 * @throws ProblemError for another magic number or element type, or when the size contradicts the
 *   header
 */
export function parseIdx(file: Uint8Array, place: Place): IdxArray {
  if (file.length < 4) {
    damaged(place, "is no IDX file", { expected: "4 bytes or more", received: `${file.length}` });
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = view.getUint32(0);
  const rank = magic & 0xff;
  if (magic >>> 8 !== UNSIGNED_BYTE || rank === 0) {
    damaged(place, "is no IDX file of unsigned bytes", {
      expected: "a magic number 0x000008NN, NN being the rank",
      received: `0x${magic.toString(16).padStart(8, "0")}`,
    });
  }
  const start = 4 + 4 * rank;
  const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  const shape =
    file.length < start ? [] : Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  if (file.length < start || file.length !== start + size(shape)) {
    damaged(place, file.length < start + size(shape) ? "is cut short" : "is too long", {
      expected:
        shape.length === 0
          ? `a header of ${start} bytes`
          : `${start + size(shape)} bytes (a header of ${start}, then ${shape.join("×")})`,
      received: `${file.length} bytes`,
    });
  }
  return { shape, values: file.subarray(start) };
}
