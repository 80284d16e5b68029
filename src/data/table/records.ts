/**
 * Records, as JSON and Parquet have them, as a table. A value within a value is called `outer.inner`; a list
 * of numbers, nested or not, is one feature with a shape; a list of words is a text.
 */

import { damaged, type Place } from "../read-file.ts";
import { TextCells } from "./cells.ts";
import { note, type Rows } from "./column.ts";
import { type Choose, shown, type Table, TableBuilder, type TableFile } from "./table.ts";

/** Values by name: what a JSON object holds, and what a row of a Parquet file does. */
export type FileRecord = Readonly<Record<string, unknown>>;

/** A value in a table's terms: a cell, or the numbers of a list with its shape. */
type Value = string | { readonly shape: readonly number[]; readonly numbers: readonly number[] };

type Complain = (name: string, row: number, received: string) => never;

/**
 * @param at where a record stands, for messages: `data.jsonl:12`
 * @throws ProblemError if there are no records, or a value is neither number, text, boolean nor list
 */
export function recordFile(
  records: readonly FileRecord[],
  place: Place,
  at: (row: number) => string,
): TableFile {
  if (records.length === 0) {
    damaged(place, "has no records", {
      expected: "a record for each example",
      received: "none",
      fix: "put data in it",
    });
  }
  const complain: Complain = (name, row, received) =>
    damaged(place, `has a value of no use in ${shown(name)}`, {
      expected: "a number, a text, true or false, or a list of numbers or of words",
      received: `${received} at ${at(row)}`,
      fix: "leave it out of the file, or write it as one of these",
    });
  const rows = records.map((record, row) => flat(record, "", row, complain));
  const lists = shapesOf(rows, place, at);
  const names = [...new Set(rows.flatMap((values) => [...values.keys()]))];
  return {
    place,
    header: true,
    read: (choose) => build(rows, names, lists, { place, at, choose }),
  };
}

/** Levels of values within values, far more than any data has. */
const deepest = 64;

function flat(
  record: FileRecord,
  prefix: string,
  row: number,
  complain: Complain,
  into = new Map<string, Value>(),
  depth = 0,
): Map<string, Value> {
  if (depth > deepest) complain(prefix, row, `more than ${deepest} objects within one another`);
  for (const [key, value] of Object.entries(record)) {
    const name = `${prefix}${key}`;
    if (Array.isArray(value)) into.set(name, listOf(value) ?? complain(name, row, shape(value)));
    else if (typeof value === "object" && value !== null)
      flat(value as FileRecord, `${name}.`, row, complain, into, depth + 1);
    else if (value === null || value === undefined) into.set(name, "");
    else if (typeof value === "function") complain(name, row, "a function");
    else into.set(name, typeof value === "string" ? value.trim() : String(value));
  }
  return into;
}

function shape(value: readonly unknown[]): string {
  try {
    return `a list: ${JSON.stringify(value).slice(0, 40)}`;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `more than ${deepest} lists within one another`;
  }
}

/** A list of words as a text, or nested lists of numbers that are all of one length. */
function listOf(list: readonly unknown[], depth = 0): Value | undefined {
  if (list.length === 0 || depth > deepest) return undefined;
  if (list.every((v) => typeof v === "string")) return list.join(" ");
  if (list.every((v) => typeof v === "number")) return { shape: [list.length], numbers: list };
  if (!list.every(Array.isArray)) return undefined;
  const parts = list.map((part) => listOf(part, depth + 1));
  const [first] = parts;
  if (first === undefined || typeof first === "string") return undefined;
  const numbers: number[] = [];
  for (const part of parts) {
    if (part === undefined || typeof part === "string") return undefined;
    if (`${part.shape}` !== `${first.shape}`) return undefined;
    for (const n of part.numbers) numbers.push(n);
  }
  return { shape: [list.length, ...first.shape], numbers };
}

/** The shape of each list; it must be the same in all records. */
function shapesOf(
  rows: readonly ReadonlyMap<string, Value>[],
  place: Place,
  at: (row: number) => string,
): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, { readonly shape: readonly number[]; readonly row: number }>();
  rows.forEach((values, row) => {
    for (const [name, value] of values) {
      if (typeof value !== "string" && !shapes.has(name))
        shapes.set(name, { shape: value.shape, row });
    }
  });
  for (const [name, { shape, row: first }] of shapes) {
    const odd: Rows = { count: 0, first: [] };
    rows.forEach((values, row) => {
      const value = values.get(name);
      const own = typeof value === "object" ? value.shape : undefined;
      if (`${own}` !== `${shape}`) note(odd, row);
    });
    if (odd.count === 0) continue;
    const more = odd.count > odd.first.length ? " …" : "";
    const found = odd.first.map((row) => {
      const value = rows[row]!.get(name);
      const what = typeof value === "object" ? value.shape.join("×") : "no list";
      return `${what} at ${at(row)}`;
    });
    damaged(place, `has lists of different lengths in ${shown(name)}`, {
      expected: `${shape.join("×")} numbers in every record, as at ${at(first)}`,
      received: `${found.join(", ")}${more}`,
      fix: "cut or fill the lists, or leave these records out",
    });
  }
  return new Map([...shapes].map(([name, { shape }]) => [name, shape]));
}

interface Reading {
  readonly place: Place;
  readonly at: (row: number) => string;
  readonly choose: Choose;
}

function build(
  rows: readonly ReadonlyMap<string, Value>[],
  names: readonly string[],
  lists: ReadonlyMap<string, readonly number[]>,
  { place, at, choose }: Reading,
): Table {
  const parts = new Map(
    [...lists].map(([name, extents]) => {
      const size = extents.reduce((product, extent) => product * extent, 1);
      return [name, Array.from({ length: size }, (_, i) => `${name}[${i}]`)] as const;
    }),
  );
  const cells = names.flatMap((name) => parts.get(name) ?? [name]);
  const builder = new TableBuilder(
    { place, header: true },
    cells,
    () =>
      choose(names).flatMap((c) => (parts.get(c.name) ?? [c.name]).map((name) => ({ ...c, name }))),
    rows.length,
  );
  const row = new TextCells();
  rows.forEach((values, number) => {
    row.texts = names.flatMap((name) => {
      const value = values.get(name) ?? "";
      return typeof value === "string" ? [value] : value.numbers.map(String);
    });
    builder.add(row, number);
  });
  const table = builder.finish();
  const columns = new Map(
    [...lists].map(([name, shape]) => [name, { shape, parts: parts.get(name)! }]),
  );
  return { ...table, at, lists: columns };
}
