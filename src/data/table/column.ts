/**
 * One column of a table while it is read: numbers as they come, and every other cell as a code for
 * its text. Which of the two the column is gets decided at the end, when all cells are known. A table may be
 * read in blocks of rows: then only the cells of the last are kept, and what is known of all.
 */

import type { Cells } from "./cells.ts";

/** What R, pandas, SQL and spreadsheets write for a value that isn't there. */
const MISSING = /^(|na|n\/a|#n\/a|nan|null)$/i;

/**
 * How cells are read: numbers where they look so; all as text, where what says "not there" is missing; or
 * all as they are, where only an empty cell is (in prose and names, NA is a word).
 */
export type Reading = "guess" | "category" | "verbatim";

/** How many rows a message names. */
const NAMED = 3;

/** Rows that share a fault: how many, and the first few. */
export interface Rows {
  count: number;
  readonly first: number[];
}

export class Column {
  readonly name: string;
  readonly as: Reading;
  /** Cells read so far, of all blocks. */
  count = 0;
  readonly missing: Rows = { count: 0, first: [] };
  /** What the first of these say. */
  readonly gaps: string[] = [];
  /** Cells that are text. */
  readonly text: Rows = { count: 0, first: [] };
  /** What the first cells of text say. */
  readonly texts: string[] = [];
  /** The row where each of `words` was met first, by its code. */
  readonly metAt: number[] = [];
  /** The distinct texts, each with its code: 0, 1 … in the order they were met. */
  readonly words: ReadonlyMap<string, number>;
  readonly #words = new Map<string, number>();
  readonly #numbers: Float32Array;
  #codes: Int32Array | undefined;
  readonly #capacity: number;
  /** The row that the block begins with. */
  #from = 0;

  /** @param capacity the most cells that a block can have */
  constructor(name: string, capacity: number, as: Reading) {
    this.name = name;
    this.as = as;
    this.words = this.#words;
    this.#capacity = capacity;
    this.#numbers = new Float32Array(as === "guess" ? capacity : 0);
  }

  /** Takes a cell of the next row. */
  push(cells: Cells, index: number): void {
    const row = this.count++;
    const guess = this.as === "guess";
    const plain = guess ? cells.number(index) : Number.NaN;
    if (!Number.isNaN(plain)) {
      this.#numbers[row - this.#from] = plain;
      return;
    }
    const cell = cells.text(index);
    const value = guess && cell !== "" ? toNumber(cell) : undefined;
    if (value !== undefined) {
      this.#numbers[row - this.#from] = value;
      return;
    }
    if (this.as === "verbatim" ? cell === "" : MISSING.test(cell)) {
      note(this.missing, row);
      if (this.gaps.length < NAMED) this.gaps.push(cell);
      return;
    }
    note(this.text, row);
    if (this.texts.length < NAMED) this.texts.push(cell);
    this.#codes ??= new Int32Array(this.#capacity).fill(-1);
    this.#codes[row - this.#from] = this.#code(cell, row);
  }

  /** A block begins: the cells so far are forgotten. */
  clear(): void {
    this.#from = this.count;
    this.#codes?.fill(-1);
  }

  /** The block's cells as numbers; meaningless where a cell is text or missing. */
  get numbers(): Float32Array {
    return this.#numbers.subarray(0, this.count - this.#from);
  }

  /** The block's cells as codes of `words`; -1 where a cell is a number or missing. */
  get codes(): Int32Array {
    this.#codes ??= new Int32Array(this.#capacity).fill(-1);
    return this.#codes.subarray(0, this.count - this.#from);
  }

  #code(cell: string, row: number): number {
    let code = this.#words.get(cell);
    if (code === undefined) {
      code = this.#words.size;
      this.#words.set(cell, code);
      this.metAt.push(row);
    }
    return code;
  }
}

/** A number that float32 can hold; undefined for any other text. */
export function toNumber(cell: string): number | undefined {
  const value = Number(cell);
  return Number.isFinite(Math.fround(value)) ? value : undefined;
}

/** Adds a row to those that share a fault. */
export function note(rows: Rows, row: number): void {
  rows.count++;
  if (rows.first.length < NAMED) rows.first.push(row);
}

/**
 * Categories in the order of their labels: by value if all are numbers (so that digits keep their
 * own), else by code unit.
 */
export function sortCategories(words: Iterable<string>): readonly string[] {
  const list = [...words];
  const numeric = list.every((word) => toNumber(word) !== undefined);
  return numeric ? list.sort((a, b) => Number(a) - Number(b)) : list.sort();
}
