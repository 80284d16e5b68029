/**
 * TensorBoard's event files. A file is a list of records, each framed as TFRecord
 * (https://www.tensorflow.org/tutorials/load_data/tfrecord): length, masked CRC-32C of the length, data, masked
 * CRC-32C of the data. A record is an `Event` in protocol buffers (tensorflow/core/util/event.proto), of which
 * four fields are used: wall_time = 1, step = 2, file_version = 3, summary = 5.
 */

/** The first record of every file. */
export const versionEvent = (time: number): Uint8Array =>
  record(Buffer.concat([double(1, time), bytes(3, Buffer.from("brain.Event:2"))]));

/** One number: Summary { value = 1 { tag = 1, simple_value = 2 } }. */
export function scalarEvent(tag: string, value: number, step: number, time: number): Uint8Array {
  const scalar = Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)]);
  return record(Buffer.concat([double(1, time), whole(2, step), bytes(5, bytes(1, scalar))]));
}

/** Kinds of fields on the wire (https://protobuf.dev/programming-guides/encoding/). */
const wire = { varint: 0, eight: 1, length: 2, four: 5 } as const;

const key = (field: number, kind: keyof typeof wire) => varint(field * 8 + wire[kind]);
/** Zero is what a missing field means. */
const whole = (field: number, value: number): Uint8Array =>
  value === 0 ? Buffer.alloc(0) : Buffer.concat([key(field, "varint"), varint(value)]);
const bytes = (field: number, content: Uint8Array) =>
  Buffer.concat([key(field, "length"), varint(content.length), content]);

function double(field: number, value: number): Uint8Array {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([key(field, "eight"), content]);
}
function float(field: number, value: number): Uint8Array {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([key(field, "four"), content]);
}

/** Seven bits a byte, the lowest first; all but the last byte have their highest bit set. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}

function record(data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, masked(length), data, masked(data)]);
}

/** TFRecord keeps sums turned by 15 bits and shifted, as sums of sums would be weak. */
function masked(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const turned = ((crc >>> 15) | (crc << 17)) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE((turned + 0xa282ead8) >>> 0);
  return out;
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0x82f63b78 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), RFC 3720 B.4. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
