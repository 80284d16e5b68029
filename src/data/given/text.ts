/**
 * Texts as examples, tokenised as those of the training data were. From a table a text is a row, so a plain
 * text has one on each line; where each text was a file, the whole is one.
 */
import { damaged } from "../read-file.ts";
import { csvFile } from "../table/csv.ts";
import { readLabelled } from "../table/labelled.ts";
import { encodeTexts, type TextEncoding } from "../text/encoding.ts";
import { textOf } from "../text-file.ts";
import type { Given, GivenFile } from "./given.ts";

/** @param input what the texts are for */
function givenTexts(
  texts: readonly string[],
  names: readonly string[],
  input: string,
  encoding: TextEncoding,
): Given {
  const samples = { shape: [encoding.length], values: encodeTexts(texts, encoding) };
  return { count: texts.length, inputs: new Map([[input, samples]]), names, notes: [] };
}

/** @throws ProblemError if it is no text, or has none */
export function readText(
  { place, bytes }: GivenFile,
  input: string,
  encoding: TextEncoding,
): Given {
  const wanted = { expected: "text", fix: "convert it to UTF-8" };
  const text = textOf(bytes, place, wanted).replace(/^\uFEFF/, "");
  if (text.trim() === "") damaged(place, "holds no text", { expected: "texts" });
  if (encoding.column === undefined) return givenTexts([text], [place.name], input, encoding);
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ line, name: `${place.name}:${i + 1}` }))
    .filter(({ line }) => line.trim() !== "");
  return givenTexts(
    lines.map(({ line }) => line),
    lines.map(({ name }) => name),
    input,
    encoding,
  );
}

/** The column of texts of a table. */
export function readTextColumn(
  { place, bytes }: GivenFile,
  input: string,
  encoding: TextEncoding,
): Given {
  const { column = "text" } = encoding;
  const file = csvFile(bytes, place, { header: true, delimiter: "," });
  const { table, texts } = readLabelled(file, { verbatim: { text: column }, target: undefined });
  const all = texts(column);
  return givenTexts(
    all,
    all.map((_, row) => table.at(row)),
    input,
    encoding,
  );
}
