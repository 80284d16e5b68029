/**
 * A run's folder: `run.json`, the resolved spec, what its data looked like, the events, the weights, the
 * checkpoints. Files are written whole or not at all; logs, which grow by lines, are cut back to what a
 * checkpoint knows of them when a run is resumed. One process at a time has the folder.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { stringify } from "yaml";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import { describe } from "../data/description.ts";
import type { Weight } from "../nn/model.ts";
import type { Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import type { RunEvent } from "./events.ts";
import { guarded, opening, removeIfPossible, unfinished, writeWhole } from "./files.ts";
import { makeFolders, nextNumbered, removeEmpty } from "./folders.ts";
import { lockFolder } from "./lock.ts";
import type { RunInfo } from "./run-info.ts";
import { encodeSafetensors } from "./safetensors.ts";

/** What lies in a run's folder. */
export const files = {
  info: "run.json",
  spec: "spec.yaml",
  /** What is needed of the data to use the run without it. */
  data: "data.json",
  events: "events.jsonl",
  /** The best weights where something says which are best, else the last. */
  model: "model.safetensors",
  /** The last weights, where `model` holds the best. */
  last: "last.safetensors",
  checkpoints: "checkpoint",
  lock: "lock",
} as const;

/** Bytes of each log, by file. */
export type LogLengths = Readonly<Record<string, number>>;

export class RunFolder {
  readonly path: string;
  /** The first folder on its path that this process made, if it made any. */
  readonly #made: string | undefined;
  readonly #unlock: () => void;
  readonly #logs = new Map<string, number>();

  /** A run that has begun stays, and can be resumed; the folder of another is removed. */
  readonly #then = (): string | undefined =>
    this.#hasBegun()
      ? `what was saved before is whole, and --resume ${this.path} goes on from there`
      : undefined;

  private constructor(path: string, made?: string) {
    this.path = path;
    this.#made = made;
    try {
      this.#unlock = lockFolder(path, join(path, files.lock), this.#then);
    } catch (error) {
      if (made !== undefined) removeEmpty(path, made);
      throw error;
    }
  }

  /**
   * `runs/<name>/<n>`, n the next free number; or the given folder, which must be new or empty unless what is
   * in it may be overwritten.
   * @throws UsageError, RunError
   */
  static create(name: string, out?: string, force = false): RunFolder {
    return opening(out ?? "runs", undefined, () => {
      if (out === undefined) return new RunFolder(...nextNumbered(join("runs", name)));
      const made = makeFolders(out);
      const folder = new RunFolder(out, made);
      const found = readdirSync(out).filter((entry) => !isLeftover(out, entry));
      if (found.length > 0 && !force) {
        folder.close();
        throw new UsageError(
          `the folder ${out} is not empty`,
          existsSync(join(out, files.info))
            ? `give --out a new folder; --resume ${out} goes on with the run in it, --force replaces it`
            : "give --out a new folder, or overwrite what is in it with --force",
        );
      }
      folder.#removeUnfinished();
      for (const file of Object.values(files)) {
        if (file !== files.lock) rmSync(join(out, file), { recursive: true, force: true });
      }
      return folder;
    });
  }

  /** The folder of an earlier run; `readInfo` says whether it is one. */
  static reopen(path: string): RunFolder {
    return opening(path, undefined, () => {
      const folder = new RunFolder(path);
      try {
        folder.#removeUnfinished();
      } catch (error) {
        folder.close();
        throw error;
      }
      return folder;
    });
  }

  #removeUnfinished(): void {
    for (const folder of [this.path, join(this.path, files.checkpoints)]) {
      if (!existsSync(folder)) continue;
      opening(folder, this.#then, () => {
        for (const entry of readdirSync(folder))
          if (entry.endsWith(unfinished)) rmSync(join(folder, entry), { force: true });
      });
    }
  }

  #hasBegun(): boolean {
    return existsSync(join(this.path, files.events));
  }

  /** Removes a file of the folder. */
  remove(name: string): void {
    const file = join(this.path, name);
    guarded(file, this.#then, () => rmSync(file, { force: true }));
  }

  /** Absolute where the given one is, else inside the folder, whose subfolders are made. */
  place(file: string): string {
    const path = isAbsolute(file) ? file : join(this.path, file);
    guarded(path, this.#then, () => makeFolders(dirname(path)));
    return path;
  }

  describe(info: RunInfo, resolved: Readonly<Record<string, unknown>>): void {
    this.write(files.spec, stringify(resolved));
    this.write(files.info, `${JSON.stringify(info, undefined, 2)}\n`);
  }

  write(name: string, content: string | Uint8Array): void {
    writeWhole(this.place(name), content, this.#then);
  }

  writeWeights(
    name: string,
    weights: readonly Weight[],
    values: ReadonlyMap<string, Float32Array>,
  ): void {
    const tensors = weights.map(
      ({ name, shape }) => [name, { shape, values: values.get(name)! }] as const,
    );
    this.write(name, encodeSafetensors(new Map(tensors)));
  }

  writeData(dataset: Dataset<AnySamples>, spec: Spec): void {
    const directory = relative(this.path, spec.directory) || ".";
    this.write(files.data, `${JSON.stringify(describe(dataset, directory), undefined, 2)}\n`);
  }

  /** Adds an event as one line; progress is not kept. */
  append(event: RunEvent): void {
    if (event.event !== "progress") this.log(files.events, `${JSON.stringify(event)}\n`);
  }

  /** Adds to a log. What was in it when the run began, and no checkpoint knew of, is gone. */
  log(name: string, content: string | Uint8Array): void {
    const file = this.place(name);
    guarded(file, this.#then, () => {
      const length = this.#logs.get(name) ?? 0;
      if (!this.#logs.has(name)) cut(file, 0);
      appendFileSync(file, content);
      this.#logs.set(name, length + Buffer.byteLength(content));
    });
  }

  /** Brings all logs to the disk. */
  syncLogs(): LogLengths {
    for (const name of this.#logs.keys()) {
      const file = this.place(name);
      guarded(file, this.#then, () => {
        const handle = openSync(file, "r+");
        try {
          fsyncSync(handle);
        } finally {
          closeSync(handle);
        }
      });
    }
    return Object.fromEntries(this.#logs);
  }

  /**
   * Cuts the logs back to what they were.
   * @throws UsageError if one of them is shorter than that
   */
  restoreLogs(lengths: LogLengths): void {
    for (const [name, length] of Object.entries(lengths)) {
      const file = this.place(name);
      const size = statSync(file, { throwIfNoEntry: false })?.size ?? length;
      if (size < length) throw shortened(file, size, length);
      guarded(file, this.#then, () => cut(file, length));
      this.#logs.set(name, statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    }
  }

  /** Leaves the folder to others. */
  close(): void {
    this.#unlock();
  }

  /** Removes a folder in which no training began, if this process made it. */
  discard(): void {
    if (this.#made === undefined || this.#hasBegun()) return;
    for (const file of [files.info, files.spec, files.lock])
      removeIfPossible(join(this.path, file));
    removeEmpty(this.path, this.#made);
  }
}

/** Whether a file is of a process that was killed before there was a run: `run.json` comes first of all that count. */
export const isLeftover = (folder: string, entry: string): boolean =>
  entry.startsWith(files.lock) ||
  entry.endsWith(unfinished) ||
  (entry === files.spec && !existsSync(join(folder, files.info)));

/** It was on the disk before its checkpoint was. */
const shortened = (file: string, size: number, length: number) =>
  new UsageError(
    `${file} is damaged: it has ${size} bytes, and had ${length} at the last checkpoint`,
    "restore it, or remove it to go on without what it told",
  );

/** Shortens a file; one that is shorter, or not there, stays as it is. */
function cut(file: string, length: number): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > length) truncateSync(file, length);
}
