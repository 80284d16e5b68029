import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import type { Dataset } from "../../src/data/dataset.ts";
import { type PartOptions, partOptions, prepareParts } from "../../src/data/pipeline.ts";
import { cmudict } from "../../src/data/sources/cmudict.ts";
import { firstNames } from "../../src/data/sources/first-names.ts";
import { text } from "../../src/data/sources/text.ts";
import { Aligner } from "../../src/data/text/align.ts";
import {
  encodeTexts,
  place,
  type TextEncoding,
  vocabularyOf,
} from "../../src/data/text/encoding.ts";
import { tokensOf } from "../../src/data/text/tokens.ts";
import { inFolder, load, random } from "./helpers.ts";

const fixture = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/keras/text.json", import.meta.url), "utf8"),
);

/** Keras's options as ours. */
function encodingOf(options: Record<string, unknown>, vocabulary: readonly string[]) {
  return {
    kind: "text",
    standardize: (options["standardize"] ?? "none") as "lower",
    split: options["split"] as "character",
    vocabulary,
    length: options["output_sequence_length"] as number,
    padding: "post",
    truncating: "post",
  } as const;
}

fixture.cases.forEach((c: Record<string, never>, i: number) => {
  test(`vocabulary and rows are Keras's, case ${i}`, () => {
    const { options, texts, others, rows, other_rows } = c as unknown as {
      options: Record<string, unknown>;
      texts: string[];
      others: string[];
      rows: number[][];
      other_rows: number[][];
    };
    const counts = new Map<string, number>();
    for (const token of texts.flatMap((t) => tokensOf(t, encodingOf(options, []))))
      counts.set(token, (counts.get(token) ?? 0) + 1);
    const vocabulary = vocabularyOf(counts, options["max_tokens"] as number | undefined);
    assert.equal(vocabulary, c["vocabulary"]);
    const encoding = encodingOf(options, vocabulary);
    assert.equal([...encodeTexts(texts, encoding)], rows.flat());
    assert.equal([...encodeTexts(others, encoding)], other_rows.flat());
  });
});

function textEncodingOf({ encodings }: Dataset): TextEncoding {
  const encoding = encodings?.get("x");
  assert.ok(encoding?.kind === "text");
  return encoding;
}

test("padding and truncating are those of Keras's pad_sequences", () => {
  for (const { padding, truncating, sequences, rows } of fixture.padded) {
    const into = new Int32Array(4 * sequences.length);
    sequences.forEach((s: number[], i: number) => {
      place(s, into, i * 4, { length: 4, padding, truncating });
    });
    assert.equal([...into], rows.flat());
  }
});

/** What a spec would get: loaded, split and fitted. */
async function prepared(
  files: Record<string, string>,
  options: object,
  parts: Partial<PartOptions> = {},
): Promise<Dataset> {
  return inFolder(files, async (folder) => {
    const loaded = await load(text, options as Record<string, unknown>, folder);
    return prepareParts(loaded, z.object(partOptions).parse(parts), 1);
  });
}
const x = (d: Dataset) => [...d.train.inputs.get("x")!.values];
const y = (d: Dataset) => [...d.train.targets.get("y")!.values];

test("the vocabulary and the length are those of the training part only", async () => {
  const rows = ["a b a,p", "b a,q", "c c c c c,p", "d,q"];
  const file = { "t.csv": `text,kind\n${rows.join("\n")}\n` };
  const data = await prepared(file, { path: "t.csv", target: "kind" }, { validation_split: 0.5 });
  const { vocabulary, length } = textEncodingOf(data);
  assert.equal(vocabulary, ["", "[UNK]", "a", "b"]);
  assert.is(length, 3);
  assert.equal(x(data), [2, 3, 2, 3, 2, 0]);
  assert.equal([...data.validation!.inputs.get("x")!.values], [1, 1, 1, 1, 0, 0]);
  assert.equal(data.classes, ["p", "q"]);
  assert.equal(y(data), [0, 1]);
  assert.ok(data.summary.startsWith("2 training and 2 validation texts, 3 tokens each"));
  assert.ok(data.summary.includes("vocabulary of 4 (100.0 % of validation tokens unknown)"));
});

test("the same texts from CSV, JSON Lines, JSON and folders give the same", async () => {
  const rows = [
    { text: "good film", kind: "pos" },
    { text: "bad bad film", kind: "neg" },
    { text: "so good", kind: "pos" },
  ];
  const files = {
    "t.csv": `text,kind\n${rows.map((r) => `${r.text},${r.kind}`).join("\n")}`,
    "t.jsonl": rows.map((r) => JSON.stringify(r)).join("\n\n"),
    "t.json": JSON.stringify(rows),
    ...Object.fromEntries(rows.map((r, i) => [`f/${r.kind}/${i}.txt`, r.text])),
  };
  const from = (path: string, target?: string) =>
    prepared(files, { path, padding: "pre", ...(target ? { target } : {}) });
  const csv = await from("t.csv", "kind");
  for (const path of ["t.jsonl", "t.json"]) {
    const other = await from(path, "kind");
    assert.equal([x(other), y(other), other.encodings], [x(csv), y(csv), csv.encodings]);
  }
  const folder = await from("f");
  // Files have no column.
  const { column, ...encoding } = textEncodingOf(csv);
  assert.is(column, "text");
  assert.equal(textEncodingOf(folder), encoding);
  const sorted = (d: Dataset) =>
    y(d)
      .map((label, i) => [label, ...x(d).slice(i * 3, i * 3 + 3)].join())
      .sort();
  assert.equal(sorted(folder), sorted(csv));
});

test("tags: a class for each token, 0 where there is padding", async () => {
  const files = {
    "t.jsonl": [
      { text: ["the", "cat"], tags: ["DET", "NOUN"] },
      { text: "a dog barks", tags: "DET NOUN VERB" },
    ]
      .map((r) => JSON.stringify(r))
      .join("\n"),
  };
  const data = await prepared(files, { path: "t.jsonl", tags: "tags" });
  assert.equal(data.classes, ["", "DET", "NOUN", "VERB"]);
  assert.equal(data.train.targets.get("y")!.shape, [3]);
  assert.equal(y(data), [1, 2, 0, 1, 2, 3]);
  const characters = await prepared(
    { "t.csv": "text,tags\nbad,CVC\nob,VC\n" },
    { path: "t.csv", tags: "tags", split: "character", split_tags: "character", padding: "pre" },
  );
  assert.equal(y(characters), [1, 2, 1, 0, 2, 1]);
});

test("words that look like something missing are words; numbers as targets stay numbers", async () => {
  const data = await prepared(
    { "t.csv": "name,n\nNan,1.5\nNull,2\nNA,-3\n" },
    { path: "t.csv", text: "name", target: "n", standardize: "lower" },
  );
  assert.equal(textEncodingOf(data).vocabulary.slice(2).sort(), ["na", "nan", "null"]);
  assert.equal(y(data), [1.5, 2, -3]);
});

test("an encoding survives JSON", async () => {
  const data = await prepared(
    { "t.csv": "text,y\nb c,1\na b,2\n" },
    { path: "t.csv", target: "y" },
  );
  const again = JSON.parse(JSON.stringify(textEncodingOf(data)));
  assert.equal([...encodeTexts(["b c", "a b"], again)], x(data));
});

test("first names: 8003, female and male, no name twice, the same order every time", async () => {
  const data = prepareParts(await load(firstNames, {}), z.object(partOptions).parse({}), 1);
  assert.is(data.train.count, 8003);
  assert.equal(data.classes, ["female", "male"]);
  assert.is(y(data).filter((label) => label === 1).length, 3478);
  const { vocabulary, length } = textEncodingOf(data);
  assert.is(length, 15);
  assert.is(vocabulary.length, 29);
  const letters = x(data).map((n) => vocabulary[n]!);
  const row = (i: number) => letters.slice(i * length, (i + 1) * length).join("");
  const all = Array.from({ length: 8003 }, (_, i) => row(i));
  assert.is(new Set(all).size, 8003);
  assert.is(y(data)[all.indexOf("anna")], 0);
  assert.is(y(data)[all.indexOf("peter")], 1);
  assert.is(all.indexOf("kelly"), -1, "both");
});

test("cmudict: letters and their sounds, aligned", async () => {
  const data = prepareParts(
    await load(cmudict, { limit: 3000 }),
    z.object(partOptions).parse({ validation_split: 0.1 }),
    1,
  );
  const { vocabulary, length } = textEncodingOf(data);
  assert.equal(data.train.targets.get("y")!.shape, [length]);
  const [letters, sounds] = [x(data), y(data)];
  letters.forEach((letter, i) => {
    assert.is(letter === 0, sounds[i] === 0, "padding in both or in none");
  });
  // What a letter mostly stands for.
  const most = (letter: string) => {
    const counts = new Map<string, number>();
    letters.forEach((n, i) => {
      const sound = data.classes![sounds[i]!]!;
      if (vocabulary[n] === letter) counts.set(sound, (counts.get(sound) ?? 0) + 1);
    });
    return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
  };
  const usual = { b: "B", d: "D", f: "F", m: "M", n: "N", r: "R", x: "K S", z: "Z", v: "V" };
  for (const [letter, sound] of Object.entries(usual)) assert.is(most(letter), sound);
});

test("an alignment says all sounds in their order, whatever the words", () => {
  const next = random(5);
  const spell = (n: number, from: string) =>
    Array.from({ length: n }, () => from[Math.floor(next() * from.length)]!);
  const words = Array.from({ length: 200 }, () => {
    const n = 1 + Math.floor(next() * 6);
    return {
      word: spell(n, "abcde").join(""),
      sounds: spell(Math.floor(next() * (2 * n + 2)), "PQRS"),
    };
  });
  const aligner = new Aligner(words);
  let aligned = 0;
  for (const spoken of words) {
    const found = aligner.align(spoken);
    if (spoken.sounds.length > 2 * spoken.word.length) assert.is(found, undefined);
    if (!found) continue;
    aligned++;
    assert.is(found.length, spoken.word.length);
    assert.equal(
      found.filter((s) => s !== "").flatMap((s) => s.split(" ")),
      spoken.sounds,
    );
  }
  assert.ok(aligned > 100);
});

test.run();
