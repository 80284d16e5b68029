/**
 * Tables (CSV) as examples. Where a table trained the model its columns are found by name and encoded as they
 * were then; else a row is all numbers of an example.
 */

import { type Samples, sampleForm } from "../dataset.ts";
import type { DescribedSamples } from "../description.ts";
import type { TableEncoding } from "../encoding.ts";
import { damaged } from "../read-file.ts";
import { toNumber } from "../table/column.ts";
import { csvFile } from "../table/csv.ts";
import { encodeColumns, readEncoded } from "../table/examples.ts";
import type { Table } from "../table/table.ts";
import { type Given, type GivenFile, onlyInput, sizeOf, toSamples, type Wanted } from "./given.ts";

/** @throws ProblemError if it is damaged, or does not fit the model */
export function readRows(file: GivenFile, wanted: Wanted): Given {
  const [name, described] = onlyInput(wanted, file.place, "a table");
  const encoding = wanted.encodings.get(name);
  return encoding?.kind === "table"
    ? readColumns(file, name, described, encoding)
    : readNumbers(file, name, described);
}

function readColumns(
  { bytes, place }: GivenFile,
  name: string,
  described: DescribedSamples,
  encoding: TableEncoding,
): Given {
  const format = { header: encoding.header, delimiter: delimiterOf(bytes, encoding.delimiter) };
  const table = readEncoded(csvFile(bytes, place, format), encoding.features);
  const { values } = encodeColumns(table, encoding.features);
  return given(table, name, { ...sampleForm(described), values });
}

/** Tables in the delimiter of the training file, or in a usual one if its first line has none of that. */
function delimiterOf(bytes: Buffer, usual: string): string {
  const end = bytes.indexOf(0x0a);
  const first = bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
  const others = [",", ";", "\t"].filter((d) => d !== usual && first.includes(d));
  return !first.includes(usual) && others.length === 1 ? others[0]! : usual;
}

function readNumbers(
  { bytes, place }: GivenFile,
  name: string,
  described: DescribedSamples,
): Given {
  const size = sizeOf(described.shape);
  const format = { header: hasHeader(bytes), delimiter: delimiterOf(bytes, ",") };
  let width = 0;
  const table = csvFile(bytes, place, format).read((names) => {
    width = names.length;
    return names.map((column) => ({ name: column, as: "guess" }));
  });
  if (width !== size) {
    damaged(place, "has rows of another length than the model's input", {
      expected: `${size} numbers a row`,
      received: `${width} columns`,
      fix:
        width === size + 1
          ? "leave out the column that is no input (a label?)"
          : "give whole examples",
    });
  }
  const values = new Float32Array(table.count * size);
  [...table.columns.values()].forEach((column, i) => {
    const bad = [...column.missing.first, ...column.text.first][0];
    if (bad !== undefined) {
      damaged(place, `has no number in column ${column.name} at ${table.at(bad)}`, {
        expected: "numbers only: no table trained this model",
        fix: "correct the row",
      });
    }
    for (let row = 0; row < table.count; row++) values[row * size + i] = column.numbers[row]!;
  });
  const at = (i: number) => table.at(Math.floor(i / size));
  return given(table, name, toSamples(values, described, place, at));
}

/** The first line is one unless all of it is numbers. */
function hasHeader(bytes: Buffer): boolean {
  const end = bytes.indexOf(0x0a);
  const first = bytes.toString("utf8", 0, end < 0 ? bytes.length : end).trim();
  return !first.split(/[,;\t]/).every((cell) => toNumber(cell.replaceAll('"', "")) !== undefined);
}

const given = (table: Table, name: string, samples: Samples): Given => ({
  count: table.count,
  inputs: new Map([[name, samples]]),
  names: Array.from({ length: table.count }, (_, row) => table.at(row)),
  notes: [],
});
