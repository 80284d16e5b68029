/** A table as columns, built row by row from whatever file holds it, and how its cells are named in messages. */
import { suggest } from "../../support/suggest.ts";
import type { Place } from "../read-file.ts";
import type { Cells } from "./cells.ts";
import { Column, type Reading } from "./column.ts";

/** A column that is wanted, and how its cells are read. */
export interface Choice {
  readonly name: string;
  readonly as: Reading;
}

/** Picks columns from the names that a file has. */
export type Choose = (names: readonly string[]) => readonly Choice[];

export interface Table {
  readonly place: Place;
  readonly header: boolean;
  /** The chosen columns by name. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Names that stand for a column for each element of a list, and the list's shape. */
  readonly lists?: ReadonlyMap<string, List>;
  /** Number of rows, without the header. */
  readonly count: number;
  /** `iris.csv:36` for row 34: what an editor can jump to. */
  at(row: number): string;
}

/** A list of numbers in every row. */
export interface List {
  readonly shape: readonly number[];
  /** The columns of its elements, row-major. */
  readonly parts: readonly string[];
}

/** A file whose columns can be read, more than once: what is wanted may depend on what was found. */
export interface TableFile {
  readonly place: Place;
  /** Whether its columns have names; if not they are called "0", "1" … */
  readonly header: boolean;
  /** Of a text file: what separates its cells. */
  readonly delimiter?: string;
  /** @throws ProblemError at `place` if the file is damaged, or what `choose` throws */
  read(choose: Choose): Table;
}

/** Collects the cells of the chosen columns, row by row. */
export class TableBuilder {
  readonly #place: Place;
  readonly #header: boolean;
  readonly #picked: readonly { readonly index: number; readonly column: Column }[];
  /** Where the distance between rows and lines changes, and what it is from there on. */
  readonly #shifts: { readonly row: number; readonly shift: number }[] = [];
  #count = 0;
  /** The row that the block begins with. */
  #from = 0;

  /** @param capacity the most rows that a block can have */
  constructor(
    { place, header }: Pick<TableFile, "place" | "header">,
    names: readonly string[],
    choose: Choose,
    capacity: number,
  ) {
    this.#place = place;
    this.#header = header;
    const indices = new Map(names.map((name, index) => [name, index]));
    this.#picked = choose(names).map(({ name, as }) => ({
      index: indices.get(name)!,
      column: new Column(name, capacity, as),
    }));
  }

  /** @param cells one for each of the names; one that isn't there is missing */
  add(cells: Cells, line: number): void {
    const shift = line - this.#count;
    if (this.#shifts.at(-1)?.shift !== shift) this.#shifts.push({ row: this.#count, shift });
    this.#count++;
    for (const { index, column } of this.#picked) column.push(cells, index);
  }

  /** All rows; of a table that is read in blocks without their cells. */
  finish(): Table {
    return {
      place: this.#place,
      header: this.#header,
      columns: new Map(this.#picked.map(({ column }) => [column.name, column])),
      count: this.#count,
      at: (row) => this.#at(row),
    };
  }

  /** The rows since the block began. */
  block(): Table {
    const from = this.#from;
    return { ...this.finish(), count: this.#count - from, at: (row) => this.#at(from + row) };
  }

  /** A block begins. */
  clear(): void {
    this.#from = this.#count;
    for (const { column } of this.#picked) column.clear();
  }

  #at(row: number): string {
    const { shift } = this.#shifts.findLast((s) => s.row <= row)!;
    return `${this.#place.name}:${row + shift}`;
  }
}

/** A cell, name or delimiter as messages show it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** `did you mean "species"?`, if a name is near, or the only one with that word in it (`width`: `petal_width`). */
export function didYouMean(name: string, names: Iterable<string>): string | undefined {
  const all = [...names];
  const near = suggest(name, all) ?? sharing(name, all);
  return near === undefined ? undefined : `did you mean ${shown(near)}?`;
}

/** Fewer than three letters are in too many names to mean one. */
function sharing(name: string, names: readonly string[]): string | undefined {
  const within = (part: string, whole: string) =>
    part.length >= 3 && whole.toLowerCase().includes(part.toLowerCase());
  const [only, another] = names.filter((other) => within(name, other) || within(other, name));
  return another === undefined ? only : undefined;
}
