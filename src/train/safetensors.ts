/**
 * The safetensors format: eight bytes of header length, a JSON header, raw little-endian arrays
 * (https://github.com/huggingface/safetensors). Written whole; read with every claim checked.
 */
import type { Shape } from "../ir/graph.ts";
import { sizeOf } from "../ir/graph.ts";
import { UsageError } from "../support/errors.ts";

/** Arrays as the format knows them; each kind has one name there. */
export type Stored = Float32Array | Float64Array | Int32Array | Uint8Array;
const kinds = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U8: Uint8Array,
} as const;
type Kind = keyof typeof kinds;
const isKind = (name: string): name is Kind => Object.hasOwn(kinds, name);
const kindOf = (values: Stored): Kind =>
  (Object.keys(kinds) as Kind[]).find((kind) => values instanceof kinds[kind])!;

export interface NamedTensor<V extends Stored = Float32Array> {
  readonly shape: Shape;
  readonly values: V;
}
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, NamedTensor<Stored>>;
  /** The texts of the `__metadata__` entry. */
  readonly metadata: Readonly<Record<string, string>>;
}

const alignment = 8;

/** @param metadata texts for the `__metadata__` entry */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor<Stored>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "nnc", ...metadata } };
  // The widest first, so that each lies where its kind wants to.
  const ordered = [...tensors].sort(
    ([, a], [, b]) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT,
  );
  for (const [name, { shape, values }] of ordered) {
    const data_offsets = [offset, offset + values.byteLength];
    header[name] = { dtype: kindOf(values), shape, data_offsets };
    offset += values.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((alignment - (Buffer.byteLength(text) % alignment)) % alignment);
  const head = Buffer.from(text);
  const out = Buffer.alloc(8 + head.length + offset);
  out.writeBigUInt64LE(BigInt(head.length), 0);
  head.copy(out, 8);
  let at = 8 + head.length;
  for (const [, { values }] of ordered) {
    Buffer.from(values.buffer, values.byteOffset, values.byteLength).copy(out, at);
    at += values.byteLength;
  }
  return out;
}

interface Entry {
  readonly dtype: string;
  readonly shape: Shape;
  readonly data_offsets: readonly [number, number];
}

const refuse = (file: string, what: string): never => {
  throw new UsageError(`${file}: ${what}`, "give a .safetensors file with float32 weights");
};

/**
 * The float32 arrays of a file of weights.
 * @throws UsageError naming the file and what is wrong with it
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, NamedTensor> {
  const { tensors } = openSafetensors(bytes, file);
  return new Map(
    [...tensors].map(([name, { shape, values }]) => {
      if (values instanceof Float32Array) return [name, { shape, values }];
      return refuse(file, `"${name}" is ${kindOf(values)}, and only F32 is read`);
    }),
  );
}

/**
 * All arrays of a file, and its texts.
 * @throws UsageError naming the file and what is wrong with it
 */
export function openSafetensors(bytes: Uint8Array, file: string): SafetensorsFile {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.length < 8) return refuse(file, "too short for a safetensors file");
  const length = Number(data.readBigUInt64LE(0));
  if (length > data.length - 8) return refuse(file, "cut short, or no safetensors file");
  const header =
    parseHeader(data.subarray(8, 8 + length).toString("utf8")) ??
    refuse(file, "its header is no JSON");
  const body = data.subarray(8 + length);
  const tensors = new Map<string, NamedTensor<Stored>>();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!isEntry(value)) return refuse(file, `its entry "${name}" is damaged`);
    const [start, end] = value.data_offsets;
    const { dtype, shape } = value;
    if (!isKind(dtype)) return refuse(file, `"${name}" is ${dtype}, and only F32 is read`);
    const kind = kinds[dtype];
    const fits =
      start >= 0 && end <= body.length && end - start === kind.BYTES_PER_ELEMENT * sizeOf(shape);
    if (!fits) return refuse(file, `"${name}" does not lie inside the file`);
    const values = new kind(Uint8Array.from(body.subarray(start, end)).buffer);
    tensors.set(name, { shape, values });
  }
  return { tensors, metadata: textsOf(header["__metadata__"]) };
}

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries((value as Record<string, unknown> | undefined) ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );

function parseHeader(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { dtype, shape, data_offsets } = value as Partial<Record<keyof Entry, unknown>>;
  const whole = (list: unknown) =>
    Array.isArray(list) && list.every((n) => Number.isInteger(n) && n >= 0);
  return (
    typeof dtype === "string" &&
    whole(shape) &&
    whole(data_offsets) &&
    (data_offsets as unknown[]).length === 2
  );
}
