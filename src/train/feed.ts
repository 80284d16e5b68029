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
import type { AnySamples, Examples } from "../data/dataset.ts";
import { isStreamed } from "../data/stream/stored.ts";
import type { Executable, Values } from "../ir/program.ts";
import { permutation, randomStream } from "../support/random.ts";
import { type Batching, dataVariables, names, type Phase } from "./graphs.ts";
import { openWindows, type ReaderExecutable, type Run, type Windows } from "./windows.ts";

/** Blocks that a window's examples come from. */
const blocksPerWindow = 16;

export interface FeedSetup {
  readonly phase: Phase;
  readonly examples: Examples<AnySamples>;
  readonly batching: Batching;
  /** Seed of the order of examples; absent: that of the data. */
  readonly shuffle: number | undefined;
  readonly executable: Pick<Executable, "write" | "run"> & ReaderExecutable;
  /** Whether the program has a variable. */
  readonly has: (name: string) => boolean;
}

export class Feed {
  readonly #setup: FeedSetup;
  readonly #streamed: boolean;
  #epoch = 1;
  /** What the program's variables hold. */
  #present: string | undefined;
  #next: { readonly key: string; readonly read: Promise<void> } | undefined;
  #windows: Promise<Windows> | undefined;

  constructor(setup: FeedSetup) {
    this.#setup = setup;
    this.#streamed = isStreamed(setup.examples);
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
      (await this.#windows)?.check();
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
      await this.#show(window);
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
    // If it could not be opened, whoever waited for it has heard.
    const windows = await this.#windows?.catch(() => undefined);
    windows?.close();
  }

  async #settled(): Promise<void> {
    await this.#next?.read.catch(() => undefined);
    this.#next = undefined;
  }

  get #windowCount(): number {
    const { count, window } = this.#setup.batching;
    return Math.ceil(count / window);
  }

  /** Without shuffling the windows of all epochs are the same. */
  #key(epoch: number, window: number): string {
    return this.#setup.shuffle === undefined ? `${window}` : `${epoch}/${window}`;
  }

  #readAhead(window: number): void {
    const last = window + 1 === this.#windowCount;
    const [epoch, next] = last ? [this.#epoch + 1, 0] : [this.#epoch, window + 1];
    this.#next = undefined;
    if (this.#key(epoch, next) !== this.#present) this.#read(epoch, next);
  }

  #read(epoch: number, window: number): void {
    const read = this.#fetch(epoch, window);
    // Whoever waits for it hears of what goes wrong; perhaps nobody does any more.
    read.catch(() => undefined);
    this.#next = { key: this.#key(epoch, window), read };
  }

  async #fetch(epoch: number, window: number): Promise<void> {
    await (await this.#open()).fetch(this.#runs(epoch, window));
  }

  #open(): Promise<Windows> {
    const { phase, examples, batching, executable, has } = this.#setup;
    const variables = [...dataVariables(phase, examples)].filter(([name]) => has(name));
    this.#windows ??= openWindows(variables, batching, executable);
    return this.#windows;
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

  async #show(window: number): Promise<void> {
    const { batching, shuffle } = this.#setup;
    const place = (await this.#open()).show();
    if (shuffle === undefined) return;
    const size = Math.min(batching.window, batching.count - window * batching.window);
    const order = new Int32Array(batching.window);
    const own = permutation(size, randomStream(shuffle, "shuffle", this.#epoch, window));
    place(own);
    order.set(own);
    this.#write(names.order, order);
  }
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
