/**
 * A table as samples. A numeric column is one float32; a categorical one is one-hot over its sorted
 * categories as a feature, and the category's number as a target.
 */
import { type Problem, ProblemError } from "../../support/errors.ts";
import type { Samples } from "../dataset.ts";
import { bytes, damaged, LARGEST } from "../read-file.ts";
import { type Column, type Rows, sortCategories, toNumber } from "./column.ts";
import { shown, type Table } from "./table.ts";

/**
 * Sorted categories of each categorical column, from the training file. Other columns are numeric.
 */
export type Categories = ReadonlyMap<string, readonly string[]>;

/** How many columns' problems are told one by one. */
const TOLD = 5;

/**
 * Decides which of a training table's columns are categorical: those all of text, and those read as
 * text.
 * @throws ProblemError for missing cells, for text in a numeric column, for text that is no
 *   category
 */
export function findCategories(table: Table, declared: ReadonlySet<string>): Categories {
  throwSome(
    [...table.columns.values()].flatMap((column) => [
      ...missingCells(table, column),
      ...(hasNumbers(column) ? strayText(table, column) : []),
      ...(declared.has(column.name) || hasNumbers(column) ? [] : notFinite(table, column)),
      ...(declared.has(column.name) ? [] : freeText(table, column)),
    ]),
  );
  const categorical = [...table.columns.values()].filter((column) => column.text.count > 0);
  return new Map(categorical.map(({ name, words }) => [name, sortCategories(words.keys())]));
}

/**
 * Checks a test table, read with the training table's categories as text, against these.
 * @throws ProblemError for missing cells, text in a numeric column, a category unknown in training
 */
export function checkAgainst(table: Table, categories: Categories): void {
  throwSome(
    [...table.columns.values()].flatMap((column) => {
      const known = categories.get(column.name);
      const odd = known ? unknownWords(table, column, known) : strayText(table, column, true);
      return [...missingCells(table, column), ...odd];
    }),
  );
}

/**
 * Checks that no cell is missing, of columns that are read as they are.
 * @throws ProblemError naming the rows
 */
export function checkComplete(table: Table): void {
  throwSome([...table.columns.values()].flatMap((column) => missingCells(table, column)));
}

/** Features side by side: `[width]` float32 an example; a list that is the only one keeps its shape. */
export function encodeFeatures(
  table: Table,
  wanted: readonly string[],
  categories: Categories,
): Samples {
  const only = wanted.length === 1 ? table.lists?.get(wanted[0]!) : undefined;
  const names = wanted.flatMap((name) => table.lists?.get(name)?.parts ?? [name]);
  const width = names.reduce((sum, name) => sum + (categories.get(name)?.length ?? 1), 0);
  if (table.count * width * 4 > LARGEST) {
    damaged(table.place, "is too large to hold in memory as float32", {
      expected: `at most ${bytes(LARGEST)}`,
      received: `${table.count} rows of ${width} values: ${bytes(table.count * width * 4)}`,
      fix: "leave out text columns with many categories (`features`), or take fewer rows",
    });
  }
  const values = new Float32Array(table.count * width);
  let at = 0;
  for (const name of names) {
    const column = table.columns.get(name)!;
    const known = categories.get(name);
    if (known) {
      const labels = encodeLabels(column, known);
      for (let row = 0; row < labels.length; row++) values[row * width + at + labels[row]!] = 1;
    } else {
      const { numbers } = column;
      for (let row = 0; row < numbers.length; row++) values[row * width + at] = numbers[row]!;
    }
    at += known?.length ?? 1;
  }
  return { shape: only?.shape ?? [width], values };
}

/** The number of each cell's category in `known`: int32 [count]. */
export function encodeLabels(column: Column, known: readonly string[]): Int32Array {
  const labels = new Map(known.map((word, label) => [word, label]));
  const labelOf = Int32Array.from(column.words.keys(), (word) => labels.get(word)!);
  return column.codes.map((code) => labelOf[code]!);
}

function missingCells(table: Table, { name, missing, gaps }: Column): readonly Problem[] {
  if (missing.count === 0) return [];
  const found = missing.first.map(
    (row, i) => `${gaps[i] === "" ? "nothing" : shown(gaps[i]!)} at ${table.at(row)}`,
  );
  return [
    {
      path: table.place.path,
      message: `${table.place.name} lacks ${count(missing, "value")} in column ${shown(name)}`,
      expected: "a value in every row",
      received: `${found.join(", ")}${missing.count > found.length ? " …" : ""}`,
      fix: "fill the gaps or remove the rows, or leave the column out",
    },
  ];
}

function hasNumbers({ count, missing, text }: Column): boolean {
  return count > missing.count + text.count;
}

/**
 * Text in a column of numbers, or numbers there that none can reckon with.
 * @param decided whether training has decided that these are numbers
 */
function strayText(table: Table, column: Column, decided = false): readonly Problem[] {
  const { name, text, words } = column;
  if (text.count === 0) return [];
  if ([...words.keys()].every(isNotFinite)) return notFinite(table, column);
  const cells = text.first.map((row, i) => `${table.at(row)}: ${shown(column.texts[i]!)}`);
  const header = !table.header && text.count === 1 && text.first[0] === 0;
  const file = table.place.name;
  return [
    {
      path: table.place.path,
      message: `${file} has ${count(text, "cell")} of text in numeric column ${shown(name)}`,
      expected: "a number",
      received: `${cells.join(", ")}${text.count > cells.length ? " …" : ""}`,
      fix: header
        ? "if the file's first line is a header, set header: true"
        : decided
          ? `correct ${text.count === 1 ? "it" : "them"}: the data that trains the model has numbers there`
          : `correct ${text.count === 1 ? "it" : "them"}; or, if the numbers stand for kinds of things, categorical: [${name}]`,
    },
  ];
}

/** Numbers without end, or beyond float32, which would pass for text, or for the names of categories. */
function notFinite(table: Table, { name, words, metAt }: Column): readonly Problem[] {
  const odd = [...words.keys()].filter(isNotFinite);
  if (odd.length === 0) return [];
  const endless = odd.some((word) => !Number.isFinite(Number(word)) && !/\d/.test(word));
  const what = endless ? "that is not finite" : "that is too large";
  return [
    {
      path: table.place.path,
      message: `${table.place.name} has a number in column ${shown(name)} ${what}`,
      expected: "a number that float32 can hold, from -3.4e38 to 3.4e38",
      received: `${table.at(metAt[words.get(odd[0]!)!]!)}: ${shown(odd[0]!)}`,
      fix: "correct it, or remove the row, or leave the column out with `features`",
    },
  ];
}

const isNotFinite = (word: string) =>
  /^[+-]?inf$/i.test(word) || (!Number.isNaN(Number(word)) && toNumber(word) === undefined);

/** Text nearly every row of which is different: a name, an id, a number of another notation. */
function freeText(table: Table, { name, words }: Column): readonly Problem[] {
  if (words.size <= 20 || words.size * 2 <= table.count) return [];
  const sample = [...words.keys()].slice(0, 3);
  const comma = sample.every((word) => /^[+-]?\d+,\d+$/.test(word));
  return [
    {
      path: table.place.path,
      message: `${table.place.name}: column ${shown(name)} is text, almost every row another`,
      expected: "numbers, or a few categories",
      received: `${words.size} values in ${table.count} rows: ${sample.map(shown).join(", ")} …`,
      fix: comma
        ? "write decimal points instead of commas"
        : `leave it out with \`features\`; or, if it must be a category, categorical: [${name}]`,
    },
  ];
}

function unknownWords(table: Table, column: Column, known: readonly string[]): readonly Problem[] {
  const set = new Set(known);
  const some = known.slice(0, 20).map(shown).join(", ");
  const where = `${table.place.name} has a category in ${shown(column.name)}`;
  return [...column.words]
    .filter(([word]) => !set.has(word))
    .slice(0, TOLD)
    .map(([word, code]) => ({
      path: table.place.path,
      message: `${where} that training never saw`,
      expected: `one of ${some}${known.length > 20 ? " …" : ""}`,
      received: `${shown(word)} at ${table.at(column.metAt[code]!)}`,
      fix: "correct it, remove the rows, or put such rows into the training file too",
    }));
}

function throwSome(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const told = problems.slice(0, TOLD);
  const last = told.at(-1)!;
  const more = problems.length - told.length;
  const notes = more > 0 ? [`and ${more} more of such problems in other columns`] : [];
  throw new ProblemError([...told.slice(0, -1), { ...last, notes }]);
}

function count(rows: Rows, noun: string): string {
  return `${rows.count} ${noun}${rows.count === 1 ? "" : "s"}`;
}
