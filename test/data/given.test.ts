/** Examples to predict from: every form becomes the numbers of training, or is refused with the reason. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DescribedSamples } from "../../src/data/description.ts";
import type { Encodings, TableEncoding } from "../../src/data/encoding.ts";
import { readGiven, type Wanted } from "../../src/data/given/given.ts";
import type { TextEncoding } from "../../src/data/text/encoding.ts";
import { archive, encodeNpy } from "./encode-npy.ts";
import { encodePng, type PngImage } from "./encode-png.ts";
import { assertProblem, problemsOf } from "./helpers.ts";

const wanted = (
  inputs: Readonly<Record<string, DescribedSamples>>,
  encodings: Encodings = new Map(),
): Wanted => ({ inputs: new Map(Object.entries(inputs)), encodings });

const file = (name: string, content: string | Uint8Array) => ({
  place: { path: [], name },
  bytes: Buffer.from(content as Uint8Array),
});
const read = async (to: Wanted, name: string, content: string | Uint8Array, invert = false) => {
  const { inputs, ...given } = await readGiven([file(name, content)], to, { invert });
  return { ...given, values: [...inputs.values()].map((s) => [...s.values]) };
};

const bytes: DescribedSamples = { shape: [2, 2], type: "uint8", scale: 1 / 255, range: [0, 255] };
const floats = (range: [number, number], shape = [2, 2]): DescribedSamples => ({
  ...{ shape, type: "float32", range },
});
const iris: TableEncoding = {
  ...{ kind: "table", header: true, delimiter: ",", one_hot: false, weights: [] },
  features: [{ name: "length" }, { name: "colour", categories: ["blue", "red"] }],
  targets: [{ name: "kind", categories: ["a", "b"] }],
};
const rows = wanted({ x: floats([0, 10], [3]) }, new Map([["x", iris]]));
const several = wanted({ a: floats([0, 1], [1]), b: floats([0, 1], [2]) });

const grey: PngImage = {
  ...{ width: 2, height: 2, colourType: 0, depth: 8, interlaced: false },
  ...{ samples: [0, 51, 102, 255], filter: () => 0 },
};
const colour: PngImage = { ...grey, colourType: 2, samples: Array(12).fill(102) };

test("pictures: bytes as bytes, floats in the range of training; inverted only when asked", async () => {
  const png = encodePng(grey);
  const values = async (to: DescribedSamples, invert = false) =>
    (await read(wanted({ x: to }), "a.png", png, invert)).values[0];
  assert.equal(await values(bytes), [0, 51, 102, 255]);
  assert.equal(await values(bytes, true), [255, 204, 153, 0]);
  assert.equal(await values(floats([0, 1])), [0, 0.2, 0.4, 1].map(Math.fround));
  assert.equal(
    await values(floats([-1, 1])),
    [-1, 51 / 127.5 - 1, 102 / 127.5 - 1, 1].map(Math.fround),
  );
  assert.equal(await values(floats([0, 254])), [0, 51, 102, 255]);
});

test("pictures: what was done to them is said", async () => {
  const { notes, values } = await read(wanted({ x: bytes }), "a.png", encodePng(colour));
  assert.equal(values, [[102, 102, 102, 102]]);
  assert.equal(notes, ["a.png: 2×2 colour, made grey"]);
  const wide = { ...bytes, shape: [1, 4, 3] };
  const other = await read(wanted({ x: wide }), "a.png", encodePng(grey));
  assert.is(other.values[0]!.length, 12);
  assert.equal(other.notes, ["a.png: 2×2 grey, made 4×1, made colour"]);
});

test("tables: columns by name, encoded as in training; others are passed over", async () => {
  const { values, names } = await read(rows, "a.csv", "colour,id,length\nred,7,1.5\nblue,8,2\n");
  assert.equal(values, [[1.5, 0, 1, 2, 1, 0]]);
  assert.equal(names, ["a.csv:2", "a.csv:3"]);
  assert.equal((await read(rows, "a.csv", "colour;length\nred;3\n")).values, [[3, 0, 1]]);
});

test("tables of numbers, with a header or without", async () => {
  const to = wanted({ x: bytes });
  assert.equal((await read(to, "a.csv", "1,2,3,4\n5,6,7,8\n")).values, [[1, 2, 3, 4, 5, 6, 7, 8]]);
  assert.equal((await read(to, "stdin", "a,b,c,d\n1,2,3,4\n")).values, [[1, 2, 3, 4]]);
});

test("JSON: an example, a list of them, lines, objects by input or by column", async () => {
  const to = wanted({ x: bytes });
  const one = await read(to, "a.json", "[[1,2],[3,4]]");
  assert.equal([one.values, one.names], [[[1, 2, 3, 4]], ["a.json"]]);
  const two = await read(to, "a.json", "[[[1,2],[3,4]],[[5,6],[7,8]]]");
  assert.equal([two.values, two.names], [[[1, 2, 3, 4, 5, 6, 7, 8]], ["a.json[0]", "a.json[1]"]]);
  assert.equal((await read(to, "stdin", '{"x":[[1,2],[3,4]]}')).values, [[1, 2, 3, 4]]);
  const lines = '{"length":1,"colour":"red"}\n{"length":2,"colour":"blue","more":1}\n';
  assert.equal((await read(rows, "a.jsonl", lines)).values, [[1, 0, 1, 2, 1, 0]]);
  const objects = await read(several, "-", '[{"a":1,"b":[0,1]},{"a":[0],"b":[1,1]}]');
  assert.equal(objects.values, [
    [1, 0],
    [0, 1, 1, 1],
  ]);
});

const words: TextEncoding = {
  ...{ kind: "text", standardize: "lower", split: "word", length: 3, padding: "post" },
  ...{ truncating: "post", vocabulary: ["", "[UNK]", "good", "bad"], column: "review" },
};
const textsTo = (encoding: TextEncoding) =>
  wanted({ x: { shape: [3], type: "int32", range: [0, 3] } }, new Map([["x", encoding]]));

test("texts: a line, a row or a file, by the vocabulary of training", async () => {
  const to = textsTo(words);
  const lines = await read(to, "stdin", "Good good film\n\nbad\n");
  assert.equal([lines.values, lines.names], [[[2, 2, 1, 3, 0, 0]], ["stdin:1", "stdin:3"]]);
  const csv = 'id,review\n1,"bad, bad"\n2,good\n';
  assert.equal((await read(to, "a.csv", csv)).values, [[1, 3, 0, 2, 0, 0]]);
  const json = '["good", {"review": "bad"}, {"x": "so so"}]';
  assert.equal((await read(to, "a.json", json)).values, [[2, 0, 0, 3, 0, 0, 1, 1, 0]]);
  const { column: _, ...ofFiles } = words;
  assert.equal((await read(textsTo(ofFiles), "a.txt", "good\nbad\n")).values, [[2, 3, 0]]);
});

test("NumPy: one example, many, an archive with an array for each input", async () => {
  const to = wanted({ x: bytes });
  const npy = (shape: number[], values: number[], descr = "|u1") =>
    encodeNpy({ descr, shape, values });
  assert.equal((await read(to, "a.npy", npy([2, 2], [1, 2, 3, 4]))).names, ["a.npy"]);
  const many = await read(to, "a.npy", npy([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8], "<f4"));
  assert.equal(many.values, [[1, 2, 3, 4, 5, 6, 7, 8]]);
  const both = archive({
    a: { descr: "<f4", shape: [2], values: [1, 0] },
    b: { descr: "<f4", shape: [2, 2], values: [0, 1, 1, 1] },
  });
  assert.equal((await read(several, "a.npz", both)).values, [
    [1, 0],
    [0, 1, 1, 1],
  ]);
});

test("several files are one request", async () => {
  const files = [file("a.png", encodePng(grey)), file("b.json", "[[9,9],[9,9]]")];
  const { count, names, inputs } = await readGiven(files, wanted({ x: bytes }));
  assert.equal([count, names], [2, ["a.png", "b.json"]]);
  assert.equal([...inputs.get("x")!.values], [0, 51, 102, 255, 9, 9, 9, 9]);
});

test("numbers far from those of training are remarked on", async () => {
  const { notes } = await read(wanted({ x: floats([0, 1]) }), "a.csv", "0,1,255,3\n");
  assert.equal(notes, ["input x: numbers from 0 to 255, and in training they were from 0 to 1"]);
  assert.equal((await read(wanted({ x: floats([0, 1]) }), "a.csv", "0,1,1.5,0\n")).notes, []);
});

/** What is wrong · for which inputs · the file · what is said. */
const bad: readonly (readonly [string, Wanted, string, string | Uint8Array, ...string[]])[] = [
  ["empty", rows, "a.csv", "", "a.csv is empty"],
  ["binary", rows, "stdin", Buffer.from([1, 0, 2, 0]), "in no form that is known here"],
  ["a picture for a table", rows, "a.png", encodePng(grey), "the model takes none", "[3]"],
  ["text named .png", wanted({ x: bytes }), "a.png", "hello", "is no PNG or JPEG", '"hello"'],
  ["a range of no pixels", wanted({ x: floats([-7, 9]) }), "a.png", encodePng(grey), "range"],
  ["a missing column", rows, "a.csv", "length,color\n1,red\n", 'no column "colour"', "color"],
  [
    "an unknown category",
    rows,
    "a.csv",
    "length,colour\n1,green\n",
    "training never saw",
    "a.csv:2",
  ],
  ["text for a number", rows, "a.csv", "length,colour\nx,red\n", "of text in numeric column"],
  ["a missing cell", rows, "a.csv", "length,colour\n,red\n", "lacks 1 value"],
  ["rows too short", wanted({ x: bytes }), "a.csv", "1,2,3\n", "4 numbers a row", "3 columns"],
  ["a label in front", wanted({ x: bytes }), "a.csv", "1,2,3,4,5\n", "a label?"],
  ["no number", wanted({ x: bytes }), "a.csv", "1,2,3,4\n1,x,3,4\n", "no number", "a.csv:2"],
  [
    "no byte",
    wanted({ x: bytes }),
    "a.csv",
    "1,2,3,4\n1,2,3.5,4\n",
    "whole numbers from 0 to 255",
    "3.5 at a.csv:2",
    "multiplies",
  ],
  ["no JSON", rows, "a.json", "{", "neither JSON nor JSON lines"],
  ["a broken line", rows, "a.jsonl", '{"a":1}\n{\n', "a.jsonl:2:2"],
  ["an empty list", rows, "a.json", "[]", "has another shape|holds no examples"],
  ["a JSON row without a column", rows, "a.json", '{"length":1}', 'no value for "colour"'],
  [
    "a JSON category",
    rows,
    "a.json",
    '{"length":1,"colour":"green"}',
    "a.json.colour",
    "training never saw",
  ],
  [
    "a JSON text for a number",
    rows,
    "a.json",
    '{"length":"x","colour":"red"}',
    "a.json.length is no number",
  ],
  [
    "a JSON shape",
    wanted({ x: bytes }),
    "a.json",
    "[[1,2,3],[4,5,6]]",
    "a.json[0] has another shape",
    "a list of 2",
    "a list of 3",
  ],
  ["JSON without an input", several, "a.json", '{"a":1}', "no value for input b"],
  [
    "one array for two inputs",
    several,
    "a.npy",
    encodeNpy({ descr: "<f4", shape: [1], values: [1] }),
    "the model has 2",
  ],
  [
    "an array's shape",
    wanted({ x: bytes }),
    "a.npy",
    encodeNpy({ descr: "|u1", shape: [3], values: [1, 2, 3] }),
    "another shape",
    "[n, 2, 2]",
    "[3]",
  ],
  [
    "scaled twice",
    wanted({ x: bytes }),
    "a.npy",
    encodeNpy({ descr: "<f4", shape: [2, 2], values: [0, 1, 0, 1] }),
    "from 0 to 1 where the model takes bytes",
  ],
  [
    "an archive without the array",
    several,
    "a.npz",
    archive({ a: { descr: "<f4", shape: [1], values: [1] } }),
    'no array "b"',
  ],
  [
    "a cut array",
    wanted({ x: bytes }),
    "a.npy",
    encodeNpy({ descr: "|u1", shape: [2, 2], values: [1, 2, 3, 4] }).subarray(0, -1),
    "is cut short",
  ],
  ["a table without the text", textsTo(words), "a.csv", "id,text\n1,good\n", 'no column "review"'],
  ["a number for a text", textsTo(words), "a.json", "[1]", "has no text", "review"],
  [
    "bytes for a text",
    textsTo(words),
    "a.txt",
    Buffer.from([0x67, 0xe9, 0x0a]),
    "in no form that is known here",
  ],
];
for (const [what, to, name, content, ...says] of bad) {
  test(`refused: ${what}`, async () => {
    const problems = await problemsOf(() => read(to, name, content));
    const words = says.map(
      (s) => s.split("|").find((w) => JSON.stringify(problems).includes(w)) ?? s,
    );
    assertProblem(problems, { at: problems[0]!.path.join("."), says: words });
  });
}

test.run();
