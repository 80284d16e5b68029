/**
 * A checkpoint: everything a run needs to go on as if it had never stopped. One safetensors file: the state of
 * the program as arrays `state/…`, the best weights so far as `best/…`, the rest as JSON in the metadata, and a
 * SHA-256 of all of it. Its name is the number of steps done; the last few are kept.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../support/errors.ts";
import { readIfThere } from "./files.ts";
import { positionSchema } from "./position.ts";
import { files, type RunFolder } from "./run-folder.ts";
import {
  encodeSafetensors,
  type NamedTensor,
  openSafetensors,
  type Stored,
} from "./safetensors.ts";

const bestSchema = z.object({ epoch: z.int(), metric: z.string(), value: z.number() });
export type Best = z.output<typeof bestSchema>;

const memorySchema = z.record(z.string(), z.union([z.number(), z.boolean(), z.null()]));

const savedSchema = z.object({
  format: z.literal(1),
  backend: z.string(),
  /** Fingerprint of the data. */
  data: z.string(),
  /** The resolved spec it was trained with. */
  spec: z.record(z.string(), z.unknown()),
  position: positionSchema,
  /** What each callback remembers, in the spec's order. */
  callbacks: z.array(memorySchema),
  /** Which epoch had the best weights, if anything says so. */
  best: bestSchema.optional(),
  /** Why a callback ended the run. */
  ended: z.string().optional(),
  logs: z.record(z.string(), z.int().min(0)),
});
export type Saved = z.output<typeof savedSchema>;

export interface Checkpoint {
  readonly file: string;
  readonly saved: Saved;
  /** The program's state by variable. */
  readonly state: ReadonlyMap<string, Stored>;
  readonly bestWeights: ReadonlyMap<string, Float32Array> | undefined;
}

const extension = ".safetensors";
const fileOf = (steps: number) => `${String(steps).padStart(9, "0")}${extension}`;

/** Writes a checkpoint, and removes all but the last `keep`. */
export function writeCheckpoint(
  folder: RunFolder,
  { saved, state, bestWeights }: Omit<Checkpoint, "file">,
  keep: number,
): void {
  const flat = (values: Stored): NamedTensor<Stored> => ({ shape: [values.length], values });
  const tensors = new Map([
    ...[...state].map(([name, values]) => [`state/${name}`, flat(values)] as const),
    ...[...(bestWeights ?? [])].map(([name, values]) => [`best/${name}`, flat(values)] as const),
  ]);
  const bytes = encodeSafetensors(tensors, { run: JSON.stringify(saved), sha256: noSum });
  folder.write(join(files.checkpoints, fileOf(saved.position.steps)), sealed(bytes));
  const path = join(folder.path, files.checkpoints);
  for (const old of checkpointsIn(path).slice(0, -keep))
    folder.remove(join(files.checkpoints, old));
}

/** Names of the checkpoints, oldest first. */
function checkpointsIn(path: string): readonly string[] {
  const names = /^\d+\.safetensors$/;
  try {
    return readdirSync(path)
      .filter((name) => names.test(name))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * The newest checkpoint of a run; undefined if there is none yet.
 * @throws UsageError if it is damaged, with what is wrong with those before it
 */
export function readCheckpoint(run: string): Checkpoint | undefined {
  const path = join(run, files.checkpoints);
  const [newest, ...earlier] = checkpointsIn(path).toReversed();
  if (newest === undefined) return undefined;
  const file = join(path, newest);
  const bytes = readIfThere(file);
  const fault = faultIn(bytes);
  if (bytes === undefined || fault !== undefined) {
    const others = earlier.map((name) => join(path, name));
    throw damaged(run, `the checkpoint ${file} is damaged: ${fault}`, others);
  }
  const { tensors, metadata } = openSafetensors(bytes, file);
  const saved = savedSchema.safeParse(JSON.parse(metadata["run"]!));
  if (!saved.success) {
    throw new UsageError(`${file} was written by another version of nnc`, "use that version");
  }
  const under = (prefix: string) =>
    [...tensors].flatMap(([name, { values }]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), values] as const] : [],
    );
  const best = under("best/") as readonly (readonly [string, Float32Array])[];
  return {
    file,
    saved: saved.data,
    state: new Map(under("state/")),
    bestWeights: best.length > 0 ? new Map(best) : undefined,
  };
}

/** @param earlier the checkpoints before it, the newest first */
function damaged(run: string, what: string, earlier: readonly string[]): UsageError {
  const faults = earlier.map((file) => faultIn(readIfThere(file)));
  const whole = faults.indexOf(undefined);
  const bad = whole < 0 ? earlier : earlier.slice(0, whole);
  const message = [what, ...bad.map((file, i) => `and so is ${file}: ${faults[i]}`)].join("\n  ");
  const it = bad.length === 0 ? "it" : "them";
  if (whole >= 0) {
    const from = earlier[whole]!;
    return new UsageError(
      message,
      `remove ${it}, and --resume goes on from ${from}, which is whole`,
    );
  }
  const weights = join(run, files.model);
  const instead = existsSync(weights)
    ? `; --weights ${weights} gives a new run the weights that this one came to`
    : "";
  return new UsageError(
    message,
    `no other is whole: remove ${it}, and --resume begins again${instead}`,
  );
}

/** In the place of the sum while it is taken. */
const noSum = "0".repeat(64);
const sumKey = '"sha256":"';

/** Where the header has the sum. In no text of the header are these quotes without a stroke before them. */
function sumAt(bytes: Buffer): number | undefined {
  if (bytes.length < 8) return undefined;
  const header = bytes.subarray(0, Math.min(bytes.length, 8 + Number(bytes.readBigUInt64LE(0))));
  const at = header.indexOf(sumKey);
  return at < 0 || at + sumKey.length + noSum.length > header.length
    ? undefined
    : at + sumKey.length;
}

const sumOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function sealed(content: Uint8Array): Uint8Array {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  bytes.write(sumOf(bytes), sumAt(bytes)!, "latin1");
  return bytes;
}

/** What is wrong with a sealed file, if anything. */
function faultIn(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return "it has gone";
  const at = sumAt(bytes);
  if (at === undefined) return "its beginning is not that of a checkpoint";
  const sum = bytes.toString("latin1", at, at + noSum.length);
  const plain = Buffer.from(bytes);
  plain.write(noSum, at, "latin1");
  return sumOf(plain) === sum ? undefined : "its checksum does not match";
}
