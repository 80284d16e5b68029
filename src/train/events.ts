/** What a run reports while it goes on; `--json` prints the same events, one a line (progress excepted). */
import type { Verdict } from "../spec/expectation.ts";

export type Metrics = Readonly<Record<string, number>>;

export interface StartEvent {
  readonly event: "start";
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly backend: string;
  /** What really runs: device, executor, threads. */
  readonly device: string;
  readonly parameters: number;
  readonly trainable: number;
  readonly epochs: number;
  readonly steps_per_epoch: number;
  readonly samples: number;
  readonly validation_samples: number;
  readonly seed: number;
  /** Fingerprint of the data. */
  readonly data: string;
  readonly run: string;
  /** Where the run goes on, if it was stopped before: after so many steps of an epoch. */
  readonly resumed?: { readonly epoch: number; readonly step: number; readonly steps: number };
}
/** Some steps are done; for people watching. */
export interface ProgressEvent {
  readonly event: "progress";
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  /** Running mean over the epoch so far. */
  readonly loss: number;
  /** Since the epoch began. */
  readonly seconds: number;
  readonly validating: boolean;
}
/** One epoch: `loss`, metrics, `val_…`, `learning_rate` where a schedule changes it, `seconds`. */
export type EpochEvent = {
  readonly event: "epoch";
  readonly epoch: number;
  readonly epochs: number;
} & {
  readonly [metric: string]: number | string;
};
/** Something a callback did. */
export interface NoticeEvent {
  readonly event: "notice";
  readonly epoch: number;
  readonly message: string;
}
export interface EndEvent {
  readonly event: "end";
  readonly reason: "finished" | "interrupted" | "diverged";
  /** Why, where it ended before its last epoch. */
  readonly message?: string;
  /** Whose weights `model` holds, where a callback says which are the best. */
  readonly best?: { readonly epoch: number; readonly metric: string; readonly value: number };
  readonly epochs: number;
  readonly steps: number;
  readonly seconds: number;
  readonly expect: readonly Verdict[];
  readonly run: string;
  /** The file of the weights; absent if there never were finite ones. */
  readonly model?: string;
}
export type RunEvent = StartEvent | ProgressEvent | EpochEvent | NoticeEvent | EndEvent;

/** What of an epoch's event is no metric. */
const about = ["event", "epoch", "epochs", "seconds"];

/** The numbers of an epoch event that are metrics, or a rate that changes. */
export function metricsOf(event: EpochEvent): Metrics {
  const entries = Object.entries(event).flatMap(([name, value]) =>
    typeof value === "number" && !about.includes(name) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
