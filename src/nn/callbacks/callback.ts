/**
 * What a callback is: a function that looks at an epoch when it is over, and says what shall be done. What it
 * has to remember is plain data that goes into checkpoints; what it asks for is done by the run, not by itself.
 * Names, options and defaults are Keras's (https://keras.io/api/callbacks/).
 */
import { z } from "zod";
import type { Definition } from "../definition.ts";
import type { Direction } from "../metrics/metric.ts";

/** What a callback remembers from one epoch to the next. */
export type Memory = Readonly<Record<string, number | boolean | null>>;

export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** All that the epoch reports: `loss`, metrics, `val_…`, and `learning_rate` where it can change. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The metric that the callback watches; no number for one that watches nothing. */
  readonly value: number;
  /** Which values of that metric are better. */
  readonly better: Direction;
  /** The rate of the epoch's last step. */
  readonly learningRate: number;
  /** When the epoch ended, in seconds since 1970. */
  readonly time: number;
}

/** What a callback asks for. */
export type Action =
  /** No more epochs; the run counts as finished. */
  | { readonly action: "stop"; readonly why: string }
  /** No more epochs; the run failed. */
  | { readonly action: "fail"; readonly why: string }
  | { readonly action: "set learning rate"; readonly value: number }
  /** The weights are the best so far. */
  | { readonly action: "keep weights" }
  /** The weights go into a file of their own. */
  | { readonly action: "save weights"; readonly file: string }
  /** A log grows; paths start from the run's folder. */
  | { readonly action: "append"; readonly file: string; readonly content: string | Uint8Array };

export interface Reaction<M extends Memory = Memory> {
  readonly memory: M;
  readonly actions: readonly Action[];
}

export interface Callback<S extends z.ZodRawShape = z.ZodRawShape, M extends Memory = Memory>
  extends Definition<S> {
  /** Whether what it watches (its options `monitor` and `mode`) says which weights are the best. */
  keepsBest?(options: z.output<z.ZodObject<S>>): boolean;
  /** It changes the learning rate, which then cannot follow a schedule. */
  readonly setsRate?: boolean;
  /** What it remembers before the first epoch. */
  readonly begin: M;
  /** After an epoch and its validation. */
  epochEnd?(report: EpochReport, memory: M, options: z.output<z.ZodObject<S>>): Reaction<M>;
  /** Why the run shall end now, asked between steps; `seconds` are those of all of its training. */
  ending?(seconds: number, options: z.output<z.ZodObject<S>>): string | undefined;
}
/** Checks a definition's types; the catalogue holds callbacks of all kinds of options. */
export function defineCallback<S extends z.ZodRawShape, M extends Memory>(
  callback: Callback<S, M>,
): Callback {
  return callback as unknown as Callback;
}

/** The options of every callback that watches a metric. */
export const watching = {
  monitor: z
    .string()
    .default("val_loss")
    .describe("The metric it watches, as an epoch reports it."),
  mode: z
    .enum(["auto", "min", "max"])
    .default("auto")
    .describe("Whether less or more is better; auto: as the metric says."),
};
export const minDelta = (initial: number) =>
  z.number().default(initial).describe("Smaller changes are no improvement.");

/** Whether a value is better than another by more than `delta`; better than none, and never if no number. */
export function improves(
  { value, better }: Pick<EpochReport, "value" | "better">,
  best: number | null,
  delta = 0,
): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === null) return true;
  const least = Math.abs(delta);
  return better === "lower" ? value + least < best : value - least > best;
}
