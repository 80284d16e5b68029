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
  readonly run: string;
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
export interface EndEvent {
  readonly event: "end";
  readonly reason: "finished" | "interrupted" | "diverged";
  /** Why, where it did not finish. */
  readonly message?: string;
  readonly epochs: number;
  readonly steps: number;
  readonly seconds: number;
  readonly expect: readonly Verdict[];
  readonly run: string;
  /** The file of the weights; absent if they were not finite. */
  readonly model?: string;
}
export type RunEvent = StartEvent | ProgressEvent | EpochEvent | EndEvent;
