/** Damaged files of every source but csv and npz, which have tests of their own: each is told with its place. */
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import { partOptions, prepareParts } from "../../src/data/pipeline.ts";
import { sources } from "../../src/data/sources/index.ts";
import { bytes, encodeNpy, floats, labels } from "./encode-npy.ts";
import { encodePng } from "./encode-png.ts";
import { assertProblem, inFolder, load, problemsOf } from "./helpers.ts";
import { parquetBytes } from "./parquet-file.ts";

/** IDX: two images of 2×1 bytes, and their labels. */
const images = Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4]);
const digits = Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]);
const bomb = gzipSync(Buffer.concat([images, Buffer.alloc(50_000_000)]));
const png = (width: number) =>
  encodePng({
    width,
    height: 1,
    depth: 8,
    colourType: 0,
    interlaced: false,
    samples: new Array<number>(width).fill(9),
    filter: () => 0,
  });
const idx = { x: "x", y: "y" };
const flipped = (file: Buffer, at: number, bits = 0x55) => {
  const copy = Buffer.from(file);
  copy[at]! ^= bits;
  return copy;
};

/** Its footer is all zeros, its length as it was. */
const withoutFooter = (file: Buffer) => {
  const end = file.length - 8;
  return Buffer.from(file).fill(0, end - file.readUInt32LE(end), end);
};

type Files = Readonly<Record<string, string | Uint8Array>>;
/** What is wrong · source · files · options · the option pointed at · what the problem says. */
// biome-ignore format: a table
const broken: readonly (readonly [string, string, Files, object, string, readonly string[]])[] = [
  ["an idx file cut short", "idx", { x: images.subarray(0, 18), y: digits }, idx, "x",
   ["x is cut short", "20 bytes", "2×2×1 of u1", "18 bytes"]],
  ["an idx header cut short", "idx", { x: images.subarray(0, 9), y: digits }, idx, "x", ["is cut short", "16"]],
  ["an idx file too long", "idx", { x: Buffer.concat([images, images]), y: digits }, idx, "x", ["is too long"]],
  ["text as idx", "idx", { x: "hello, world", y: digits }, idx, "x", ["no IDX file", 'text: "hello, world"']],
  ["a gzip bomb", "idx", { x: bomb, y: digits }, idx, "x", ["x cannot be unpacked"]],
  ["a gzip that lies", "idx", { x: gzipSync(Buffer.from([0, 0, 13, 1, 255, 255, 255, 255])), y: digits }, idx, "x",
   ["too large", "17.18 GB"]],
  ["a damaged gzip", "idx", { x: flipped(gzipSync(images), 12), y: digits }, idx, "x", ["cannot be unpacked"]],
  ["fewer labels than images", "idx", { x: images, y: Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 5]) }, idx, "y",
   ["another length", "2, as x"]],
  ["idx floats that are none", "idx", { x: Buffer.from([0, 0, 13, 1, 0, 0, 0, 1, 0x7f, 0xc0, 0, 0]), y: digits }, idx, "x",
   ["not finite", "in example 0"]],
  ["no idx file", "idx", { x: images }, idx, "y", ["y does not exist"]],
  ["half of a test set", "idx", { x: images, y: digits }, { ...idx, x_test: "x" }, "", ["y_test is missing"]],
  ["a test set of another form", "npy", { x: encodeNpy(floats), y: encodeNpy(labels), z: encodeNpy(bytes) },
   { ...idx, x_test: "z", y_test: "y" }, "x_test", ["another form"]],
  ["a wrong npy header", "npy", { x: Buffer.from("\x93NUMPY\x01\0\x10\0{'descr': 'f4'}  ", "latin1"), y: "" }, idx, "x",
   ["damaged header"]],
  ["an npy file cut short", "npy", { x: encodeNpy(floats).subarray(0, 140), y: "" }, idx, "x", ["is cut short"]],

  ["no JSON", "json", { a: '{"x": 1, "y": 2}\n{"x": 1, "y" 2}\n' }, {}, "path", ["no JSON", "a:2:14"]],
  ["a list that is no JSON", "json", { a: '[\n  {"x": 1},\n  {"x": oops}\n]' }, {}, "path", ["no JSON", "a:3:9"]],
  ["a list that ends early", "json", { a: '[\n  {"x": 1},\n  {"x":' }, {}, "path", ["no JSON", "its end at a:3:8", "cut short"]],
  ["a list with a comma too many", "json", { a: '[{"x": 1},\n]' }, {}, "path", ["no JSON", '"]" at a:2:1']],
  ["half a number", "json", { a: '[{"x": 1.}]' }, {}, "path", ["no JSON", '"1.}]" at a:1:8']],
  ["a comment", "json", { a: '[{"x": 1} // one\n]' }, {}, "path", ["no JSON", "at a:1:11"]],
  ["JSON with a NaN", "json", { a: '[{"x": NaN}]' }, {}, "path", ["no JSON", "a:1:8", "no such number"]],
  ["Python's words", "json", { a: '[{"x": None}]' }, {}, "path", ["no JSON", "json.dump"]],
  ["single quotes", "json", { a: "[{'x': 1}]" }, {}, "path", ["no JSON", "double quotes"]],
  ["lists without end", "json", { a: "[".repeat(1e5) }, {}, "path", ["no JSON", "nested too deeply"]],
  ["objects without end", "json", { a: `[{"y":1,"x":${'{"a":'.repeat(2e4)}1${"}".repeat(2e4)}}]` }, {}, "path",
   ["no use", "64 objects", "record 1 of a"]],
  ["a value of lists without end", "json", { a: `{"y":1,"x":${"[".repeat(2e4)}1${"]".repeat(2e4)}}` }, {}, "path",
   ["no use", 'in "x"', "a:1"]],
  ["an empty JSON file", "json", { a: " \n" }, {}, "path", ["a is empty"]],
  ["no records", "json", { a: "[]" }, {}, "path", ["no records"]],
  ["a list of numbers", "json", { a: "[1, 2]" }, {}, "path", ["no record", "record 1 of a"]],
  ["a missing key", "json", { a: '{"x":1,"y":2}\n{"x":3}\n' }, {}, "path", ["lacks 1 value", "nothing at a:2"]],
  ["a key that is nowhere", "json", { a: '{"x":1,"z":2}\n' }, {}, "target", ['no column "y"', '"x", "z"']],
  ["a word among numbers", "json", { a: '[{"x":1,"y":2},{"x":2,"y":2},{"x":"two","y":1}]' }, {}, "path",
   ["1 cell of text", "record 3 of a"]],
  ["lists of different lengths", "json", { a: '{"x":[1,2],"y":2}\n{"x":[3],"y":1}\n' }, {}, "path",
   ["different lengths", "2 numbers", "a:2"]],
  ["a ragged list", "json", { a: '{"x":[[1,2],[3]],"y":2}\n' }, {}, "path", ["no use", "[[1,2],[3]]", "a:1"]],
  ["binary JSON", "json", { a: Uint8Array.of(123, 0, 1) }, {}, "path", ["binary"]],
  ["JSON in Latin-1", "json", { a: Uint8Array.of(34, 0xe4, 34) }, {}, "path", ["not UTF-8"]],
  ["a negative weight", "json", { a: '{"x":1,"y":2,"w":1}\n{"x":1,"y":2,"w":-1}\n' }, { sample_weight: "w" },
   "sample_weight", ["no weight", "-1 at a:2"]],
  ["a weight that is predicted", "json", { a: '{"x":1,"y":2}\n' }, { sample_weight: "y" }, "sample_weight", ["two roles"]],

  ["text as Parquet", "parquet", { a: "PAR2 or so, it says" }, {}, "path", ["no Parquet file", 'text: "PAR2 or so, it says"']],
  ["a Parquet file cut short", "parquet", { a: parquetBytes.subarray(0, 200) }, {}, "path", ["cut short", "200 bytes that begin so"]],
  ["an encrypted Parquet file", "parquet", { a: `PARE${" ".repeat(20)}PARE` }, {}, "path", ["is encrypted", "without"]],
  ["a damaged Parquet footer", "parquet", { a: flipped(parquetBytes, parquetBytes.length - 6) }, {}, "path",
   ["cannot be read"]],
  // The library stumbles over it, and what JavaScript says then is nobody's business.
  ["a Parquet footer of zeros", "parquet", { a: withoutFooter(parquetBytes) }, {},
   "path", ["cannot be read", "its parts do not fit together"]],
  // Counts that hyparquet would follow for ever.
  ["a Parquet file with a count of 2³¹", "parquet", { a: flipped(parquetBytes, 12, 0x80) }, {}, "path",
    ["cannot be read as Parquet", "do not fit together"]],
  ["a Parquet file whose footer says no size", "parquet", { a: flipped(parquetBytes, 211) }, {}, "path",
   ["cannot be read", "no size"]],

  ["text named .png", "images", { "f/a/1.png": "no picture", "f/b/1.png": png(2) }, { path: "f" }, "path",
   ["1.png is no PNG or JPEG", "no picture"]],
  ["a PNG cut short", "images", { "f/a/1.png": png(2).subarray(0, 40) }, { path: "f" }, "path", ["f/a/1.png", "damaged"]],
  ["images of two sizes", "images", { "f/a/1.png": png(2), "f/a/2.png": png(3) }, { path: "f" }, "path",
   ["another size", "size: ["]],
  ["a class without images", "images", { "f/a/1.png": png(2), "f/b/1.gif": "GIF8" }, { path: "f" }, "path",
   ["f/b has no files", ".png, .jpg, .jpeg"]],
  ["files without classes", "images", { "f/1.png": png(2) }, { path: "f" }, "path", ["no folders"]],
  ["an unknown class", "images", { "f/a/1.png": png(2), "t/b/1.png": png(2) }, { path: "f", test: "t" }, "test",
   ["class of its own", "b"]],
  ["a path that leads nowhere", "images", { "l.csv": "path,y\na.png,1\nb.png,2\n", "a.png": png(2) },
   { path: "l.csv", target: "y" }, "path", ["b.png does not exist", "l.csv:3"]],
  ["a damaged picture of a table", "images", { "l.csv": "path,y\na.png,1\n", "a.png": png(2).subarray(0, 40) },
   { path: "l.csv", target: "y" }, "path", ["a.png is a damaged PNG", "named at l.csv:2", "save the picture again"]],
  ["no folder of images", "images", { "f/a/1.png": png(2) }, { path: "g" }, "path", ["g does not exist"]],
  ["a folder's name a little wrong", "images", { "l.csv": "path,y\npics/1.png,1\n", "pictures/1.png": png(2), "pic/1.png": png(2) },
   { path: "l.csv", target: "y" }, "path", ["pics/1.png does not exist", "there is no folder", "did you mean pic?"]],
  ["a picture's name a little wrong", "images", { "l.csv": "path,y\np/cat11.png,1\n", "p/cat1.png": png(2) },
   { path: "l.csv", target: "y" }, "path", ["did you mean p/cat1.png?"]],
  ["no folder of texts", "text", { "f/a/1.txt": "x" }, { path: "g" }, "path", ["g does not exist"]],
  ["a text file that is empty", "text", { "f/a/1.txt": "x", "f/b/1.txt": " \n" }, { path: "f" }, "path",
   ["f/b/1.txt is empty"]],
  ["images without a target", "images", { "l.csv": "path\na.png\n" }, { path: "l.csv" }, "", ["needs a target"]],

  ["text without a target", "text", { "t.csv": "text,y\na,1\n" }, { path: "t.csv" }, "", ["needs a target"]],
  ["text with both", "text", { "t.csv": "text,y\na,1\n" }, { path: "t.csv", target: "y", tags: "y" }, "tags", ["target and tags"]],
  ["no column of texts", "text", { "t.csv": "texts,y\na,1\n" }, { path: "t.csv", target: "y" }, "text",
   ['no column "text"', 'did you mean "texts"']],
  ["an empty text", "text", { "t.csv": "text,y\na,1\n,2\n" }, { path: "t.csv", target: "y" }, "path", ["lacks 1 value", "t.csv:3"]],
  ["too few tags", "text", { "t.csv": "text,y\na b,X Y\na b c,X Y\n" }, { path: "t.csv", tags: "y" }, "path",
   ["another number of tokens", "3 tags", "2 at t.csv:3", "standardize: none"]],
  ["an unknown tag", "text", { "t.csv": "text,y\na,X\n", "u.csv": "text,y\na,Z\n" },
   { path: "t.csv", tags: "y", test: "u.csv" }, "test", ["a tag that training never saw", "Z at u.csv:2"]],
  ["an unknown class of text", "text", { "t.csv": "text,y\na,p\nb,q\n", "u.csv": "text,y\na,r\n" },
   { path: "t.csv", target: "y", test: "u.csv" }, "test", ['"r" at u.csv:2']],
  ["texts of punctuation", "text", { "t.csv": "text,y\n...,1\n!?,2\n" }, { path: "t.csv", target: "y" }, "path",
   ["without a single token", "standardize: none"]],
  ["a folder with a target", "text", { "f/a/1.txt": "x" }, { path: "f", target: "y" }, "target", ["is a folder"]],
  ["a text file in Latin-1", "text", { "f/a/1.txt": Uint8Array.of(0xe4, 65) }, { path: "f" }, "path", ["f/a/1.txt is not UTF-8"]],

  ["too many words", "cmudict", {}, { limit: 200000 }, "limit", ["fewer than 200000 words", "117490"]],
];

const table = { path: "a", target: "y" };
for (const [what, name, files, options, at, says] of broken) {
  test(`${name}: ${what}`, async () => {
    const source = sources.find((s) => s.name === name)!;
    const all = ["json", "parquet"].includes(name) ? { ...table, ...options } : options;
    const problems = await problemsOf(() =>
      inFolder(files, async (folder) => {
        const loaded = await load(source, { ...all }, folder);
        return prepareParts(loaded, z.object(partOptions).parse({}), 1);
      }),
    );
    assertProblem(problems, { at, says });
  });
}

test("there are thirty kinds of damage and more", () => assert.ok(broken.length >= 30));

test.run();
