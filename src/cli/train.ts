/** `nnc train`: reads and checks, chooses a backend, and reports the run. */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Choice } from "../backends/index.ts";
import { reference } from "../backends/reference.ts";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import { readSpec } from "../spec/source.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { ProblemError, UsageError } from "../support/errors.ts";
import { type Checkpoint, readCheckpoint } from "../train/checkpoint.ts";
import { type EndEvent, type Metrics, metricsOf } from "../train/events.ts";
import { checkModel } from "../train/prepare.ts";
import { prospectOf } from "../train/prospect.ts";
import { readInfo } from "../train/read-info.ts";
import { checkSpec } from "../train/resume.ts";
import { type RunRequest, runTraining } from "../train/run.ts";
import { RunFolder } from "../train/run-folder.ts";
import { describeRun, type RunInfo } from "../train/run-info.ts";
import { readWeights } from "../train/weights.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { onInterrupt } from "./interrupt.ts";
import { type JsonOption, pluginArguments, type SpecOptions } from "./options.ts";
import { version } from "./package-files.ts";
import { pluginRecords, requirePlugins } from "./plugins.ts";
import { prepare } from "./prepare.ts";
import { HumanReporter, jsonReporter, quietReporter, type Reporter } from "./reporter.ts";
import { type OpenedSpec, openSpec, overridesOf } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { renderSummary, summarise } from "./summary-table.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";
import { trainFolds } from "./train-folds.ts";

export interface TrainOptions extends SpecOptions, JsonOption {
  readonly backend?: string;
  readonly threads?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly resume?: string;
  readonly weights?: string;
}

/** Where a run is kept, and the checkpoint that it goes on from, if it has got that far. */
interface Kept {
  readonly folder: RunFolder;
  readonly info: RunInfo;
  readonly from: Checkpoint | undefined;
}

/** What a run came to. */
export interface Outcome {
  /** The exit code. */
  readonly status: number;
  /** Where it is kept. */
  readonly run: string;
  /** Of the last epoch. */
  readonly metrics: Metrics;
}

/** @returns the exit code */
export async function train(name: string, options: TrainOptions): Promise<number> {
  if (options.resume !== undefined) return (await trainOne(name, options)).status;
  const opened = await openSpec(name, options);
  const { folds, fold } = opened.spec.data.parts;
  if (folds !== undefined && fold === undefined)
    return trainFolds(folds, options, (own) => trainOne(name, own));
  return (await trainOne(name, options, opened)).status;
}

/** @param known the spec with these options, where it has been opened already */
async function trainOne(name: string, options: TrainOptions, known?: OpenedSpec): Promise<Outcome> {
  const { resume } = options;
  refuseEmpty(options);
  if (resume !== undefined) refuseBeside(options);
  // A run goes on with all that its command line said when it began.
  const earlier = resume === undefined ? undefined : readInfo(resume);
  if (earlier) requirePlugins(earlier.plugins, `${resume}`);
  const plugins = pluginRecords();
  const overrides = [...(earlier?.overrides ?? []), ...overridesOf(options)];
  const opened = known ?? (await openSpec(name, { set: overrides }));
  const { spec } = opened;
  const info = earlier
    ? { ...earlier, overrides, seed: spec.seed, plugins }
    : describeRun(
        { spec: name, overrides, seed: spec.seed, plugins, ...startOf(options) },
        version(),
      );
  const folder =
    resume === undefined
      ? RunFolder.create(spec.name, options.out, options.force)
      : RunFolder.reopen(resume);
  try {
    const outcome = await located(opened.source, async () => {
      const from = resume === undefined ? undefined : readCheckpoint(resume);
      if (from) {
        const settable = (more: string) => stays(spec, opened.source.file, [...overrides, more]);
        const look = async () => ({ ...(await prospectOf(from, spec, reference)), settable });
        await checkSpec(from, spec, overrides.map(pathOf), look);
      }
      folder.describe(info, spec.resolved);
      return await trainOpened(opened, options, { folder, info, from });
    });
    if (outcome.status === exitStatus.interrupted)
      tell(`to go on: ${resumeCommand(name, folder.path, options)}`);
    return outcome;
  } catch (error) {
    folder.discard();
    throw error;
  } finally {
    folder.close();
  }
}

/** What a run that is resumed before its first checkpoint begins with again. */
const startOf = ({ backend = "auto", weights }: TrainOptions) => ({
  backend,
  ...(weights === undefined ? {} : { weights: resolve(weights) }),
});

/** A shell gives an empty name for a variable that is not set. */
function refuseEmpty(options: TrainOptions): void {
  for (const option of ["out", "resume", "weights"] as const)
    if (options[option] === "")
      throw new UsageError(
        `--${option} has an empty name`,
        `give a name, or leave --${option} out`,
      );
}

/** What cannot stand beside `--resume`, because the run has it already. */
function refuseBeside(options: TrainOptions): void {
  for (const other of ["out", "weights", "force"] as const) {
    if (options[other] === undefined) continue;
    const fix = `leave out --${other}, or start a new run without --resume`;
    throw new UsageError(`--resume and --${other} exclude each other`, fix);
  }
}

/** Whether a spec's file comes to the same with these overrides. */
function stays({ resolved }: Spec, file: string, overrides: readonly string[]): boolean {
  try {
    return isDeepStrictEqual(resolveSpec(readSpec(file, overrides)).resolved, resolved);
  } catch (error) {
    if (error instanceof ProblemError || error instanceof UsageError) return false;
    throw error;
  }
}

/** The path that a `--set` argument changes. */
const pathOf = (argument: string) => argument.slice(0, argument.indexOf("=")).split(".");

const resumeCommand = (spec: string, run: string, { plugin = [] }: TrainOptions) =>
  ["nnc", "train", spec, "--resume", run, ...pluginArguments(plugin)].map(quoted).join(" ");

/** As a shell takes it for one word. */
const quoted = (word: string) =>
  /^[\w./+:@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

async function trainOpened(
  { spec, source, bundled }: OpenedSpec,
  options: TrainOptions,
  { folder, info, from }: Kept,
): Promise<Outcome> {
  const silent = options.quiet === true || options.json === true;
  const backend = options.backend ?? from?.saved.backend ?? info.backend;
  const { data, choice: chosen } = prepare(spec, backend, silent);
  const dataset = await data;
  const built = checkModel(spec, dataset.train);
  const file = options.weights ?? (from ? undefined : info.weights);
  const weights = file === undefined ? undefined : readWeights(file, built.weights);
  const choice = await chosen();
  if (!silent) {
    if (bundled) tell(`spec: ${source.file}`);
    tell(`data: ${dataset.summary}${divided(spec, dataset)}`);
    print(renderSummary(summarise(spec.model, built), painter(hasColor(process.stdout))));
    tell(sentenceOn(choice));
  }
  tellOfResume(options, choice, from);
  const { threads } = options;
  return reportRun(
    {
      ...{ spec, dataset, backend: choice.backend, device: choice.device, folder, from },
      ...(weights && { weights }),
      ...(threads !== undefined && { threads }),
    },
    options.json ? jsonReporter : options.quiet ? quietReporter : new HumanReporter(),
    silent,
  );
}

const sentenceOn = ({ backend, device, why }: Choice) =>
  `backend: ${backend.name} (${device}), ${why}`;

function tellOfResume({ resume }: TrainOptions, { backend }: Choice, from?: Checkpoint): void {
  if (resume === undefined) return;
  if (!from) tell(`${resume} has no checkpoint yet: the run begins again`);
  else if (from.saved.backend !== backend.name) {
    tell(`the run was on ${from.saved.backend}: on ${backend.name} its last digits differ`);
  }
}

async function reportRun(
  request: Omit<RunRequest, "stopped">,
  reporter: Reporter,
  silent: boolean,
): Promise<Outcome> {
  const interrupt = onInterrupt(() =>
    reporter.notice("stopping after the steps under way; Ctrl-C again to stop at once"),
  );
  try {
    const run = runTraining({ ...request, stopped: interrupt.requested });
    let next = await during(`compiling for ${request.backend.name}`, silent, () => run.next());
    let metrics: Metrics = {};
    for (; !next.done; next = await run.next()) {
      if (next.value.event === "epoch") metrics = metricsOf(next.value);
      reporter.event(next.value);
    }
    return { status: statusOf(next.value), run: next.value.run, metrics };
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

/** What became of a source's examples, where the spec says that not all of them train. */
function divided({ data }: Spec, { train, validation }: Dataset<AnySamples>): string {
  const { limit, validation_split, folds } = data.parts;
  if (limit === undefined && validation_split === undefined && folds === undefined) return "";
  const count = (n: number) => n.toLocaleString("en-US");
  const rest = validation ? `, ${count(validation.count)} to validate` : "";
  return `; of these ${count(train.count)} to train${rest}`;
}
