/** A run's folder: the resolved spec, what is known of the data, the events, the weights. Files are written whole or not at all. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import type { Dataset } from "../data/dataset.ts";
import { describe } from "../data/description.ts";
import type { Weight } from "../nn/model.ts";
import type { Spec } from "../spec/spec.ts";
import { RunError, UsageError } from "../support/errors.ts";
import type { RunEvent } from "./events.ts";
import { encodeSafetensors } from "./safetensors.ts";

export class RunFolder {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }

  /** `runs/<name>/<n>`, n the next free number; or the given folder, which must be new or empty. */
  static create(name: string, out: string | undefined): RunFolder {
    return guarded(out ?? "runs", () => {
      if (out === undefined) return new RunFolder(nextNumbered(join("runs", name)));
      if (existsSync(out) && readdirSync(out).length > 0) {
        throw new UsageError(`the folder ${out} is not empty`, "give --out a new folder");
      }
      mkdirSync(out, { recursive: true });
      return new RunFolder(out);
    });
  }

  writeSpec(resolved: Readonly<Record<string, unknown>>): void {
    this.#write("spec.yaml", stringify(resolved));
  }

  /** What is needed of the data to use the run: `data.json`. */
  writeData(dataset: Dataset, spec: Spec): void {
    const directory = relative(this.path, spec.directory) || ".";
    const text = JSON.stringify(describe(dataset, directory), null, 2);
    this.#write("data.json", `${text}\n`);
  }

  /** Adds an event as one line; progress is not kept. */
  append(event: RunEvent): void {
    if (event.event === "progress") return;
    const file = join(this.path, "events.jsonl");
    guarded(file, () => appendFileSync(file, `${JSON.stringify(event)}\n`));
  }

  writeWeights(weights: readonly Weight[], values: ReadonlyMap<string, Float32Array>): void {
    const tensors = weights.map(
      ({ name, shape }) => [name, { shape, values: values.get(name)! }] as const,
    );
    this.#write("model.safetensors", encodeSafetensors(new Map(tensors)));
  }

  #write(name: string, content: string | Uint8Array): void {
    const file = join(this.path, name);
    const temporary = `${file}.${process.pid}.tmp`;
    guarded(file, () => {
      try {
        writeFileSync(temporary, content, { flush: true });
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    });
  }
}

function nextNumbered(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const taken = readdirSync(parent).map(Number).filter(Number.isInteger);
  for (let n = Math.max(0, ...taken) + 1; ; n++) {
    const path = join(parent, String(n));
    try {
      mkdirSync(path);
      return path;
    } catch (error) {
      // Another run took the number in the meantime.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Turns the system's words for a full disk or a read-only folder into ours. */
function guarded<T>(place: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    const why =
      {
        ENOSPC: "the disk is full",
        EACCES: "no permission",
        EPERM: "no permission",
        EROFS: "the disk is read-only",
        ENOTDIR: "a file is in the way",
        EEXIST: "a file is in the way",
      }[code] ?? code;
    throw new RunError(`cannot write ${place}: ${why}`, "choose another folder with --out");
  }
}
