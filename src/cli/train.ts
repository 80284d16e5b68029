/** `nnc train`: reads and checks, chooses a backend, and reports the run. */
import { type Choice, chooseBackend } from "../backends/index.ts";
import type { EndEvent } from "../train/events.ts";
import { checkModel, loadData } from "../train/prepare.ts";
import { type RunRequest, runTraining } from "../train/run.ts";
import { readWeights } from "../train/weights.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { onInterrupt } from "./interrupt.ts";
import type { JsonOption, SpecOptions } from "./options.ts";
import { HumanReporter, jsonReporter, quietReporter, type Reporter } from "./reporter.ts";
import { type OpenedSpec, openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { renderSummary, summarise } from "./summary-table.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";

export interface TrainOptions extends SpecOptions, JsonOption {
  readonly backend: string;
  readonly threads?: number;
  readonly out?: string;
  readonly weights?: string;
}

/** @returns the exit code */
export async function train(name: string, options: TrainOptions): Promise<number> {
  const opened = await openSpec(name, options);
  return located(opened.source, () => trainOpened(opened, options));
}

async function trainOpened(
  { spec, source, bundled }: OpenedSpec,
  options: TrainOptions,
): Promise<number> {
  const silent = options.quiet === true || options.json === true;
  // Compilers and devices answer while the data is read; what is wrong with the data is said first.
  const choosing = chooseBackend(options.backend);
  choosing.catch(() => undefined);
  const dataset = await during("loading data", silent, () => loadData(spec));
  const built = checkModel(spec, dataset.train);
  const weights =
    options.weights === undefined ? undefined : readWeights(options.weights, built.weights);
  const choice = await during("choosing a backend", silent, () => choosing);
  if (!silent) {
    if (bundled) tell(`spec: ${source.file}`);
    tell(`data: ${dataset.summary}`);
    print(renderSummary(summarise(spec.model, built), painter(hasColor(process.stdout))));
    tell(sentenceOn(choice));
  }
  const { threads, out } = options;
  return reportRun(
    {
      ...{ spec, dataset, backend: choice.backend, device: choice.device },
      ...(weights && { weights }),
      ...(threads !== undefined && { threads }),
      ...(out !== undefined && { out }),
    },
    options.json ? jsonReporter : options.quiet ? quietReporter : new HumanReporter(),
    silent,
  );
}

const sentenceOn = ({ backend, device, why }: Choice) =>
  `backend: ${backend.name} (${device}), ${why}`;

async function reportRun(
  request: Omit<RunRequest, "stopped">,
  reporter: Reporter,
  silent: boolean,
): Promise<number> {
  const interrupt = onInterrupt(() =>
    reporter.notice("stopping after the steps under way; Ctrl-C again to stop at once"),
  );
  try {
    const run = runTraining({ ...request, stopped: interrupt.requested });
    let next = await during(`compiling for ${request.backend.name}`, silent, () => run.next());
    for (; !next.done; next = await run.next()) reporter.event(next.value);
    return statusOf(next.value);
  } finally {
    interrupt.release();
  }
}

function statusOf({ reason, expect }: EndEvent): number {
  switch (reason) {
    case "finished":
      return expect.every((verdict) => verdict.ok) ? exitStatus.fine : exitStatus.failed;
    case "diverged":
      return exitStatus.failed;
    case "interrupted":
      return exitStatus.interrupted;
    default:
      return reason satisfies never;
  }
}
