/** Writing .npy and .npz, for tests. */
import { zipSync } from "fflate";

export interface Spec {
  /** As NumPy writes it, with the byte order: `<f4`. */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: readonly (number | bigint)[];
  readonly fortran?: boolean;
  readonly version?: 1 | 2 | 3;
}

/** Writes .npy as NumPy does: a header padded to a multiple of 64. */
export function encodeNpy({ descr, shape, values, fortran = false, version = 1 }: Spec): Buffer {
  const list = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const order = fortran ? "True" : "False";
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${list}), }`;
  const fixed = version === 1 ? 10 : 12;
  const total = Math.ceil((fixed + text.length + 1) / 64) * 64;
  const head = Buffer.from(`\x93NUMPY\0\0\0\0\0\0`.slice(0, fixed), "latin1");
  head[6] = version;
  if (version === 1) head.writeUInt16LE(total - fixed, 8);
  else head.writeUInt32LE(total - fixed, 8);
  const header = `${text.padEnd(total - fixed - 1)}\n`;
  const ordered = fortran ? columnMajor(values, shape) : values;
  return Buffer.concat([head, Buffer.from(header), ...ordered.map((v) => element(descr, v))]);
}

function columnMajor<T>(values: readonly T[], shape: readonly number[]): readonly T[] {
  // Counting with the first axis fastest, the position in row-major order.
  return values.map((_, n) => {
    let [rest, at] = [n, 0];
    shape.forEach((extent, axis) => {
      at += (rest % extent) * shape.slice(axis + 1).reduce((p, e) => p * e, 1);
      rest = Math.floor(rest / extent);
    });
    return values[at]!;
  });
}

function element(descr: string, value: number | bigint): Buffer {
  const [kind, size] = [descr[1], Number(descr.slice(2))];
  const buffer = Buffer.alloc(size);
  if (kind === "f" && size === 2) buffer.writeUInt16LE(toHalf(Number(value)));
  else if (kind === "f" && size === 4) buffer.writeFloatLE(Number(value));
  else if (kind === "f") buffer.writeDoubleLE(Number(value));
  else if (size === 8) buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  else buffer.writeUIntLE(Number(BigInt.asUintN(size * 8, BigInt(value))), 0, size);
  return descr[0] === ">" ? buffer.reverse() : buffer;
}

/** For numbers that a half holds exactly: multiples of 1/8 below 64. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.abs(value) * 2 ** (10 - exponent) - 1024;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

type Arrays = Readonly<Record<string, Spec | Uint8Array>>;

/** An .npz of the given arrays (or bytes in place of one), stored or deflated. */
export function archive(arrays: Arrays, level: 0 | 6 = 6): Buffer {
  const files = Object.entries(arrays).map(([name, spec]): [string, Uint8Array] => [
    `${name}.npy`,
    spec instanceof Uint8Array ? spec : encodeNpy(spec),
  ]);
  return Buffer.from(zipSync(Object.fromEntries(files), { level }));
}

export const floats: Spec = { descr: "<f4", shape: [2, 3], values: [1, 2, 3, 4, 5, 6] };
export const bytes: Spec = {
  descr: "|u1",
  shape: [2, 2, 2],
  values: [0, 50, 100, 150, 200, 250, 255, 1],
};
export const labels: Spec = { descr: "<i8", shape: [2], values: [7, 3] };
