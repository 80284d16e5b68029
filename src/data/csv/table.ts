/** A CSV file as columns. Cells are trimmed, empty lines skipped; csv-parse does the parsing. */
import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import { suggest } from "../../support/suggest.ts";
import { damaged, type Place } from "../read-file.ts";
import { Column, note, type Rows } from "./column.ts";

export interface TableFormat {
  /** The first line holds the columns' names; otherwise they are called "0", "1" … */
  readonly header: boolean;
  readonly delimiter: string;
}

/** A column that is wanted, and whether its cells are all to be read as text. */
export interface Choice {
  readonly name: string;
  readonly asText: boolean;
}

export interface Table {
  readonly place: Place;
  readonly header: boolean;
  /** The chosen columns by name. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Number of rows, without the header. */
  readonly count: number;
  /** `iris.csv:36` for row 34: what an editor can jump to. */
  at(row: number): string;
}

/**
 * Reads the columns that `choose` picks from the names in the header.
 * @throws ProblemError at `place` if the file is empty, binary, ragged, or its quotes are wrong
 */
export function readTable(
  content: Buffer,
  place: Place,
  format: TableFormat,
  choose: (names: readonly string[]) => readonly Choice[],
): Table {
  checkText(content, place);
  const reader = new TableReader(place, format, choose, countLines(content));
  try {
    parse(content, {
      bom: true,
      delimiter: format.delimiter,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true, // We count ourselves, to name all ragged rows at once.
      on_record: (record: readonly string[], { lines }: { readonly lines: number }) => {
        reader.read(record, lines);
        return null; // Kept in columns: as records, a large file would fill the heap.
      },
    });
  } catch (error) {
    complainOfQuotes(error, place, reader.line);
  }
  return reader.finish();
}

class TableReader {
  readonly #place: Place;
  readonly #format: TableFormat;
  readonly #choose: (names: readonly string[]) => readonly Choice[];
  readonly #lines: Int32Array;
  readonly #ragged: Rows = { count: 0, first: [] };
  #names: readonly string[] | undefined;
  #picked: readonly { readonly index: number; readonly column: Column }[] = [];
  #count = 0;
  /** The last line that was read well. */
  line = 0;

  constructor(
    place: Place,
    format: TableFormat,
    choose: (names: readonly string[]) => readonly Choice[],
    capacity: number,
  ) {
    this.#place = place;
    this.#format = format;
    this.#choose = choose;
    this.#lines = new Int32Array(capacity);
  }

  read(record: readonly string[], line: number): void {
    this.line = line;
    if (this.#names === undefined) {
      this.#begin(this.#format.header ? record : record.map((_, index) => `${index}`));
      if (this.#format.header) return;
    }
    if (record.length !== this.#names!.length) {
      note(this.#ragged, line);
      return;
    }
    this.#lines[this.#count++] = line;
    for (const { index, column } of this.#picked) column.push(record[index]!);
  }

  finish(): Table {
    const place = this.#place;
    if (this.#names === undefined) {
      damaged(place, "is empty", { expected: "rows of values", fix: "put data in it" });
    }
    this.#checkRagged(this.#names.length);
    if (this.#count === 0) {
      damaged(place, "has a header but no rows", {
        expected: "a row of values under the header",
        fix: "put rows in it; if its only line is data, set header: false",
      });
    }
    return {
      place,
      header: this.#format.header,
      columns: new Map(this.#picked.map(({ column }) => [column.name, column])),
      count: this.#count,
      at: (row) => `${place.name}:${this.#lines[row]}`,
    };
  }

  #begin(names: readonly string[]): void {
    this.#names = names;
    const twice = names.find((name, index) => name !== "" && names.indexOf(name) !== index);
    if (twice !== undefined) {
      damaged(this.#place, `has two columns called ${shown(twice)}`, {
        expected: "a header in which every name is there once",
        fix: "rename one; if the first line is data and no header, set header: false",
      });
    }
    this.#picked = this.#choose(names).map(({ name, asText }) => ({
      index: names.indexOf(name),
      column: new Column(name, this.#lines.length, asText),
    }));
  }

  #checkRagged(width: number): void {
    const { count, first } = this.#ragged;
    if (count === 0) return;
    const where = first.map((line) => `${this.#place.name}:${line}`).join(", ");
    damaged(this.#place, `has ${count} ${count === 1 ? "row" : "rows"} of another length`, {
      expected: `${width} values, as in its first row`,
      received: `another number at ${where}${count > first.length ? " …" : ""}`,
      fix: `mend the rows; a value with ${shown(this.#format.delimiter)} in it needs quotes`,
    });
  }
}

/** A cell, name or delimiter as messages show it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** `did you mean "species"?`, if a name is near. */
export function didYouMean(name: string, names: Iterable<string>): string | undefined {
  const near = suggest(name, names);
  return near === undefined ? undefined : `did you mean ${shown(near)}?`;
}

/** An upper bound of the number of records: lines end in \n, \r\n or, rarely, \r. */
function countLines(content: Buffer): number {
  const count = (byte: number): number => {
    let found = 0;
    for (let at = content.indexOf(byte); at >= 0; at = content.indexOf(byte, at + 1)) found++;
    return found;
  };
  return Math.max(count(0x0a), count(0x0d)) + 1;
}

function checkText(content: Buffer, place: Place): void {
  const zip = content.length > 1 && content[0] === 0x50 && content[1] === 0x4b;
  if (zip || content.subarray(0, 65536).includes(0)) {
    damaged(place, "is a binary file", {
      expected: "text: values separated by a delimiter",
      received: zip ? "an archive or a spreadsheet (it begins with PK)" : "zero bytes",
      fix: "export it as CSV in UTF-8; NumPy's .npz archives are read by `npz`",
    });
  }
  if (!isUtf8(content)) {
    damaged(place, "is not UTF-8 text", {
      expected: "UTF-8",
      received: "bytes that are not UTF-8, perhaps Latin-1",
      fix: "convert it, e.g. iconv -f latin1 -t utf-8",
    });
  }
}

function complainOfQuotes(error: unknown, place: Place, line: number): never {
  const { code, lines, message } = error as { code?: string; lines?: number; message: string };
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return damaged(place, "has a quote that is never closed", {
        received: `an opening quote after line ${line}`,
        fix: 'close it; a quote within a quoted value is written ""',
      });
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
    case "CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE":
      return damaged(place, `has a quote in a wrong place at ${place.name}:${lines}`, {
        notes: [message.slice(0, 120)],
        fix: 'put the whole value in quotes; a quote within it is written ""',
      });
    default:
      throw error;
  }
}
