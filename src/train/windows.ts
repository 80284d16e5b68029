/**
 * Where a program finds the examples of a window: in buffers that they are read into, or, where the files hold them
 * as memory does and the backend can map files, in the files themselves. A copy costs as much as a small model does.
 */
import type { AnySamples, SampleValues } from "../data/dataset.ts";
import type { DataFile } from "../data/stream/data-file.ts";
import { bytesOf, isStored, makeValues, readRows, sizeOf, typeOf } from "../data/stream/stored.ts";
import type { ByteRange, Executable, FileMap } from "../ir/program.ts";
import type { Batching } from "./graphs.ts";

/** Examples that lie one behind another. */
export interface Run {
  readonly from: number;
  readonly count: number;
}

/** Puts in place of positions in a window the rows at which the program's variables have these examples. */
export type Rows = (positions: Int32Array) => void;

export interface Windows {
  /** Gets the examples of a window, run after run, while steps use those that are shown. */
  fetch(runs: readonly Run[]): Promise<void>;
  /** Lets steps find the examples that were fetched last. */
  show(): Rows;
  /** @throws RunError if what steps have read was not what it should be */
  check(): void;
  close(): void;
}

export type ReaderExecutable = Pick<Executable, "lend" | "map">;

/** A program's data variables and what they hold. */
export type DataVariables = readonly (readonly [name: string, samples: AnySamples])[];

export async function openWindows(
  variables: DataVariables,
  batching: Batching,
  executable: ReaderExecutable,
): Promise<Windows> {
  return (
    (await MappedWindows.open(variables, batching, executable)) ??
    new FilledWindows(variables, batching.window, executable)
  );
}

/** Of two sets of buffers one is read by the program, and the next window is read to the other. */
class FilledWindows implements Windows {
  readonly #variables: DataVariables;
  readonly #executable: ReaderExecutable;
  readonly #buffers: readonly ReadonlyMap<AnySamples, SampleValues>[];
  /** Which of them the next window is read to. */
  #free = 0;

  constructor(variables: DataVariables, length: number, executable: ReaderExecutable) {
    this.#variables = variables;
    this.#executable = executable;
    const made = () =>
      new Map(variables.map(([, s]) => [s, makeValues(typeOf(s), length * sizeOf(s))] as const));
    this.#buffers = [made(), made()];
  }

  async fetch(runs: readonly Run[]): Promise<void> {
    for (const [samples, buffer] of this.#buffers[this.#free]!) {
      const size = sizeOf(samples);
      let at = 0;
      for (const { from, count } of runs) {
        await readRows(samples, from, buffer.subarray(at * size, (at + count) * size));
        at += count;
      }
    }
  }

  show(): Rows {
    const shown = this.#buffers[this.#free]!;
    this.#free = 1 - this.#free;
    for (const [name, samples] of this.#variables) this.#executable.lend(name, shown.get(samples)!);
    return () => {};
  }

  check(): void {
    // A file that changes is found when it is read.
  }

  close(): void {}
}

/** An array that the program reads where its file holds it. */
interface Mapped {
  readonly name: string;
  readonly map: FileMap;
  /** Byte at which its first example lies. */
  readonly offset: number;
  /** Of an example. */
  readonly bytes: number;
}

/** A small array whose file holds it in another form, such as labels: it is in memory as a whole. */
interface Held {
  readonly name: string;
  /** Longer than the array by a window, so that what a variable holds never ends too early. */
  readonly values: SampleValues;
  /** Elements of an example. */
  readonly size: number;
}

/** Programs count an array's elements in 32 bits where that is enough for what they declare. */
const mostElements = 2 ** 31;

/** Variables begin at the first example of a window in the file's order, and rows are counted from there. */
class MappedWindows implements Windows {
  readonly #mapped: readonly Mapped[];
  readonly #held: readonly Held[];
  readonly #executable: ReaderExecutable;
  /** Examples of all windows. */
  readonly #count: number;
  readonly #files: ReadonlyMap<DataFile, FileMap>;
  #fetched: readonly Run[] = [];
  #shown: readonly Run[] = [];

  private constructor(
    mapped: readonly Mapped[],
    held: readonly Held[],
    files: ReadonlyMap<DataFile, FileMap>,
    executable: ReaderExecutable,
    count: number,
  ) {
    this.#mapped = mapped;
    this.#count = count;
    this.#held = held;
    this.#files = files;
    this.#executable = executable;
  }

  /** @returns undefined if files cannot be mapped, or a large array does not lie in its file as the program needs it */
  static async open(
    variables: DataVariables,
    { window, count }: Batching,
    executable: ReaderExecutable,
  ): Promise<MappedWindows | undefined> {
    const lies = ([, s]: DataVariables[number]) => (isStored(s) ? s.lies : undefined);
    const others = variables.filter((v) => !lies(v));
    const total = (all: DataVariables) => all.reduce((sum, [, s]) => sum + bytesOf(s), 0);
    // As much as buffers for two windows would take.
    const fits = (count + window) * total(others) <= 2 * window * total(variables);
    const countable = variables.every(([, s]) => count * sizeOf(s) < mostElements);
    if (!executable.map || !fits || !countable) return undefined;
    const files = new Map<DataFile, FileMap>();
    const mapped: Mapped[] = [];
    for (const variable of variables.filter(lies)) {
      const { file, offset } = lies(variable)!;
      const map = files.get(file) ?? (await executable.map(file.path, file.size));
      if (!map) {
        for (const opened of files.values()) opened.close();
        return undefined;
      }
      files.set(file, map);
      const [name, samples] = variable;
      mapped.push({ name, map, offset, bytes: bytesOf(samples) });
    }
    const held = await Promise.all(others.map((v) => hold(v, count, window)));
    return new MappedWindows(mapped, held, files, executable, count);
  }

  async fetch(runs: readonly Run[]): Promise<void> {
    for (const { map, ...lies } of this.#mapped) await map.ask(rangesOf(runs, lies));
    this.#fetched = runs;
  }

  show(): Rows {
    for (const file of this.#files.keys()) file.check();
    const [old, runs] = [this.#shown, this.#fetched];
    const first = runs.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY);
    for (const { name, values, size } of this.#held)
      this.#executable.lend(name, values.subarray(first * size));
    for (const { name, map, ...lies } of this.#mapped) {
      // A window that is all there is stays.
      if (examplesIn(old) < this.#count) map.exchange(rangesOf(old, lies), rangesOf(runs, lies));
      map.lend(name, lies.offset + first * lies.bytes);
    }
    this.#shown = runs;
    return (positions) => {
      const rows = new Int32Array(examplesIn(runs));
      let at = 0;
      for (const { from, count } of runs)
        for (let i = 0; i < count; i++) rows[at++] = from - first + i;
      for (let i = 0; i < positions.length; i++) positions[i] = rows[positions[i]!]!;
    };
  }

  check(): void {
    for (const [file, map] of this.#files) {
      if (!map.intact()) file.complainOfChange();
      file.check();
    }
  }

  close(): void {
    for (const map of this.#files.values()) map.close();
  }
}

const examplesIn = (runs: readonly Run[]): number => runs.reduce((n, { count }) => n + count, 0);

const rangesOf = (
  runs: readonly Run[],
  { offset, bytes }: Pick<Mapped, "offset" | "bytes">,
): readonly ByteRange[] =>
  runs.map(({ from, count }) => ({ offset: offset + from * bytes, bytes: count * bytes }));

async function hold(
  [name, samples]: DataVariables[number],
  count: number,
  window: number,
): Promise<Held> {
  const size = sizeOf(samples);
  const values = makeValues(typeOf(samples), (count + window) * size);
  await readRows(samples, 0, values.subarray(0, count * size));
  return { name, values, size };
}
