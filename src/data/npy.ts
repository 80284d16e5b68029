/**
 * NumPy's .npy: a magic string, a header that is a Python dictionary (`descr`, `fortran_order`,
 * `shape`), then the elements.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { beginning } from "./beginning.ts";
import { damaged, type Place } from "./read-file.ts";
import type { ElementType } from "./stream/stored.ts";

export interface NpyHeader {
  /** What elements become, and whether they lie in the file as they do then in memory. */
  readonly type: ElementType;
  readonly plain: boolean;
  /** Without the byte order: `f4`, `u1`, `i8`. */
  readonly dtype: string;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly count: number;
  /** Where the elements begin, and where they end: the file's size. */
  readonly start: number;
  readonly end: number;
}

type NpyValues = Uint8Array | Int32Array | Float32Array;

/** An array in one of the types that samples have, row-major. */
export interface NpyArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: NpyValues;
}

interface Dtype {
  /** Bytes of an element. */
  readonly size: number;
  /** What elements become. */
  readonly type: ElementType;
  /** Little-endian elements lie in memory as they do in the file. */
  readonly plain?: true;
  /** Reads little-endian elements, aligned to their size; undefined where one doesn't fit. */
  decode(bytes: ArrayBuffer): NpyValues | { readonly misfit: number };
}

const DTYPES: Readonly<Record<string, Dtype>> = {
  b1: { size: 1, type: "uint8", plain: true, decode: (bytes) => new Uint8Array(bytes) },
  u1: { size: 1, type: "uint8", plain: true, decode: (bytes) => new Uint8Array(bytes) },
  i1: { size: 1, type: "int32", decode: (bytes) => new Int32Array(new Int8Array(bytes)) },
  u2: { size: 2, type: "int32", decode: (bytes) => new Int32Array(new Uint16Array(bytes)) },
  i2: { size: 2, type: "int32", decode: (bytes) => new Int32Array(new Int16Array(bytes)) },
  u4: {
    size: 4,
    type: "int32",
    decode: (bytes) => narrow(new Int32Array(bytes), 1, (low) => low >= 0),
  },
  i4: { size: 4, type: "int32", plain: true, decode: (bytes) => new Int32Array(bytes) },
  u8: {
    size: 8,
    type: "int32",
    decode: (bytes) => narrow(new Int32Array(bytes), 2, (l, h) => l >= 0 && h === 0),
  },
  i8: {
    size: 8,
    type: "int32",
    decode: (bytes) => narrow(new Int32Array(bytes), 2, (l, h) => h === l >> 31),
  },
  f2: {
    size: 2,
    type: "float32",
    decode: (bytes) => Float32Array.from(new Uint16Array(bytes), fromHalf),
  },
  f4: { size: 4, type: "float32", plain: true, decode: (bytes) => new Float32Array(bytes) },
  f8: { size: 8, type: "float32", decode: (bytes) => new Float32Array(new Float64Array(bytes)) },
};

/** A header longer than this is no header. NumPy itself refuses 10,000 characters. */
export const LONGEST_HEADER = 65535;

/**
 * Reads and checks a header; `bytes` may be the beginning of the file only.
 * @throws ProblemError for anything but a plain array of numbers
 */
export function parseNpyHeader(bytes: Uint8Array, place: Place): NpyHeader {
  const { text, start } = headerText(bytes, place);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const list = /'shape'\s*:\s*\(([\d\sL,]*)\)/.exec(text)?.[1];
  if (order === undefined || list === undefined || !/'descr'\s*:/.test(text)) {
    damaged(place, "has a damaged header", {
      expected: "a dictionary of descr, fortran_order and shape",
      received: text.slice(0, 80),
      fix: "save the array again with np.save",
    });
  }
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const [, endian, dtype] = /^([<>|=])([a-z]\d+)$/.exec(descr ?? "") ?? [];
  const size = dtype === undefined ? undefined : DTYPES[dtype]?.size;
  if (dtype === undefined || size === undefined) return refuse(descr, place);
  const shape = [...list.matchAll(/\d+/g)].map(([extent]) => Number(extent));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const end = start + count * size;
  if (!Number.isSafeInteger(end)) {
    damaged(place, "has an impossible shape", {
      expected: "no more elements than a file can have",
      received: `(${shape.join(", ")})`,
      fix: "save the array again with np.save",
    });
  }
  const bigEndian = endian === ">" && size > 1;
  const { type, plain = false } = DTYPES[dtype]!;
  const own = {
    dtype,
    bigEndian,
    fortranOrder: order === "True",
    type,
    plain: plain && !bigEndian,
  };
  return { ...own, shape, count, start, end };
}

/**
 * Reads a .npy file. Integers and booleans become int32 (uint8 and bool stay bytes), floats
 * float32; big-endian and Fortran-ordered arrays are put in order.
 * @throws ProblemError if it is damaged, no plain array of numbers, or has integers beyond int32
 */
export function parseNpy(file: Uint8Array, place: Place): NpyArray {
  const header = parseNpyHeader(file, place);
  const { dtype, shape, start, end } = header;
  if (file.length !== end) complainOfSize(header, file.length, place);
  const values = decodeArray(header, file.subarray(start, end), place);
  return { dtype, shape, values: header.fortranOrder ? toRowMajor(values, shape) : values };
}

/**
 * Elements in one of the types that samples have.
 * @throws ProblemError for integers beyond int32
 */
export function decodeArray(
  { dtype, bigEndian }: Pick<NpyHeader, "dtype" | "bigEndian">,
  elements: Uint8Array,
  place: Place,
): NpyValues {
  // A copy of its own: aligned, and not holding on to the archive around it.
  const bytes = new ArrayBuffer(elements.length);
  new Uint8Array(bytes).set(elements);
  const { size, decode } = DTYPES[dtype]!;
  if (bigEndian && size > 1) swap(bytes, size);
  const values = decode(bytes);
  if ("misfit" in values) {
    damaged(place, "has integers that int32 cannot hold", {
      expected: "integers from -2147483648 to 2147483647",
      received: `${dtype}, the first misfit at flat position ${values.misfit}`,
      fix: "number the classes from 0, or save floating-point numbers",
    });
  }
  return values;
}

/** Bytes of a header that is written here: room for any shape. */
export const writtenHeader = 128;

/** What comes before the elements of a little-endian array in a file. */
export function npyHeader(type: ElementType, shape: readonly number[]): Buffer {
  const descr = { uint8: "|u1", int32: "<i4", float32: "<f4" }[type];
  const list = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${list}), }`;
  const fixed = 10;
  const header = Buffer.alloc(writtenHeader, " ");
  header.write("\x93NUMPY\x01\x00", "latin1");
  header.writeUInt16LE(writtenHeader - fixed, 8);
  header.write(text, fixed, "latin1");
  header.write("\n", writtenHeader - 1, "latin1");
  return header;
}

/** Says that a file of `length` bytes is not what its header tells. */
export function complainOfSize(header: NpyHeader, length: number, place: Place): never {
  damaged(place, length < header.end ? "is cut short" : "is longer than its header says", {
    expected: `${header.end} bytes: shape (${header.shape.join(", ")}) of ${header.dtype}`,
    received: `${length} bytes`,
    fix: "copy the file again, or save it again with np.save",
  });
}

function headerText(bytes: Uint8Array, place: Place): { text: string; start: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== "\x93NUMPY") {
    damaged(place, "is no .npy array", {
      expected: "a file that begins with \\x93NUMPY",
      received: beginning(buffer),
      fix: buffer.toString("latin1", 0, 2) === "PK" ? "read it by `npz`" : "save it with np.save",
    });
  }
  const version = buffer[6]!;
  if (version < 1 || version > 3) {
    damaged(place, "has an unknown version of the .npy format", {
      expected: "1, 2 or 3",
      received: `${version}`,
      fix: "save it again with np.save",
    });
  }
  const from = version === 1 ? 10 : 12;
  const start = from + (version === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8));
  if (start > buffer.length || start > LONGEST_HEADER) {
    damaged(place, "is cut short or damaged in its header", {
      expected: `a header of ${start - from} bytes`,
      received: `${buffer.length - from} bytes`,
      fix: "copy the file again, or save it again with np.save",
    });
  }
  return { text: buffer.toString("utf8", from, start), start };
}

function refuse(descr: string | undefined, place: Place): never {
  const kind = descr?.replace(/^[<>|=]/, "")[0];
  const what = {
    O: ["holds Python objects", "convert it first, e.g. np.asarray(x, dtype=np.float32)"],
    U: ["holds text", "number the classes, e.g. np.unique(y, return_inverse=True)[1]"],
    S: ["holds text", "number the classes, e.g. np.unique(y, return_inverse=True)[1]"],
    c: ["holds complex numbers", "save real and imaginary parts as floats"],
  }[kind ?? ""] ?? ["is no array of plain numbers", "convert it, e.g. x.astype(np.float32)"];
  damaged(place, what[0]!, {
    expected: `a dtype of ${Object.keys(DTYPES).join(", ")}`,
    received: descr ?? "a structured array",
    fix: what[1]!,
  });
}

/** The low words of integers of `words` 32-bit words each, if `fits` holds for low and high. */
function narrow(
  parts: Int32Array,
  words: 1 | 2,
  fits: (low: number, high: number) => boolean,
): Int32Array | { readonly misfit: number } {
  const values = words === 1 ? parts : new Int32Array(parts.length / words);
  for (let i = 0; i < values.length; i++) {
    const low = parts[i * words]!;
    if (!fits(low, parts[i * words + words - 1]!)) return { misfit: i };
    values[i] = low;
  }
  return values;
}

/** IEEE 754 half precision: 1 sign bit, 5 of exponent, 10 of fraction. */
function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Reverses the bytes of every element. Node's platforms for nnc are all little-endian. */
function swap(bytes: ArrayBuffer, size: number): void {
  const buffer = Buffer.from(bytes);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** From the first axis running fastest to the last. */
function toRowMajor(values: NpyValues, shape: readonly number[]): NpyValues {
  const result = values.slice();
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((p, n) => p * n, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    result[to] = values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
