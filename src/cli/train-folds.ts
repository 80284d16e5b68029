/** k-fold: a run for each part that validates, and what they come to together. */
import { join } from "node:path";
import type { Metrics } from "../train/events.ts";
import { exitStatus } from "./exit-status.ts";
import { formatMetric } from "./progress.ts";
import { renderTable } from "./tables.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";
import type { Outcome, TrainOptions } from "./train.ts";

/**
 * Runs them one after another; whatever stops one stops them all.
 * @returns the exit code: that of the first run that did not end well
 */
export async function trainFolds(
  folds: number,
  options: TrainOptions,
  train: (own: TrainOptions) => Promise<Outcome>,
): Promise<number> {
  const { set = [], out } = options;
  const silent = options.quiet === true || options.json === true;
  const outcomes: Outcome[] = [];
  for (let fold = 1; fold <= folds; fold++) {
    if (!silent) tell(`fold ${fold} of ${folds}`);
    const own = out === undefined ? {} : { out: join(out, `fold-${fold}`) };
    const outcome = await train({ ...options, ...own, set: [...set, `data.fold=${fold}`] });
    outcomes.push(outcome);
    if (outcome.status !== exitStatus.interrupted) continue;
    if (fold < folds) tell(`folds ${fold + 1} to ${folds} are not trained: --set data.fold=…`);
    return outcome.status;
  }
  report(outcomes, options);
  return outcomes.find(({ status }) => status !== exitStatus.fine)?.status ?? exitStatus.fine;
}

interface Spread {
  readonly mean: number;
  /** Of the folds themselves, as NumPy has it: nothing is estimated of others. */
  readonly std: number;
}

function spreadOf(values: readonly number[]): Spread {
  const average = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const mean = average(values);
  return { mean, std: Math.sqrt(average(values.map((v) => (v - mean) ** 2))) };
}

function report(outcomes: readonly Outcome[], { json }: TrainOptions): void {
  const names = [...new Set(outcomes.flatMap(({ metrics }) => Object.keys(metrics)))];
  const spreads = new Map(
    names.map((name) => [
      name,
      spreadOf(outcomes.map(({ metrics }) => metrics[name] ?? Number.NaN)),
    ]),
  );
  if (json) {
    const folds = outcomes.map(({ run, metrics }, i) => ({ fold: i + 1, run, ...metrics }));
    print(JSON.stringify({ event: "folds", folds, ...Object.fromEntries(spreads) }));
    return;
  }
  const row = (title: string, cell: (name: string) => string) => [title, ...names.map(cell)];
  const shown = (metrics: Metrics) => (name: string) => formatMetric(metrics[name] ?? Number.NaN);
  print(
    renderTable(
      ["fold", ...names],
      [
        ...outcomes.map(({ metrics }, i) => row(`${i + 1}`, shown(metrics))),
        row("mean", (name) => formatMetric(spreads.get(name)!.mean)),
        row("± std", (name) => formatMetric(spreads.get(name)!.std)),
      ],
      {},
      painter(hasColor(process.stdout)),
    ),
  );
}
