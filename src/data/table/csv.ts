/**
 * A CSV file as a table, at once or in blocks of rows. Cells are trimmed, empty lines skipped. csv-parse reads
 * what has quotes; without any a line is cut at its delimiters, which is ten times faster.
 */
import { parse } from "csv-parse/sync";
import { damaged, type Place } from "../read-file.ts";
import { checkLength, checkUtf8 } from "../text-file.ts";
import { ByteCells, type Cells, TextCells } from "./cells.ts";
import { note, type Rows, toNumber } from "./column.ts";
import { type Choose, shown, type Table, TableBuilder, type TableFile } from "./table.ts";

export interface CsvFormat {
  /** The first line holds the columns' names; otherwise they are called "0", "1" … */
  readonly header: boolean;
  readonly delimiter: string;
}

/** @throws ProblemError, when read, if the file is empty, binary, ragged, or its quotes are wrong */
export function csvFile(content: Buffer, place: Place, format: CsvFormat): TableFile {
  return {
    place,
    header: format.header,
    delimiter: format.delimiter,
    read(choose) {
      const reader = new CsvReader(place, format, choose, () => countLines(content));
      checkLength(content, place);
      reader.add(content);
      return reader.finish();
    },
  };
}

/** Takes a file piece by piece, each of whole records. */
export class CsvReader {
  readonly #place: Place;
  readonly #format: CsvFormat;
  readonly #choose: Choose;
  readonly #capacity: (columns: number) => number;
  readonly #onBlock: ((builder: TableBuilder) => void) | undefined;
  readonly #ragged: Rows = { count: 0, first: [] };
  /** How many values the first of them have. */
  readonly #lengths: number[] = [];
  #width = 0;
  /** Rows that were read well. */
  #rows = 0;
  #builder: TableBuilder | undefined;
  #inBlock = 0;
  #mostInBlock = 0;
  /** Lines of the pieces before, and the last line that was read well. */
  #before = 0;
  #line = 0;

  /**
   * @param capacity rows of a block, for so many columns; without `onBlock`, no fewer than there are
   * @param onBlock told when a block is full, and of the last one
   */
  constructor(
    place: Place,
    format: CsvFormat,
    choose: Choose,
    capacity: (columns: number) => number,
    onBlock?: (builder: TableBuilder) => void,
  ) {
    this.#place = place;
    this.#format = format;
    this.#choose = choose;
    this.#capacity = capacity;
    this.#onBlock = onBlock;
  }

  /** @param newline what ends a line; where nothing is said, what the piece has */
  add(piece: Buffer, newline: "\n" | "\r" = piece.includes("\n") ? "\n" : "\r"): void {
    const fix = "export it as CSV in UTF-8; NumPy's .npz archives are read by `npz`";
    const wanted = { expected: "text: values separated by a delimiter", fix };
    checkUtf8(piece, this.#place, wanted, this.#before);
    const isByte = this.#format.delimiter.charCodeAt(0) < 0x80;
    if (piece.includes('"') || !isByte) this.#parse(piece);
    else this.#cut(piece, newline);
  }

  #cut(piece: Buffer, newline: "\n" | "\r"): void {
    const cells = new ByteCells(piece, this.#format.delimiter, newline);
    let lines = 0;
    while (cells.advance()) {
      lines++;
      if (cells.length > 1 || cells.text(0) !== "") this.#read(cells, this.#before + lines);
    }
    this.#before += lines - 1;
  }

  #parse(piece: Buffer): void {
    const cells = new TextCells();
    try {
      parse(piece, {
        bom: true,
        delimiter: this.#format.delimiter,
        trim: true,
        skip_empty_lines: true,
        relax_column_count: true, // We count ourselves, to name all ragged rows at once.
        on_record: (record: readonly string[], { lines }: { readonly lines: number }) => {
          cells.texts = record;
          this.#read(cells, this.#before + lines);
          return null; // Kept in columns: as records, a large file would fill the heap.
        },
      });
    } catch (error) {
      complainOfQuotes(error, this.#place, this.#line, this.#before);
    }
    this.#before += countLines(piece) - 1;
  }

  #read(cells: Cells, line: number): void {
    this.#line = line;
    if (this.#builder === undefined) {
      const { header } = this.#format;
      const name = (_: unknown, index: number) => (header ? cells.text(index) : `${index}`);
      this.#builder = this.#begin(Array.from({ length: cells.length }, name));
      if (header) return;
    }
    if (cells.length !== this.#width) {
      note(this.#ragged, line);
      if (this.#lengths.length < this.#ragged.first.length) this.#lengths.push(cells.length);
      return;
    }
    this.#rows++;
    this.#builder.add(cells, line);
    if (++this.#inBlock === this.#mostInBlock) this.#endBlock(this.#builder);
  }

  #endBlock(builder: TableBuilder): void {
    if (!this.#onBlock || this.#inBlock === 0) return;
    this.#onBlock(builder);
    builder.clear();
    this.#inBlock = 0;
  }

  finish(): Table {
    const place = this.#place;
    if (this.#builder === undefined) {
      damaged(place, "is empty", { expected: "rows of values", fix: "put data in it" });
    }
    this.#checkRagged();
    this.#endBlock(this.#builder);
    const table = this.#builder.finish();
    if (table.count === 0) {
      damaged(place, "has a header but no rows", {
        expected: "a row of values under the header",
        fix: "put rows in it; if its only line is data, set header: false",
      });
    }
    return table;
  }

  #begin(names: readonly string[]): TableBuilder {
    this.#width = names.length;
    const seen = new Set<string>();
    const twice = names.find((name) => name !== "" && seen.size === seen.add(name).size);
    if (twice !== undefined) {
      const numbers = names.every((name) => toNumber(name) !== undefined);
      damaged(this.#place, `has two columns called ${shown(twice)}`, {
        expected: "a header in which every name is there once",
        received: `the first line: ${shown(names.join(this.#format.delimiter))}`,
        fix: numbers
          ? "the first line is all numbers: set header: false"
          : "rename one; if the first line is data and no header, set header: false",
      });
    }
    const file = { place: this.#place, header: this.#format.header };
    this.#mostInBlock = this.#capacity(names.length);
    return new TableBuilder(file, names, this.#choose, this.#mostInBlock);
  }

  #checkRagged(): void {
    const { count, first } = this.#ragged;
    if (count === 0) return;
    const where = first.map((line, i) => `${this.#lengths[i]} at ${this.#place.name}:${line}`);
    const { header, delimiter } = this.#format;
    const rows = count === 1 ? "row" : "rows";
    const ofAll = header && this.#rows === 0 && count > 1 && new Set(this.#lengths).size === 1;
    damaged(
      this.#place,
      ofAll
        ? "has rows of another length than its header"
        : `has ${count} ${rows} of another length`,
      {
        expected: `${this.#width} values, as in its first ${header ? "line" : "row"}`,
        received: `${where.join(", ")}${count > first.length ? " …" : ""}`,
        fix: ofAll
          ? "give every column a name in the first line; if it is data, set header: false"
          : `mend the rows; a value with ${shown(delimiter)} in it needs quotes`,
      },
    );
  }
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

function complainOfQuotes(error: unknown, place: Place, line: number, before: number): never {
  const { code, lines = 0, index } = error as { code?: string; lines?: number; index?: number };
  const value = index === undefined ? "" : ` of value ${index + 1}`;
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return damaged(place, "has a quote that is never closed", {
        received: `an opening quote after line ${line}`,
        fix: 'close it; a quote within a quoted value is written ""',
      });
    case "INVALID_OPENING_QUOTE":
    case "CSV_INVALID_CLOSING_QUOTE":
    case "CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE":
      return damaged(place, "has a quote in a wrong place", {
        received:
          code === "INVALID_OPENING_QUOTE"
            ? `a quote in the middle${value} at ${place.name}:${before + lines}`
            : `more behind the closing quote${value} at ${place.name}:${before + lines}`,
        fix: 'put the whole value in quotes; a quote within it is written ""',
      });
    default:
      throw error;
  }
}
