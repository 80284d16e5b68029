/** What a run's folder tells of it afterwards: from its events, of which the last may be missing or cut. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../spec/expectation.ts";
import { UsageError } from "../support/errors.ts";
import {
  type EndEvent,
  type EpochEvent,
  type Metrics,
  metricsOf,
  type StartEvent,
} from "./events.ts";

export interface RunRecord {
  readonly path: string;
  readonly name: string;
  /** The resolved spec. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly backend: string;
  readonly parameters: number;
  readonly seed: number;
  /** The last change of its events. */
  readonly changed: Date;
  /** `unfinished`: it is still going on, or was killed. */
  readonly result: EndEvent["reason"] | "unfinished";
  /** Metrics of every whole epoch. */
  readonly history: readonly Metrics[];
  readonly seconds: number | undefined;
  readonly expect: readonly Verdict[];
}

type AnyEvent = { readonly event?: unknown };

/** @throws UsageError if the folder is no run's, or its events are damaged */
export function readRunRecord(path: string): RunRecord {
  const file = join(path, "events.jsonl");
  if (!existsSync(file))
    throw new UsageError(`${path} is no run: it has no events.jsonl`, "`nnc runs` lists runs");
  const events = readEvents(file);
  const of = <T>(kind: string) =>
    events.filter((e) => e.event === kind) as readonly unknown[] as T[];
  // A run that was resumed with other settings goes on with those.
  const start = of<StartEvent>("start").at(-1);
  if (!start?.spec) {
    throw new UsageError(
      `${file} is damaged: it does not begin with the start of a run`,
      "restore it, or remove the run's folder",
    );
  }
  const end = of<EndEvent>("end").at(-1);
  const epochs = of<EpochEvent>("epoch");
  return {
    path,
    name: start.name,
    spec: start.spec,
    backend: start.backend,
    parameters: start.parameters,
    seed: start.seed,
    changed: statSync(file).mtime,
    result: end?.reason ?? "unfinished",
    history: epochs.map(metricsOf),
    seconds: end?.seconds,
    expect: end?.expect ?? [],
  };
}

/** The events of a file; a last line without an end was being written when the run was killed. */
function readEvents(file: string): readonly AnyEvent[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const whole = lines.slice(0, -1).filter((line) => line !== "");
  return whole.map((line, i) => {
    try {
      return JSON.parse(line) as AnyEvent;
    } catch {
      throw new UsageError(
        `${file}:${i + 1} is damaged: it is no JSON`,
        "restore it, or remove the run's folder",
      );
    }
  });
}
