/**
 * What a program's steps read, put where they read it. Data in memory is there from the beginning. Of data in
 * files a *window* is: steps use it up, then the next takes its place, which was read meanwhile. The program is
 * the same; only its data variables hold a window's examples, and its cursor counts the batches of a window.
 *
 * Windows are filled in the order of an epoch. Without shuffling that is the order of the files. With it, the
 * data is cut into blocks, some for each window, which come in a random order, and a window's examples are taken
 * in a random order: what a window mixes comes from all over the data, and is still read in long runs. Which
 * example a step sees follows from the seed, the epoch and the step, so a run can go on anywhere.
 */
import { type AnySamples, arraysOf, type Examples, type SampleValues } from "../data/dataset.ts";
import { isStreamed, makeValues, readRows, sizeOf, typeOf } from "../data/stream/stored.ts";
import type { Executable, Values } from "../ir/program.ts";
import { permutation, randomStream } from "../support/random.ts";
import { type Batching, dataVariables, names, type Phase } from "./graphs.ts";

/** Blocks that a window's examples come from. */
const blocksPerWindow = 16;

export interface FeedSetup {
  readonly phase: Phase;
  readonly examples: Examples<AnySamples>;
  readonly batching: Batching;
  /** Seed of the order of examples; absent: that of the data. */
  readonly shuffle: number | undefined;
  readonly executable: Pick<Executable, "write" | "lend" | "run">;
  /** Whether the program has a variable. */
  readonly has: (name: string) => boolean;
}

type Window = ReadonlyMap<AnySamples, SampleValues>;

export class Feed {
  readonly #setup: FeedSetup;
  readonly #streamed: boolean;
  #epoch = 1;
  /** What the program's variables hold. */
  #present: string | undefined;
  #next: { readonly key: string; readonly read: Promise<void> } | undefined;
  /** Of two windows: one is read by the program, the other is where the next is read to. */
  readonly #buffers: readonly Window[];
  /** Which of them the next window is read to. */
  #free = 0;

  constructor(setup: FeedSetup) {
    const { examples, batching } = setup;
    this.#setup = setup;
    this.#streamed = isStreamed(examples);
    const arrays = this.#streamed ? arraysOf(examples) : [];
    const made = (): Window =>
      new Map(arrays.map((s) => [s, makeValues(typeOf(s), batching.window * sizeOf(s))]));
    this.#buffers = this.#streamed ? [made(), made()] : [];
  }

  /** The order of an epoch begins. */
  begin(epoch: number): void {
    this.#epoch = epoch;
    const { shuffle, batching } = this.#setup;
    if (this.#streamed || shuffle === undefined) return;
    this.#write(names.order, permutation(batching.count, randomStream(shuffle, "shuffle", epoch)));
  }

  /**
   * Runs steps of a pass.
   * @param from steps of the pass that are done
   */
  async run(part: "batch" | "rest", from: number, steps: number): Promise<void> {
    const { phase, executable } = this.#setup;
    for (let done = 0; done < steps; ) {
      const count = Math.min(steps - done, await this.#ready(from + done));
      await executable.run(names.procedure(phase, part), count);
      done += count;
    }
  }

  /**
   * Makes sure that a step of the pass finds its examples.
   * @returns how many steps from it on find theirs
   */
  async #ready(step: number): Promise<number> {
    if (!this.#streamed) return Number.POSITIVE_INFINITY;
    const { perWindow } = this.#setup.batching;
    const window = Math.floor(step / perWindow);
    const key = this.#key(this.#epoch, window);
    if (this.#present !== key) {
      if (this.#next?.key !== key) {
        await this.#settled();
        this.#read(this.#epoch, window);
      }
      await this.#next!.read;
      this.#show(window);
      this.#present = key;
      this.#readAhead(window);
    }
    this.#write(names.cursor(this.#setup.phase), Int32Array.of(step % perWindow));
    return perWindow - (step % perWindow);
  }

  /** A program may not need all there is. */
  #write(name: string, values: Values): void {
    const { executable, has } = this.#setup;
    if (has(name)) executable.write(name, values);
  }

  /** Waits for what is being read. */
  async close(): Promise<void> {
    await this.#settled();
  }

  async #settled(): Promise<void> {
    await this.#next?.read.catch(() => undefined);
    this.#next = undefined;
  }

  get #windows(): number {
    const { count, window } = this.#setup.batching;
    return Math.ceil(count / window);
  }

  /** Without shuffling the windows of all epochs are the same. */
  #key(epoch: number, window: number): string {
    return this.#setup.shuffle === undefined ? `${window}` : `${epoch}/${window}`;
  }

  #readAhead(window: number): void {
    const last = window + 1 === this.#windows;
    const [epoch, next] = last ? [this.#epoch + 1, 0] : [this.#epoch, window + 1];
    this.#next = undefined;
    if (this.#key(epoch, next) !== this.#present) this.#read(epoch, next);
  }

  #read(epoch: number, window: number): void {
    const read = this.#fill(epoch, window);
    // Whoever waits for it hears of what goes wrong; perhaps nobody does any more.
    read.catch(() => undefined);
    this.#next = { key: this.#key(epoch, window), read };
  }

  async #fill(epoch: number, window: number): Promise<void> {
    for (const [samples, buffer] of this.#buffers[this.#free]!) {
      const size = sizeOf(samples);
      let at = 0;
      for (const { from, count } of this.#runs(epoch, window)) {
        await readRows(samples, from, buffer.subarray(at * size, (at + count) * size));
        at += count;
      }
    }
  }

  /** The rows of a window's examples. */
  #runs(epoch: number, window: number): readonly Run[] {
    const { count, window: size } = this.#setup.batching;
    const [from, to] = [window * size, Math.min(count, (window + 1) * size)];
    const { shuffle } = this.#setup;
    if (shuffle === undefined) return [{ from, count: to - from }];
    const block = Math.ceil(size / blocksPerWindow);
    const order = permutation(Math.ceil(count / block), randomStream(shuffle, "shuffle", epoch));
    return runsOf(order, block, count, from, to);
  }

  #show(window: number): void {
    const { phase, examples, batching, shuffle, executable, has } = this.#setup;
    const shown = this.#buffers[this.#free]!;
    this.#free = 1 - this.#free;
    for (const [name, samples] of dataVariables(phase, examples))
      if (has(name)) executable.lend(name, shown.get(samples)!);
    if (shuffle === undefined) return;
    const size = Math.min(batching.window, batching.count - window * batching.window);
    const order = new Int32Array(batching.window);
    order.set(permutation(size, randomStream(shuffle, "shuffle", this.#epoch, window)));
    this.#write(names.order, order);
  }
}

/** Examples that lie one behind another. */
export interface Run {
  readonly from: number;
  readonly count: number;
}

/**
 * Where the examples lie that an order of blocks has at positions `from` up to, not including, `to`.
 * @param order the blocks' numbers; all have `block` examples but the last one of the data
 * @param count examples of all blocks
 */
export function runsOf(
  order: Int32Array,
  block: number,
  count: number,
  from: number,
  to: number,
): readonly Run[] {
  const runs: Run[] = [];
  let position = 0;
  for (const number of order) {
    const start = number * block;
    const length = Math.min(block, count - start);
    const first = Math.max(from, position);
    const end = Math.min(to, position + length);
    if (first < end) runs.push({ from: start + first - position, count: end - first });
    position += length;
    if (position >= to) break;
  }
  return runs;
}
