/** `nnc runs`: the runs that are there, and two of them side by side. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../support/errors.ts";
import type { Metrics } from "../train/events.ts";
import { differences } from "../train/resume.ts";
import { type RunRecord, readRunRecord } from "../train/run-record.ts";
import { exitStatus } from "./exit-status.ts";
import { reportFailure } from "./failure.ts";
import { formatMetric, formatSeconds } from "./progress.ts";
import { findRun, foldersIn, runsIn } from "./saved-run.ts";
import { renderTable, type TableOptions } from "./tables.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";

export interface RunsOptions extends TableOptions {
  readonly json?: boolean;
}

const paint = () => painter(hasColor(process.stdout));

/** @returns the exit code: 2 if a run's folder is damaged, after all others are listed */
export function listRuns(folder: string, options: RunsOptions): number {
  const fix = "name the folder that runs are in; `nnc train SPEC` makes them in ./runs";
  if (!existsSync(folder)) throw new UsageError(`there is no folder ${folder}`, fix);
  if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is a file`, fix);
  const paths = [...runsIn(folder), ...foldersIn(folder).flatMap((f) => runsOf(join(folder, f)))];
  let status: number = exitStatus.fine;
  const records = paths.flatMap((path) => {
    try {
      return [readRunRecord(path)];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      status = reportFailure(error);
      return [];
    }
  });
  if (options.json) for (const record of records) print(JSON.stringify(asData(record)));
  else if (records.length === 0) tell(`no runs in ${folder}`);
  else {
    const head = ["run", "changed", "backend", "epochs", "time", "last epoch", "result"];
    print(renderTable(head, records.map(rowOf), options, paint()));
  }
  return status;
}

/** The numbered runs of a model, or a run with a name of its own (`--out`). */
const runsOf = (folder: string): readonly string[] =>
  existsSync(join(folder, "events.jsonl")) ? [folder] : runsIn(folder);

function rowOf(record: RunRecord): readonly string[] {
  const { path, changed, backend, history, seconds } = record;
  return [
    path,
    changed.toISOString().slice(0, 16).replace("T", " "),
    backend,
    `${history.length}/${epochsOf(record) ?? "?"}`,
    seconds === undefined ? "–" : formatSeconds(seconds),
    shownMetrics(history.at(-1)),
    resultOf(record),
  ];
}

/** Those of the validation data where there are such. */
function shownMetrics(metrics: Metrics | undefined): string {
  const all = Object.entries(metrics ?? {});
  const validation = all.filter(([name]) => name.startsWith("val_"));
  const shown = validation.length > 0 ? validation : all;
  return shown.map(([name, value]) => `${name} ${formatMetric(value)}`).join(", ") || "–";
}

function resultOf({ result, expect }: RunRecord): string {
  if (result !== "finished" || expect.length === 0) return result;
  const failed = expect.filter((v) => !v.ok);
  if (failed.length === 0) return `finished, ${expect.length} expected ✓`;
  return `finished, ${failed.map((v) => `${v.metric} ${v.want} ✗`).join(", ")}`;
}

const epochsOf = ({ spec }: RunRecord): number | undefined =>
  (spec["train"] as { readonly epochs?: number } | undefined)?.epochs;

const asData = (record: RunRecord): object => {
  const { path, name, backend, parameters, seed, changed, result, seconds, expect } = record;
  const { history } = record;
  return {
    ...{ run: path, name, backend, parameters, seed, changed: changed.toISOString() },
    ...{ result, epochs: history.length, ...(seconds === undefined ? {} : { seconds }) },
    ...{ metrics: history.at(-1) ?? {}, expect },
  };
};

interface Difference {
  readonly name: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** What two runs have different: their specs value by value, and what came of them. */
export function diffRuns(first: string, second: string, options: RunsOptions): number {
  const [a, b] = [readRunRecord(findRun(first)), readRunRecord(findRun(second))];
  const spec = differences(a.spec, b.spec).map(
    ({ path, before, now }): Difference => ({ name: path.join("."), a: before, b: now }),
  );
  const results = resultsOf(a, b);
  if (options.json) {
    print(JSON.stringify({ runs: [a.path, b.path], spec, results }));
    return exitStatus.fine;
  }
  const section = (title: string, rows: readonly (readonly string[])[]) => {
    const head = options.md ? `### ${title}\n\n` : "";
    const last = title === "spec" ? [] : ["difference"];
    return `${head}${renderTable([title, a.path, b.path, ...last], rows, options, paint())}`;
  };
  const parts = [
    spec.length === 0
      ? "the specs are the same"
      : section(
          "spec",
          spec.map(({ name, a, b }) => [name, shownValue(a), shownValue(b)]),
        ),
    section(
      "result",
      results.map(({ name, a, b }) => [name, number(a), number(b), change(a, b)]),
    ),
  ];
  print(parts.join("\n\n"));
  return exitStatus.fine;
}

function resultsOf(a: RunRecord, b: RunRecord): readonly Difference[] {
  const of = (record: RunRecord): Readonly<Record<string, unknown>> => ({
    result: record.result,
    backend: record.backend,
    parameters: record.parameters,
    epochs: record.history.length,
    seconds: record.seconds,
    ...record.history.at(-1),
  });
  const [left, right] = [of(a), of(b)];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].map((name) => ({ name, a: left[name], b: right[name] }));
}

const shownValue = (value: unknown): string => (value === undefined ? "–" : JSON.stringify(value));
const number = (value: unknown): string => {
  if (value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : formatMetric(value);
};
function change(a: unknown, b: unknown): string {
  if (typeof a !== "number" || typeof b !== "number" || a === b) return "";
  const sign = b > a ? "+" : "-";
  return `${sign}${number(Math.abs(b - a))}`;
}
