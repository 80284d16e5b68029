/** Cells cut out of bytes: numbers as `Number` reads them, to the last bit of float32. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteCells, decimal } from "../../src/data/table/cells.ts";
import { random } from "../support/evaluate.ts";

const read = (text: string): number => {
  const bytes = Buffer.from(`x${text}y`);
  return decimal(bytes, 1, bytes.length - 1);
};

/** A number's text in one of the forms that programs write. */
function written(draw: ReturnType<typeof random>): string {
  const digits = (n: number) => Array.from({ length: n }, () => draw.int(0, 9)).join("");
  const sign = ["", "-", "+"][draw.int(0, 2)]!;
  const point = [digits(draw.int(0, 12)), digits(draw.int(0, 14))].join(draw.int(0, 3) ? "." : "");
  const exponent = draw.int(0, 2)
    ? ""
    : `${"eE"[draw.int(0, 1)]}${["", "-", "+"][draw.int(0, 2)]}${draw.int(0, 45)}`;
  const blank = () => ["", "", " ", "\t", "\r"][draw.int(0, 4)];
  return `${blank()}${sign}${point}${exponent}${blank()}`;
}

test("numbers are those of Number in float32", () => {
  const draw = random(1);
  let plain = 0;
  for (let i = 0; i < 200_000; i++) {
    const text = written(draw);
    const got = read(text);
    if (Number.isNaN(got)) continue;
    plain++;
    const want = Math.fround(text.trim() === "" ? Number.NaN : Number(text));
    assert.ok(Object.is(Math.fround(got), want), `${JSON.stringify(text)}: ${got}, not ${want}`);
  }
  // Those whose exponent is far from usual are left to Number.
  assert.ok(plain > 150_000, `${plain}`);
});

test("every form that doubles and floats are written in is plain", () => {
  const draw = random(2);
  let left = 0;
  for (let i = 0; i < 50_000; i++) {
    // One drawn number alone has 32 bits, and lies in the middle of two floats now and then.
    const part = draw.uniform(-0.5, 0.5) + draw.uniform(0, 2 ** -32);
    const value = part * 10 ** draw.int(-12, 12);
    for (const text of [
      `${value}`,
      `${Math.fround(value)}`,
      value.toExponential(18),
      value.toFixed(6),
    ]) {
      const got = read(text);
      if (Number.isNaN(got)) left++;
      else assert.is(Math.fround(got), Math.fround(Number(text)), text);
    }
  }
  assert.ok(left < 10, `${left}`);
});

test("next to the middle of two floats it is left to Number", () => {
  // 1 + 2⁻²⁴ lies in the middle of 1 and the next float32; a digit far behind decides.
  for (const text of ["1.000000059604644775390625", "1.0000000596046447753906251"]) {
    assert.ok(Number.isNaN(read(text)));
  }
});

for (const text of [
  ...[
    "",
    " ",
    "-",
    "+",
    ".",
    "-.",
    "e5",
    "1e",
    "1e+",
    "1e-",
    "1.2.3",
    "1 2",
    "--1",
    "0x10",
    "1_000",
  ],
  ...["nan", "inf", "Infinity", "1,5", "1e400", "1e5x", "12a", "\u00a01", "1e1.5", "NA"],
]) {
  test(`no plain number: ${JSON.stringify(text)}`, () => {
    assert.ok(Number.isNaN(read(text)));
  });
}

test("lines and cells are those of split", () => {
  const draw = random(3);
  for (let trial = 0; trial < 300; trial++) {
    const letters = ["a", "é", " ", ",", ",", "\n", "\r\n", "7", ".5"];
    const text = Array.from({ length: draw.int(0, 400) }, () => letters[draw.int(0, 8)]).join("");
    const cells = new ByteCells(Buffer.from(`${trial % 2 ? "\ufeff" : ""}${text}`), ",", "\n");
    const got: string[][] = [];
    while (cells.advance()) got.push(Array.from({ length: cells.length }, (_, i) => cells.text(i)));
    assert.equal(
      got,
      text.split("\n").map((line) => line.split(",").map((cell) => cell.trim())),
    );
  }
});

test.run();
