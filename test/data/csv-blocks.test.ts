/** Large CSV files: read in blocks and kept as arrays, they give what they give when read at once. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import { type Dataset, type Examples, mapArrays, type Samples } from "../../src/data/dataset.ts";
import { describe, parseDescription } from "../../src/data/description.ts";
import { csv } from "../../src/data/sources/csv.ts";
import { inMemory } from "../../src/data/stream/stored.ts";
import { recordsEnd } from "../../src/data/table/csv-blocks.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { random } from "../support/evaluate.ts";
import { inFolder } from "./helpers.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

type Options = Readonly<Record<string, unknown>>;
const optionsOf = (options: Options) => z.object(csv.options).parse(options);

async function both(directory: string, given: Options, earlier?: Dataset) {
  const options = optionsOf({ path: "a.csv", target: "kind", ...given });
  const described =
    earlier && parseDescription(JSON.stringify(describe(earlier, ".")), "data.json");
  const context = { directory, seed: 1, ...(described ? { earlier: described } : {}) };
  return {
    atOnce: async () => withoutPlaces(await csv.load(options, context)),
    inBlocks: async () => inMemory((await csv.stream!(options, context, 0))!),
  };
}

/** Streamed targets do not say where each of them stands. */
function withoutPlaces({ train, validation, ...rest }: Dataset): Dataset {
  const strip = (examples: Examples) =>
    mapArrays(examples, examples.count, ({ at: _, ...samples }: Samples) => samples);
  return { ...rest, train: strip(train), ...(validation ? { validation: strip(validation) } : {}) };
}

/** Rows of numbers, words with and without quotes, empty lines; about 100 bytes each. */
function table(rows: number, seed: number, quotes: boolean): string {
  const draw = random(seed);
  const kinds = quotes ? ['"a, b"', '"c\n""d"""', "e", "\u00e9"] : ["a", "b", "c d", "\u00e9"];
  const lines = Array.from({ length: rows }, (_, i) => {
    const numbers = Array.from({ length: 8 }, () => `${draw.int(-9999, 9999) / 64} `);
    const blank = draw.int(0, 50) === 0 ? "\r\n" : "";
    return `${numbers.join(",")},${kinds[draw.int(0, 3)]},${draw.int(0, 1) === 1 ? 7 : 8},${i % 3 === 0 ? "x" : i % 5}${blank}`;
  });
  return `\ufeffn0,n1,n2,n3,n4,n5,n6,n7,kind,digit,mixed\r\n${lines.join("\r\n")}`;
}

for (const quotes of [false, true]) {
  test(`the same examples${quotes ? ", with quotes" : ""}`, async () => {
    const files = { "a.csv": table(45_000, 1, quotes), "b.csv": table(20, 2, quotes) };
    await inFolder(files, async (folder) => {
      for (const given of [
        { features: ["n0", "n7", "n3", "mixed"], categorical: ["mixed"] },
        { test: "b.csv", target: ["n1", "n2"], sample_weight: "digit", features: ["kind", "n5"] },
        { target: "digit", categorical: ["digit"], one_hot: true, features: ["n1"] },
      ]) {
        const { atOnce, inBlocks } = await both(folder, given);
        const want = await atOnce();
        assert.equal(await inBlocks(), want);
        assert.equal(await inBlocks(), want, "from the cache");
        const later = await both(folder, { ...given, test: undefined, path: "b.csv" }, want);
        assert.equal(await later.inBlocks(), await later.atOnce(), "by an earlier encoding");
      }
    });
  });
}

test("a column of mostly text with numbers is read again as text", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `${i},${i % 3 === 0 ? "07" : "b"}`);
  await inFolder({ "a.csv": `n,kind\n${rows.join("\n")}` }, async (folder) => {
    const { atOnce, inBlocks } = await both(folder, {});
    assert.equal(await inBlocks(), await atOnce());
  });
});

async function problemOf(body: () => Promise<unknown>): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    if (error instanceof ProblemError) return error.problems;
    throw error;
  }
  return "no problem";
}

const many = (row: (i: number) => string) => Array.from({ length: 20_000 }, (_, i) => row(i));
for (const [name, text] of Object.entries({
  "a missing value": many((i) => `${i},${i === 17_000 ? "NA" : "a"}`),
  "text among numbers": many((i) => `${i === 18_000 || i === 5 ? "x" : i},a`),
  "ragged rows": many((i) => `${i},a${i > 19_000 ? ",b" : ""}`),
  "a quote never closed": many((i) => `${i},${i === 19_000 ? '"a' : "a"}`),
  "a quote in a wrong place": many((i) => `${i},${i === 19_000 ? 'a"b"' : "a"}`),
  "text that is different everywhere": many((i) => `${i},word${i}`),
  "no UTF-8 far behind": many((i) => `${i},${i === 19_000 ? "\xff" : "a"}`),
  "no rows": [],
  "no UTF-8": ["1,\xff"],
})) {
  test(`the same complaint: ${name}`, async () => {
    const content = Buffer.from(
      `n,kind\n${text.join("\n")}`,
      name.startsWith("no UTF-8") ? "latin1" : "utf8",
    );
    await inFolder({ "a.csv": content }, async (folder) => {
      const { atOnce, inBlocks } = await both(folder, {});
      const want = await problemOf(atOnce);
      assert.not.equal(want, "no problem");
      assert.equal(await problemOf(inBlocks), want);
    });
    assert.equal(
      readdirSync(join(cache, "data")).filter((f) => f.startsWith("making-")),
      [],
      "nothing half made is left",
    );
  });
}

test("a category that training never saw", async () => {
  await inFolder({ "a.csv": "n,kind\n1,a\n2,b", "b.csv": "n,kind\n1,a\n2,c" }, async (folder) => {
    const { atOnce, inBlocks } = await both(folder, { test: "b.csv" });
    assert.equal(await problemOf(inBlocks), await problemOf(atOnce));
  });
});

test("another content is another entry", async () => {
  const entries = () => readdirSync(join(cache, "data")).length;
  await inFolder({ "a.csv": "n,kind\n1,a\n2,b" }, async (folder) => {
    const { inBlocks } = await both(folder, {});
    await inBlocks();
    const before = entries();
    await inBlocks();
    assert.is(entries(), before);
  });
  await inFolder({ "a.csv": "n,kind\n1,a\n3,b" }, async (folder) => {
    const before = entries();
    const { inBlocks } = await both(folder, {});
    assert.equal([...(await inBlocks()).train.inputs.get("x")!.values], [1, 3]);
    assert.is(entries(), before + 1);
  });
  assert.ok(existsSync(cache));
});

test("records end where no quote is open", () => {
  const end = (text: string) => recordsEnd(Buffer.from(text), 10);
  assert.is(end("a,b\nc,d"), 4);
  assert.is(end('a,"b\nc",d\n"e'), 10);
  assert.is(end('a,"b\nc'), 0);
  assert.is(end('"a""\n"\nb'), 7);
});

test.run();
