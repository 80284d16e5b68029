/** Texts with a label, or with a tag for each token, from CSV, JSON or folders. */
import { z } from "zod";
import { fail, ProblemError } from "../../support/errors.ts";
import { defineSource, type Loaded } from "../dataset.ts";
import { isFolder, readClassFolder } from "../folder.ts";
import { checkUtf8, type FilePlace, readDataFile } from "../read-file.ts";
import type { Reading } from "../table/column.ts";
import { csvFile } from "../table/csv.ts";
import { type Categories, checkAgainst, checkComplete, findCategories } from "../table/encode.ts";
import { columnOption, encodeTargets, readMixed } from "../table/examples.ts";
import { jsonFile } from "../table/json.ts";
import { missingColumn } from "../table/roles.ts";
import type { Table, TableFile } from "../table/table.ts";
import { type TextPart, textDataset } from "../text/dataset.ts";
import { encodingOptions } from "../text/encoding.ts";
import { wordsOf } from "../text/tokens.ts";
import { csvOptions } from "./csv.ts";

const textOptions = {
  path: z
    .string()
    .min(1)
    .describe(
      "A CSV, .json or .jsonl file, or a folder with a folder of .txt files for each class.",
    ),
  test: z.string().min(1).optional().describe("The same for texts to validate with."),
  text: columnOption.default("text").describe("The column of the texts."),
  target: columnOption
    .optional()
    .describe(
      "The column to predict: classes or numbers. Not for folders, whose names are classes.",
    ),
  tags: columnOption
    .optional()
    .describe("Instead of target: the column with a tag for each token."),
  split_tags: z
    .enum(["word", "character"])
    .default("word")
    .describe("What a tag is: a word, or a character."),
  ...encodingOptions,
  ...csvOptions,
};
type Options = z.output<z.ZodObject<typeof textOptions>>;

export const text = defineSource({
  name: "text",
  doc:
    "Texts as rows of token numbers: 0 is padding, 1 a token that the vocabulary lacks; the vocabulary " +
    "is that of the training part. For each text a class or a number, or a tag for each token.",
  options: textOptions,
  async load(options, { directory }) {
    const place = (name: string, option: string) => ({ directory, name, path: [option] });
    const train = place(options.path, "path");
    const test = options.test === undefined ? undefined : place(options.test, "test");
    return (await isFolder(train))
      ? fromFolders(train, test, options)
      : fromTables(train, test, options);
  },
});

async function fromFolders(
  place: FilePlace,
  test: FilePlace | undefined,
  options: Options,
): Promise<Loaded> {
  for (const option of ["target", "tags"] as const) {
    if (options[option] === undefined) continue;
    fail({
      path: [option],
      message: `${option} names a column, and ${place.name} is a folder`,
      fix: `remove ${option}: the classes are the names of the folders`,
    });
  }
  let classes: readonly string[] | undefined;
  const read = async (from: FilePlace): Promise<TextPart> => {
    const folder = await readClassFolder(from, [".txt"], classes);
    classes = folder.classes;
    const texts: string[] = [];
    for (const { name } of folder.files) {
      const file = { ...from, name };
      const content = await readDataFile(file);
      checkUtf8(content, file, "text", "remove the file, or convert it to UTF-8 text");
      texts.push(content.toString("utf8"));
    }
    const values = Int32Array.from(folder.files, ({ label }) => label);
    return {
      place: from,
      texts,
      targets: new Map([["y", { shape: [], values }]]),
      at: (i) => folder.files[i]!.name,
    };
  };
  const train = await read(place);
  const rest = test ? { test: await read(test) } : {};
  return textDataset({ train, ...rest, classes: classes!, options });
}

async function fromTables(
  place: FilePlace,
  test: FilePlace | undefined,
  options: Options,
): Promise<Loaded> {
  const { target, tags } = options;
  if ((target === undefined) === (tags === undefined)) {
    fail({
      path: target === undefined ? [] : ["tags"],
      message: target === undefined ? "text needs a target" : "text has a target and tags",
      expected: "`target: column`, or `tags: column`",
      fix: "name the column that holds what is to be predicted",
    });
  }
  const table = readTexts(await openTable(place, options), options);
  const categories =
    target === undefined ? new Map() : findCategories(only(table, target), new Set());
  const classes = target === undefined ? undefined : categories.get(`${target}`);
  const part = (of: Table) => partOf(of, options, categories);
  const shared = { ...(classes ? { classes } : {}), options };
  if (test === undefined) return textDataset({ train: part(table), ...shared });
  const other = readTexts(await openTable(test, options), options, classes ? "category" : "guess");
  if (target !== undefined) checkAgainst(only(other, target), categories);
  return textDataset({ train: part(table), test: part(other), ...shared });
}

async function openTable(place: FilePlace, options: Options): Promise<TableFile> {
  const content = await readDataFile(place);
  return /\.(json|jsonl|ndjson)$/i.test(place.name)
    ? jsonFile(content, place)
    : csvFile(content, place, options);
}

/** The columns that are named, texts and tags as they are. */
function readTexts(file: TableFile, { text, target, tags }: Options, targetAs?: Reading): Table {
  const wanted = Object.entries({ text, target, tags }).filter(([, name]) => name !== undefined);
  const table = readMixed(file, (asText) => (names) => {
    const { header, place } = file;
    const missing = wanted.filter(([, name]) => !names.includes(`${name}`));
    if (missing.length > 0) {
      throw new ProblemError(
        missing.map(([option, name]) =>
          missingColumn({ name: `${name}`, path: [option] }, names, header, place.name),
        ),
      );
    }
    return wanted.map(([option, column]) => {
      const name = `${column}`;
      if (option !== "target") return { name, as: "verbatim" };
      return { name, as: targetAs ?? (asText.has(name) ? "category" : "guess") };
    });
  });
  checkComplete(table);
  return table;
}

const only = (table: Table, name: string | number): Table => ({
  ...table,
  columns: new Map([[`${name}`, table.columns.get(`${name}`)!]]),
});

function partOf(table: Table, options: Options, categories: Categories): TextPart {
  const { target, tags, split_tags } = options;
  const split = split_tags === "character" ? (tag: string) => [...tag] : wordsOf;
  const own = tags === undefined ? undefined : textsOf(table, tags).map(split);
  return {
    place: table.place,
    texts: textsOf(table, options.text),
    targets:
      target === undefined
        ? new Map()
        : new Map([["y", encodeTargets(table, [`${target}`], categories, false)]]),
    ...(own ? { tags: own } : {}),
    at: table.at,
  };
}

function textsOf(table: Table, name: string | number): readonly string[] {
  const { words, codes } = table.columns.get(`${name}`)!;
  const all = [...words.keys()];
  return Array.from(codes, (code) => all[code]!);
}
