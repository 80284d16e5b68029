import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseNpy } from "../../src/data/npy.ts";
import { encodeNpy } from "./encode-npy.ts";
import { assertProblem, problemsOf, random } from "./helpers.ts";

const place = { path: ["x"], name: "a.npy" };
const DTYPES = "b1 u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split(" ");

test("random arrays of every dtype, byte order, memory order and version come back", () => {
  const next = random(5);
  for (let i = 0; i < 600; i++) {
    const dtype = DTYPES[i % DTYPES.length]!;
    const shape = Array.from({ length: Math.floor(next() * 5) }, () => 1 + Math.floor(next() * 5));
    const count = shape.reduce((p, n) => p * n, 1);
    const signed = "if".includes(dtype[0]!) ? 64 : 0;
    const values = Array.from({ length: count }, () => {
      if (dtype === "b1") return Math.floor(next() * 2);
      const value = next() * 127 - signed;
      return dtype.startsWith("f") ? Math.floor(value * 4) / 8 : Math.floor(value);
    });
    const endian = dtype.endsWith("1") ? "|" : next() < 0.5 ? "<" : ">";
    const version = ([1, 2, 3] as const)[Math.floor(next() * 3)]!;
    const fortran = next() < 0.5;
    const file = encodeNpy({ descr: endian + dtype, shape, values, fortran, version });
    const array = parseNpy(file, place);
    assert.equal([array.dtype, array.shape], [dtype, shape]);
    assert.equal([...array.values], values, `${endian}${dtype} (${shape}) fortran ${fortran}`);
    const type = dtype.startsWith("f")
      ? Float32Array
      : /^[bu]1$/.test(dtype)
        ? Uint8Array
        : Int32Array;
    assert.instance(array.values, type);
  }
});

test("half precision: subnormal, largest, infinite", () => {
  const file = encodeNpy({ descr: "<f2", shape: [5], values: [0, 0, 0, 0, 0] });
  [0x0001, 0x7bff, 0x7c00, 0xfc00, 0x8000].forEach((bits, i) => {
    file.writeUInt16LE(bits, file.length - 10 + 2 * i);
  });
  const { values } = parseNpy(file, place);
  assert.equal([...values], [2 ** -24, 65504, Infinity, -Infinity, -0]);
});

test("integers at the ends of int32 fit, those beyond are refused", async () => {
  for (const descr of ["<i8", ">i8"]) {
    const values = [2147483647, -2147483648, -1, 0];
    assert.equal([...parseNpy(encodeNpy({ descr, shape: [4], values }), place).values], values);
  }
  for (const [descr, value] of [
    ["<i8", 2n ** 31n],
    ["<i8", -(2n ** 31n) - 1n],
    ["<i8", 2n ** 32n],
    ["<u8", 2n ** 63n],
    ["<u8", 2n ** 31n],
    ["<u4", 2n ** 31n],
  ] as const) {
    const file = encodeNpy({ descr, shape: [2], values: [1, value] });
    const problems = await problemsOf(() => parseNpy(file, place));
    assertProblem(problems, { at: "x", says: ["int32", descr.slice(1), "position 1"] });
  }
});

test.run();
