/** What sources give for good files, and the options of `data` that all sources share. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import type { Dataset, Samples } from "../../src/data/dataset.ts";
import { type PartOptions, partOptions, prepareParts } from "../../src/data/pipeline.ts";
import { sources } from "../../src/data/sources/index.ts";
import { bytes, encodeNpy, floats, labels } from "./encode-npy.ts";
import { encodePng } from "./encode-png.ts";
import { assertProblem, inFolder, load, problemsOf, random } from "./helpers.ts";
import { parquetBytes } from "./parquet-file.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

async function prepared(
  name: string,
  files: Files,
  options: Record<string, unknown>,
  parts: Partial<PartOptions> = {},
): Promise<Dataset> {
  const source = sources.find((s) => s.name === name)!;
  return inFolder(files, async (folder) => {
    const loaded = await load(source, options, folder);
    return prepareParts(loaded, z.object(partOptions).parse(parts), 1);
  });
}
const only = (samples: ReadonlyMap<string, Samples>) => [...samples.values()][0]!;
const x = ({ train }: Dataset) => only(train.inputs);
const y = ({ train }: Dataset) => only(train.targets);

test("npy: two files, each in its own type", async () => {
  const files = { x: encodeNpy(floats), y: encodeNpy(labels), b: encodeNpy(bytes) };
  const data = await prepared("npy", files, { x: "x", y: "y" });
  assert.equal([x(data).shape, [...x(data).values]], [[3], [1, 2, 3, 4, 5, 6]]);
  assert.equal([y(data).shape, [...y(data).values]], [[], [7, 3]]);
  assert.is(data.summary, "2 training examples of shape 3, from 1 to 6");
});

test("idx: bytes, big-endian floats and integers", async () => {
  const head = (type: number, ...extents: number[]) => {
    const buffer = Buffer.alloc(4 + 4 * extents.length);
    buffer.set([0, 0, type, extents.length]);
    extents.forEach((n, i) => {
      buffer.writeUInt32BE(n, 4 + 4 * i);
    });
    return buffer;
  };
  const doubles = Buffer.alloc(32);
  for (const [i, v] of [0.5, -1, 2, 1e3].entries()) doubles.writeDoubleBE(v, 8 * i);
  const shorts = Buffer.alloc(4);
  shorts.writeInt16BE(-2, 0);
  shorts.writeInt16BE(300, 2);
  const files = {
    x: Buffer.concat([head(14, 2, 2), doubles]),
    y: Buffer.concat([head(11, 2), shorts]),
  };
  const data = await prepared("idx", files, { x: "x", y: "y" });
  assert.equal([...x(data).values], [0.5, -1, 2, 1e3]);
  assert.equal([...y(data).values], [-2, 300]);
});

test("json: numbers, words, truth, nested values, lists with a shape", async () => {
  const rows = [
    {
      id: 1,
      pixels: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      meta: { size: 2 },
      ok: true,
      y: "cat",
    },
    {
      id: 2,
      pixels: [
        [7, 8, 9],
        [0, 0, 1],
      ],
      meta: { size: 3 },
      ok: false,
      y: "ant",
    },
  ];
  const files = { "a.jsonl": rows.map((r) => JSON.stringify(r)).join("\r\n") };
  const only = { path: "a.jsonl", target: "y", features: ["pixels"] };
  const image = await prepared("json", files, only);
  assert.equal(x(image).shape, [2, 3]);
  assert.equal([...x(image).values], [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 1]);
  assert.equal(
    [image.classes, [...y(image).values]],
    [
      ["ant", "cat"],
      [1, 0],
    ],
  );
  const all = { ...only, features: ["meta.size", "ok", "pixels"] };
  const side = await prepared("json", files, all);
  assert.equal([...x(side).values.subarray(0, 9)], [2, 0, 1, 1, 2, 3, 4, 5, 6]);
});

test("parquet: numbers, 64-bit integers and texts", async () => {
  const data = await prepared("parquet", { a: parquetBytes }, { path: "a", target: "kind" });
  assert.equal([...x(data).values], [0.5, 1, 1.5, 2, -2, 3, 3, 4]);
  assert.equal(data.classes, ["ant", "bee", "cat"]);
  assert.equal([...y(data).values], [2, 1, 2, 0]);
});

const grey = (width: number, height: number, value: number) =>
  encodePng({
    width,
    height,
    depth: 8,
    colourType: 0,
    interlaced: false,
    samples: new Array<number>(width * height).fill(value),
    filter: () => 0,
  });

test("images: folders and a CSV file give the same pixels and classes", async () => {
  const files = {
    "f/dark/1.png": grey(3, 2, 10),
    "f/light/a.PNG": grey(3, 2, 200),
    "f/light/b.png": grey(3, 2, 201),
    "l.csv": "path,kind\nf/light/a.PNG,light\nf/dark/1.png,dark\nf/light/b.png,light\n",
  };
  const folder = await prepared("images", files, { path: "f" });
  const list = await prepared("images", files, { path: "l.csv", target: "kind" });
  for (const data of [folder, list]) {
    assert.equal(data.classes, ["dark", "light"]);
    assert.equal([x(data).shape, x(data).scale], [[2, 3, 1], 1 / 255]);
    [...y(data).values].forEach((label, i) => {
      const own = x(data).values.subarray(i * 6, i * 6 + 6);
      assert.is(new Set(own).size, 1);
      assert.is(own[0]! > 100 ? 1 : 0, label);
    });
  }
  const small = await prepared("images", files, { path: "f", size: [4, 4], channels: 3 });
  assert.equal(x(small).shape, [4, 4, 3]);
});

for (const [name, width, classes] of [
  ["blobs", 2, 3],
  ["spirals", 2, 2],
  ["linear", 1, 0],
  ["sine", 1, 0],
] as const) {
  test(`${name}: as many as asked, the same for a seed, finite`, async () => {
    const [first, again] = [
      await prepared(name, {}, { count: 50 }),
      await prepared(name, {}, { count: 50 }),
    ];
    assert.equal(first, again);
    assert.is(first.train.count, 50);
    assert.equal(x(first).shape, [width]);
    assert.ok(x(first).values.every(Number.isFinite));
    assert.equal(new Set(y(first).values).size, classes || 50);
  });
}

const rows = (n: number, kind: (i: number) => string) =>
  `a,y\n${Array.from({ length: n }, (_, i) => `${i},${kind(i)}`).join("\n")}\n`;

test("stratify keeps the shares of the classes, each row in one part, in order", async () => {
  const next = random(9);
  for (let trial = 0; trial < 20; trial++) {
    const n = 20 + Math.floor(next() * 60);
    const kinds = Array.from({ length: n }, (_, i) =>
      i < 6 ? "pqr"[i % 3]! : "pqr"[Math.floor(next() * next() * 3)]!,
    );
    const share = 0.1 + next() * 0.5;
    const files = { "t.csv": rows(n, (i) => kinds[i]!) };
    const { train, validation } = await prepared(
      "csv",
      files,
      { path: "t.csv", target: "y" },
      { validation_split: share, stratify: true },
    );
    const [kept, out] = [train, validation!].map((part) => [...only(part.inputs).values]);
    assert.equal(
      [...kept!, ...out!].sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i),
    );
    for (const part of [kept!, out!])
      assert.equal(
        part,
        [...part].sort((a, b) => a - b),
      );
    for (const kind of "pqr") {
      const all = kinds.filter((k) => k === kind).length;
      const got = out!.filter((i) => kinds[i] === kind).length;
      assert.ok(Math.abs(got - all * share) <= 1 && got >= 1 && got < all, `${got} of ${all}`);
    }
  }
});

test("shuffle, limit and split come in that order", async () => {
  const files = { "t.csv": rows(30, (i) => `${i}`) };
  const options = { path: "t.csv", target: "y" };
  const data = await prepared("csv", files, options, {
    shuffle: true,
    limit: 10,
    validation_split: 0.3,
  });
  assert.is(data.train.count, 7);
  assert.is(data.validation!.count, 3);
  const values = [...x(data).values, ...only(data.validation!.inputs).values];
  assert.is(new Set(values).size, 10);
  assert.ok(
    values.some((v) => v >= 10),
    "the first ten after shuffling, not before",
  );
  assert.equal([...x(data).values], [...y(data).values], "rows stay together");
});

test("class_weight: by name, by number, balanced; and times weights of their own", async () => {
  const files = { "t.csv": "a,w,y\n1,1,cat\n2,2,ant\n3,3,cat\n4,4,cat\n" };
  const options = { path: "t.csv", target: "y", features: ["a"] };
  const weights = async (class_weight: PartOptions["class_weight"], more = {}) => [
    ...(await prepared("csv", files, { ...options, ...more }, { class_weight })).train.weights!
      .values,
  ];
  assert.equal(await weights({ cat: 0.5 }), [0.5, 1, 0.5, 0.5]);
  assert.equal(await weights({ "0": 3 }), [1, 3, 1, 1]);
  assert.equal(
    (await weights("balanced")).map((w) => w.toFixed(4)),
    ["0.6667", "2.0000", "0.6667", "0.6667"],
  );
  assert.equal(await weights({ cat: 0.5 }, { sample_weight: "w" }), [0.5, 2, 1.5, 2]);
  const hot = await prepared(
    "csv",
    files,
    { ...options, one_hot: true },
    { class_weight: { ant: 7 } },
  );
  assert.equal([...hot.train.weights!.values], [1, 7, 1, 1]);
});

const csv = { "t.csv": "a,y\n1,u\n2,v\n3,u\n4,w\n" };
const table = { path: "t.csv", target: "y" };
// biome-ignore format: a table
const wrong: readonly (readonly [string, Partial<PartOptions>, object, string, readonly string[]])[] = [
  ["an unknown class", { class_weight: { uu: 2 } }, {}, "class_weight.uu", ['no class "uu"', "did you mean `u`"]],
  ["a limit beyond the data", { limit: 5 }, {}, "limit", ["fewer than 5 examples", "at most 4"]],
  ["nothing to stratify", { stratify: true }, {}, "stratify", ["nothing is split"]],
  ["a class of one", { stratify: true, validation_split: 0.5 }, {}, "stratify", ["class 1 has a single example", "row 2"]],
];
for (const [what, parts, options, at, says] of wrong) {
  test(`a problem is told: ${what}`, async () => {
    const problems = await problemsOf(() => prepared("csv", csv, { ...table, ...options }, parts));
    assertProblem(problems, { at, says });
  });
}
test("a problem is told: classes of what is none", async () => {
  const files = { "t.csv": "a,y\n1,0.5\n2,1\n" };
  const problems = await problemsOf(() =>
    prepared("csv", files, table, { class_weight: "balanced" }),
  );
  assertProblem(problems, { at: "class_weight", says: ["the target is no class", "shape [1]"] });
});

test.run();
