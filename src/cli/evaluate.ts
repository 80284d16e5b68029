/** `nnc evaluate`: loss and metrics of a finished run, on its validation data or on other data. */
import { existsSync } from "node:fs";
import { chooseBackend } from "../backends/index.ts";
import type { AnySamples, Dataset, Examples } from "../data/dataset.ts";
import { readSpec } from "../spec/source.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import { evaluate } from "../train/evaluate.ts";
import type { Metrics } from "../train/events.ts";
import { loadData } from "../train/load.ts";
import { checkModel } from "../train/prepare.ts";
import { readWeights } from "../train/weights.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { formatMetric } from "./progress.ts";
import { openRun, type RunOptions, type SavedRun } from "./saved-run.ts";
import { during } from "./spinner.ts";
import { print, tell } from "./terminal.ts";

export interface EvaluateOptions extends RunOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly batchSize?: number;
  /** Other data: a spec, a file for the run's source, or a source as YAML. */
  readonly data?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** @returns the exit code */
export async function evaluateRun(name: string, options: EvaluateOptions): Promise<number> {
  const opened = await openRun(name, options);
  const run = options.data === undefined ? opened : await withData(opened, options.data);
  return located(run.source, async () => {
    const silent = options.quiet === true || options.json === true;
    const dataset = await during("loading data", silent, () => loadData(run.spec, run.description));
    const { part, examples } = partToEvaluate(dataset, run, options.data !== undefined);
    const weights = readWeights(run.weights, checkModel(run.spec, examples).weights);
    const { backend } = await during("choosing a backend", silent, () =>
      chooseBackend(options.backend),
    );
    const { threads, batchSize: batch } = options;
    const metrics = await during(`evaluating on ${backend.name}`, silent, () =>
      evaluate(run.spec, examples, weights, backend, { threads, batch }),
    );
    report(run, part, examples, metrics, options);
    return exitStatus.fine;
  });
}

interface Part {
  /** What people call it. */
  readonly part: string;
  readonly examples: Examples<AnySamples>;
}

/** Other data may have no part of its own to validate with: then all of it is meant. */
function partToEvaluate(
  { train, validation }: Dataset<AnySamples>,
  run: SavedRun,
  other: boolean,
): Part {
  if (validation) return { part: "validation data", examples: validation };
  if (other) return { part: "all examples", examples: train };
  throw new UsageError(
    `${run.name} has no validation data`,
    "name data to evaluate on with --data; `--data FILE` is read as the training data was",
  );
}

function report(
  run: SavedRun,
  part: string,
  { count }: Examples<AnySamples>,
  metrics: Metrics,
  { json, quiet }: EvaluateOptions,
): void {
  if (json) {
    print(JSON.stringify({ run: run.name, data: part, samples: count, ...metrics }));
    return;
  }
  if (!quiet) tell(`${part}: ${count.toLocaleString("en-US")} examples`);
  const shown = Object.entries(metrics).map(([name, value]) => `${name}: ${formatMetric(value)}`);
  print(shown.join(" - "));
}

/** The run with other data in its spec, whose examples become numbers in the run's way. */
async function withData(run: SavedRun, data: string): Promise<SavedRun> {
  const { section, directory } = dataNamed(data, run.spec);
  const source = { ...readSpec(run.source.file, [`data=${section}`]), directory };
  return { ...run, source, spec: await located(source, () => resolveSpec(source)) };
}

interface OtherData {
  /** The data section of a spec, as YAML. */
  readonly section: string;
  /** Where its paths start. */
  readonly directory: string;
}

function dataNamed(data: string, spec: Spec): OtherData {
  const directory = process.cwd();
  if (/\.ya?ml$/.test(data)) {
    const { value, directory } = readSpec(data);
    const { data: section } = value as { readonly data?: unknown };
    if (section === undefined)
      throw new UsageError(`${data} has no data`, "name a spec whose `data:` is meant");
    return { section: JSON.stringify(section), directory };
  }
  if (existsSync(data)) return { section: sameSource(data, spec), directory };
  // What is no name of a source, nor its options, must be a file's.
  if (/^[^{}:\s]*[./][^{}:\s]*$/.test(data))
    throw new UsageError(`there is no file ${data}`, "correct the path");
  return { section: data, directory };
}

/** The run's own source, reading another file. */
function sameSource(file: string, spec: Spec): string {
  const { source } = spec.resolved["data"] as { readonly source: Readonly<Record<string, object>> };
  const [[name, options]] = Object.entries(source) as [[string, object]];
  if (!("path" in options)) {
    throw new UsageError(
      `the run's data is ${name}, which reads no file`,
      `say how to read it: --data 'csv: { path: ${file}, target: … }'`,
    );
  }
  const { test: _, ...kept } = options as Readonly<Record<string, unknown>>;
  return JSON.stringify({ source: { [name]: { ...kept, path: file } } });
}
