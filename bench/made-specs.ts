/** Specs of cases whose data is made up: no bundled one has their sizes. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomStream } from "../src/support/random.ts";

/** Writes the files into a folder of their own. @returns the spec, and the folder to remove */
export type MakeSpec = () => { readonly spec: string; readonly folder: string };

/** A spec of this text. */
export const ofText =
  (text: string): MakeSpec =>
  () => {
    const folder = mkdtempSync(join(tmpdir(), "nnc-bench-"));
    const spec = join(folder, "spec.yaml");
    writeFileSync(spec, text);
    return { spec, folder };
  };

const [words, steps, examples] = [20_000, 80, 1000] as const;

/** Words of a text of 80 from 20,000, 128 wide, an LSTM of 128 units over them, one answer. */
export const makeLstm: MakeSpec = () => {
  const folder = mkdtempSync(join(tmpdir(), "nnc-bench-"));
  const random = randomStream(1, "bench", "lstm");
  const draw = (count: number, below: number) =>
    Int32Array.from({ length: count }, () => Math.floor(random.uniform() * below));
  writeFileSync(join(folder, "x.npy"), npy(draw(examples * steps, words), [examples, steps]));
  writeFileSync(join(folder, "y.npy"), npy(draw(examples, 2), [examples]));
  const spec = join(folder, "lstm.yaml");
  writeFileSync(
    spec,
    `name: lstm
data: { source: { npy: { x: x.npy, y: y.npy } } }
model:
  - embedding: { input_dim: ${words}, output_dim: 128 }
  - lstm: { units: 128 }
  - dense: { units: 1, activation: sigmoid }
loss: binary_crossentropy
optimizer: adam
train: { epochs: 1, batch_size: 100 }
`,
  );
  return { spec, folder };
};

/** NumPy's format, version 1, of little-endian integers. */
function npy(values: Int32Array, shape: readonly number[]): Buffer {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<i4', 'fortran_order': False, 'shape': (${extents}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from(`\x93NUMPY\x01\x00\0\0${padded}`, "latin1");
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(values.buffer)]);
}
