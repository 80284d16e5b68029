/** Texts with a label, or with a tag for each token, from CSV, JSON or folders. */
import { z } from "zod";
import { fail } from "../../support/errors.ts";
import { defineSource, type Loaded } from "../dataset.ts";
import type { Description } from "../description.ts";
import { isFolder, readClassFolder } from "../folder.ts";
import { damaged, type FilePlace, readDataFile } from "../read-file.ts";
import { csvFile } from "../table/csv.ts";
import { columnOption } from "../table/examples.ts";
import { jsonFile } from "../table/json.ts";
import { type Labelled, readLabelled } from "../table/labelled.ts";
import { parquetFile } from "../table/parquet.ts";
import type { TableFile } from "../table/table.ts";
import { type TextPart, textDataset } from "../text/dataset.ts";
import { encodingOptions } from "../text/encoding.ts";
import { wordsOf } from "../text/tokens.ts";
import { textOf } from "../text-file.ts";
import { csvOptions } from "./csv.ts";

const textOptions = {
  path: z
    .string()
    .min(1)
    .describe(
      "A CSV, .parquet, .json or .jsonl file, or a folder with a folder of .txt files for each class.",
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
  async load(options, { directory, earlier }) {
    const place = (name: string, option: string) => ({ directory, name, path: [option] });
    const train = place(options.path, "path");
    const test = options.test === undefined ? undefined : place(options.test, "test");
    return (await isFolder(train))
      ? fromFolders(train, test, options, earlier)
      : fromTables(train, test, options, earlier);
  },
});

async function fromFolders(
  place: FilePlace,
  test: FilePlace | undefined,
  options: Options,
  earlier: Description | undefined,
): Promise<Loaded> {
  for (const option of ["target", "tags"] as const) {
    if (options[option] === undefined) continue;
    fail({
      path: [option],
      message: `${option} names a column, and ${place.name} is a folder`,
      fix: `remove ${option}: the classes are the names of the folders`,
    });
  }
  let classes: readonly string[] | undefined = earlier?.classes;
  const read = async (from: FilePlace): Promise<TextPart> => {
    const folder = await readClassFolder(from, [".txt"], classes);
    classes = folder.classes;
    const texts: string[] = [];
    for (const { name } of folder.files) {
      const file = { ...from, name };
      const content = await readDataFile(file);
      const fix = "remove the file, or convert it to UTF-8 text";
      const text = textOf(content, file, { expected: "text", fix });
      if (text.trim() === "") damaged(file, "is empty", { expected: "a text", fix: "remove it" });
      texts.push(text);
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
  return textDataset({ train, ...rest, classes: classes!, options, earlier });
}

async function fromTables(
  place: FilePlace,
  test: FilePlace | undefined,
  options: Options,
  earlier: Description | undefined,
): Promise<Loaded> {
  const { target, tags } = options;
  const open = await openTable(place, options);
  if ((target === undefined) === (tags === undefined)) {
    fail({
      path: target === undefined ? [] : ["tags"],
      message: target === undefined ? "text needs a target" : "text has a target and tags",
      expected: "`target: column`, or `tags: column`",
      fix: "name the column that holds what is to be predicted",
    });
  }
  const columns = { verbatim: { text: options.text, tags }, target };
  const first = readLabelled(open, columns, earlier);
  const { classes } = first;
  const column = `${options.text}`;
  const shared = { ...(classes ? { classes } : {}), options, column, earlier };
  const train = partOf(first, options);
  if (test === undefined) return textDataset({ train, ...shared });
  const other = readLabelled(await openTable(test, options), columns, first);
  return textDataset({ train, test: partOf(other, options), ...shared });
}

async function openTable(place: FilePlace, options: Options): Promise<TableFile> {
  const content = await readDataFile(place);
  if (/\.(json|jsonl|ndjson)$/i.test(place.name)) return jsonFile(content, place);
  if (/\.parquet$/i.test(place.name)) return parquetFile(content, place);
  return csvFile(content, place, options);
}

function partOf({ table, target, texts }: Labelled, options: Options): TextPart {
  const { tags, split_tags } = options;
  const split = split_tags === "character" ? (tag: string) => [...tag] : wordsOf;
  return {
    place: table.place,
    texts: texts(options.text),
    targets: target ? new Map([["y", target]]) : new Map(),
    ...(tags === undefined ? {} : { tags: texts(tags).map(split) }),
    at: table.at,
  };
}
