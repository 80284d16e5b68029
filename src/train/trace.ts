/**
 * What a training did, step by step, for another to be held against: a hash of all weights after every epoch,
 * and after every step one of the small ones. A gradient that differs anywhere reaches a small weight (a bias,
 * a scale) in the same step or the next, and to read these costs nearly nothing.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { sizeOf } from "../ir/graph.ts";
import type { Weight } from "../nn/model.ts";
import { UsageError } from "../support/errors.ts";
import { type EpochEvent, type Metrics, metricsOf, type RunEvent } from "./events.ts";
import { pluginSchema } from "./plugins.ts";
import type { Session } from "./session.ts";

/** Digits of a step's hash: 32 bits. */
export const digits = 8;
/** Elements up to which a weight is small. */
const small = 4096;

const epochSchema = z.object({
  /** Hashes of the small weights after each step, one behind the other. */
  steps: z.string().regex(/^([0-9a-f]{8})*$/),
  /** Hash of each weight at the end, by name. */
  weights: z.record(z.string(), z.string()),
  metrics: z.record(z.string(), z.number().nullable()),
});
export type EpochTrace = z.output<typeof epochSchema>;

const lockSchema = z.object({
  format: z.literal(1),
  versions: z.object({ nnc: z.string(), node: z.string() }),
  machine: z.object({ platform: z.string(), cpu: z.string() }),
  /** The spec's file, from the folder of the lock; absent for one that comes with nnc. */
  file: z.string().optional(),
  /** Paths from the folder of the lock. */
  plugins: z.array(pluginSchema).readonly().default([]),
  /** `--set` arguments, a seed among them. */
  overrides: z.array(z.string()),
  /** The spec as plain data. */
  spec: z.record(z.string(), z.unknown()),
  seed: z.number(),
  /** Fingerprint of the data. */
  data: z.string(),
  backend: z.string(),
  device: z.string(),
  epochs: z.array(epochSchema),
});
export type Lock = z.output<typeof lockSchema>;

/** @throws UsageError if the text is no lock */
export function parseLock(text: string, file: string): Lock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is damaged: it is no JSON`, "record it again with `nnc lock`");
  }
  const result = lockSchema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new UsageError(
    `${file} is no lock: ${path.join(".") || "the whole"}: ${message}`,
    "record it again with `nnc lock`",
  );
}

/** Follows a run event by event, and keeps its traces. */
export class Tracer {
  /** Of every whole epoch. */
  readonly epochs: EpochTrace[] = [];
  /** Of the epoch under way. */
  steps: string[] = [];

  async watch(event: RunEvent, session: Session): Promise<void> {
    if (event.event === "progress" && !event.validating) {
      const { weights } = session.plan;
      const sizes = weights.filter((w) => sizeOf(w.shape) <= small);
      const least = Math.min(...weights.map((w) => sizeOf(w.shape)));
      const read = sizes.length > 0 ? sizes : weights.filter((w) => sizeOf(w.shape) === least);
      this.steps.push((await hashes(session, read)).all.slice(0, digits));
    }
    if (event.event === "epoch") await this.#epoch(event, session);
  }

  async #epoch(event: EpochEvent, session: Session): Promise<void> {
    const { byName } = await hashes(session, session.plan.weights);
    this.epochs.push({
      steps: this.steps.join(""),
      weights: Object.fromEntries(byName),
      metrics: finite(metricsOf(event)),
    });
    this.steps = [];
  }
}

/** JSON knows no other numbers. */
const finite = (metrics: Metrics): Record<string, number | null> =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, v]) => [name, Number.isFinite(v) ? v : null]),
  );

/** SHA-256 of the bits of some weights: of each, in 16 digits, and of all. */
async function hashes(session: Session, weights: readonly Weight[]) {
  const all = createHash("sha256");
  const byName = new Map<string, string>();
  for (const { name } of weights) {
    const values = Float32Array.from(await session.executable.read(name));
    const bytes = new Uint8Array(values.buffer);
    all.update(bytes);
    byName.set(name, createHash("sha256").update(bytes).digest("hex").slice(0, 16));
  }
  return { all: all.digest("hex"), byName };
}

/** Where a training first differs from another. */
export interface Deviation {
  /** From 1. */
  readonly epoch: number;
  /** In the epoch, from 1; absent: all steps agree, and only the weights at its end differ. */
  readonly step?: number;
  readonly what: string;
}

/** The first difference of an epoch that may still be under way. */
export function deviationIn(
  epoch: number,
  locked: EpochTrace | undefined,
  now: Pick<EpochTrace, "steps"> & Partial<EpochTrace>,
): Deviation | undefined {
  if (!locked) return { epoch, what: "the lock has no such epoch" };
  const { length } = now.steps;
  for (let at = 0; at < length; at += digits) {
    const step = at / digits + 1;
    const then = locked.steps.slice(at, at + digits);
    if (then === "") return { epoch, step, what: "the lock has no such step" };
    if (then !== now.steps.slice(at, at + digits))
      return { epoch, step, what: "the weights differ after it" };
  }
  if (!now.weights) return undefined;
  if (length < locked.steps.length)
    return { epoch, step: length / digits + 1, what: "it is in the lock only" };
  const { weights, metrics = {} } = now;
  const differing = Object.keys(locked.weights).filter((n) => locked.weights[n] !== weights[n]);
  if (differing.length > 0)
    return { epoch, what: `weights differ at its end: ${differing.join(", ")}` };
  const odd = Object.keys(locked.metrics).filter((n) => locked.metrics[n] !== metrics[n]);
  return odd.length > 0 ? { epoch, what: `metrics differ: ${odd.join(", ")}` } : undefined;
}
