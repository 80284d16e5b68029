/**
 * The safetensors format: eight bytes of header length, a JSON header, raw little-endian arrays
 * (https://github.com/huggingface/safetensors). Written whole; read with every claim checked.
 */
import type { Shape } from "../ir/graph.ts";
import { sizeOf } from "../ir/graph.ts";
import { UsageError } from "../support/errors.ts";

export interface NamedTensor {
  readonly shape: Shape;
  readonly values: Float32Array;
}

const alignment = 8;

/** @param metadata texts for the `__metadata__` entry */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "nnc", ...metadata } };
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((alignment - (Buffer.byteLength(text) % alignment)) % alignment);
  const head = Buffer.from(text);
  const out = Buffer.alloc(8 + head.length + offset);
  out.writeBigUInt64LE(BigInt(head.length), 0);
  head.copy(out, 8);
  let at = 8 + head.length;
  for (const { values } of tensors.values()) {
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

/** @throws UsageError naming the file and what is wrong with it */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, NamedTensor> {
  const wrong = (what: string): never => {
    throw new UsageError(`${file}: ${what}`, "give a .safetensors file with float32 weights");
  };
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.length < 8) return wrong("too short for a safetensors file");
  const length = Number(data.readBigUInt64LE(0));
  if (length > data.length - 8) return wrong("cut short, or no safetensors file");
  const header =
    parseHeader(data.subarray(8, 8 + length).toString("utf8")) ?? wrong("its header is no JSON");
  const body = data.subarray(8 + length);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!isEntry(value)) return wrong(`its entry "${name}" is damaged`);
    const [start, end] = value.data_offsets;
    if (value.dtype !== "F32") return wrong(`"${name}" is ${value.dtype}, and only F32 is read`);
    const fits = start >= 0 && end <= body.length && end - start === 4 * sizeOf(value.shape);
    if (!fits) return wrong(`"${name}" does not lie inside the file`);
    const values = new Float32Array(Uint8Array.from(body.subarray(start, end)).buffer);
    tensors.set(name, { shape: value.shape, values });
  }
  return tensors;
}

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
