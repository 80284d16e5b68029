import { zipSync } from "fflate";
import { test } from "uvu";
import type { Dataset } from "../../src/data/dataset.ts";
import { npz } from "../../src/data/sources/npz.ts";
import { archive, bytes, encodeNpy, floats, labels, type Spec } from "./encode-npy.ts";
import { assertProblem, inFolder, load, problemsOf } from "./helpers.ts";

function loadBytes(content: Uint8Array, options = {}): Promise<Dataset> {
  return inFolder({ "a.npz": content }, (folder) =>
    load(npz, { path: "a.npz", ...options }, folder),
  );
}

/** Zeros that deflate very well. */
const zeros = (count: number): Spec => ({
  descr: "|u1",
  shape: [count],
  values: Array(count).fill(0),
});
const change = (file: Buffer, edit: (file: Buffer) => void): Buffer => {
  edit(file);
  return file;
};
const fine = (level: 0 | 6 = 6) => archive({ x: floats, y: labels }, level);
/** Where the central directory's entry for x.npy begins. */
const entry = (file: Buffer) => file.indexOf("PK\x01\x02", 0, "latin1");
const header = (text: string): Uint8Array => {
  const head = Buffer.from("\x93NUMPY\x01\0\0\0", "latin1");
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text), Buffer.alloc(24)]);
};

const ofDtype = (descr: string): Uint8Array =>
  header(`{'descr': ${descr}, 'fortran_order': False, 'shape': (3,), }`);
/** Damages the last bytes of the first file in the archive. */
const spoilEnd = (file: Buffer): Buffer =>
  change(file, (f) => f.writeUInt8(0xff, f.indexOf("PK\x03\x04", 9, "latin1") - 3));
const claimSize = (file: Buffer, size: number): Buffer =>
  change(file, (f) => f.writeUInt32LE(size, entry(f) + 24));

/** What is wrong · the file · options · the option pointed at · what the problem says. */
type Broken = readonly [string, () => Uint8Array, object, string, readonly string[]];

// biome-ignore format: a table
const broken: readonly Broken[] = [
  ["no such file", fine, { path: "b.npz" }, "path", ["does not exist", "a.npz"]],
  ["an empty file", () => new Uint8Array(), {}, "path", ["is no ZIP", "empty"]],
  ["another file", () => Buffer.from("hello, world"), {}, "path", ["is no ZIP", 'text: "hello, world"']],
  ["a single array", () => encodeNpy(floats), {}, "path", ["single .npy array", "np.savez"]],
  ["an archive cut short", () => fine().subarray(0, 150), {}, "path", ["cut short", "150 bytes"]],
  ["an archive without its middle",
   () => Buffer.concat([fine().subarray(0, 40), fine().subarray(90)]), {}, "path",
   ["cut short or damaged"]],
  ["an empty archive", () => Buffer.from(zipSync({})), {}, "x",
   ['no array "x"', "an empty archive"]],
  ["no y", () => archive({ x: floats, z: labels }), {}, "y", ['no array "y"', "one of x, z"]],
  ["Keras's names", () => archive({ x_train: floats, y_train: labels }), {}, "x",
   ["did you mean x: x_train?"]],
  ["no y_test", () => archive({ x: floats, y: labels, x_test: floats }), {}, "y_test",
   ['no array "y_test"']],
  ["a named x_test that isn't there", fine, { x_test: "xt" }, "x_test", ['no array "xt"']],
  ["different lengths", () => archive({ x: floats, y: { ...labels, shape: [1], values: [1] } }),
   {}, "y", ["another length", "2, as", 'array "y"']],
  ["test data of another shape",
   () => archive({ x: floats, y: labels, x_test: bytes, y_test: labels }), {}, "x_test",
   ["another form", "[3]", "[2, 2]"]],
  ["test labels of another type",
   () => archive({ x: floats, y: labels, x_test: floats, y_test: { ...labels, descr: "<f4" } }),
   {}, "y_test", ["of integers", "of floats"]],
  ["Python objects",
   () => archive({ x: floats, y: ofDtype("'|O'") }),
   {}, "y", ["Python objects", "np.asarray"]],
  ["text labels",
   () => archive({ x: floats, y: ofDtype("'<U5'") }),
   {}, "y", ["holds text", "np.unique"]],
  ["a structured array",
   () => archive({ y: labels, x: ofDtype("[('a', '<f4')]") }),
   {}, "x", ["a structured array"]],
  ["complex numbers",
   () => archive({ y: labels, x: ofDtype("'<c8'") }),
   {}, "x", ["complex"]],
  ["a scalar", () => archive({ y: labels, x: { ...floats, shape: [], values: [1] } }), {}, "x",
   ["holds no examples", "shape ()"]],
  ["no examples", () => archive({ y: labels, x: { ...floats, shape: [0, 3], values: [] } }), {},
   "x", ["holds no examples", "(0, 3)"]],
  ["NaN", () => archive({ y: labels, x: { ...floats, values: [1, 2, 3, 4, Number.NaN, 6] } }), {},
   "x", ["1 of 6", "(NaN) in example 1"]],
  ["float64 beyond float32",
   () => archive({ x: floats, y: { descr: "<f8", shape: [2], values: [1e300, 0] } }), {}, "y",
   ["not finite in float32", "example 0"]],
  ["labels beyond int32", () => archive({ x: floats, y: { ...labels, values: [2 ** 40, 0] } }), {},
   "y", ["int32"]],
  ["a file that is no array", () => archive({ x: Buffer.from("hello, hello"), y: labels }), {},
   "x", ['a.npz: array "x" is no .npy array']],
  ["another version",
   () => archive({ x: change(encodeNpy(floats), (f) => f.writeUInt8(9, 6)), y: labels }), {}, "x",
   ["unknown version", "9"]],
  ["a header too long",
   () => archive({ x: change(encodeNpy(floats), (f) => f.writeUInt16LE(9999, 8)), y: labels }), {},
   "x", ["in its header", "9999"]],
  ["no header", () => archive({ x: header("hello"), y: labels }), {}, "x",
   ["damaged header", "hello"]],
  ["an impossible shape",
   () => archive({ y: labels, x: { ...floats, shape: [2 ** 40, 2 ** 40] } }), {}, "x",
   ["impossible shape"]],
  ["an array cut short", () => archive({ x: encodeNpy(floats).subarray(0, 140), y: labels }), {},
   "x", ["cut short", "152 bytes", "140"]],
  ["an array too long",
   () => archive({ x: Buffer.concat([encodeNpy(floats), encodeNpy(floats)]), y: labels }), {}, "x",
   ["longer than its header"]],
  ["a flipped bit, stored",
   () => change(fine(0), (f) => f.writeUInt8(1, f.indexOf("\n", 0, "latin1") + 3)), {}, "x",
   ["is damaged", "CRC-32"]],
  ["a flipped bit, deflated",
   () => spoilEnd(archive({ x: zeros(5000), y: zeros(5000) })),
   {}, "x", ['array "x"']],
  ["an encrypted file", () => change(fine(), (f) => f.writeUInt16LE(1, entry(f) + 8)), {}, "x",
   ["encrypted"]],
  ["another method", () => change(fine(), (f) => f.writeUInt16LE(14, entry(f) + 10)), {}, "x",
   ["method 14"]],
  ["a bomb: 4 GB of a few bytes", () => claimSize(fine(), 4e9),
   {}, "x", ["lies about its size", "4000000000"]],
  ["a bomb: more than its header says",
   () => archive({ x: Buffer.concat([encodeNpy(floats), Buffer.alloc(1e7)]), y: labels }), {}, "x",
   ["longer than its header", "10000152"]],
  ["a bomb: more than the directory says",
   () => claimSize(archive({ x: zeros(5000), y: zeros(100) }), 4000),
   {}, "x", ["4000 bytes"]],
  ["an offset past the end", () => change(fine(), (f) => f.writeUInt32LE(1e6, entry(f) + 42)), {},
   "x", ["cut short"]],
];
for (const [what, content, options, at, says] of broken) {
  test(`a problem is told: ${what}`, async () => {
    const problems = await problemsOf(() => loadBytes(content(), options));
    assertProblem(problems, { at, says });
  });
}

test.run();
