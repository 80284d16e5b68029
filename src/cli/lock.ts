/** `nnc lock` records what a training does, `nnc verify` repeats it and names the first step that differs. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Choice, chooseBackend } from "../backends/index.ts";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import type { EndEvent } from "../train/events.ts";
import { fingerprint } from "../train/fingerprint.ts";
import { loadData } from "../train/load.ts";
import { checkModel } from "../train/prepare.ts";
import { differences } from "../train/resume.ts";
import { runTraining } from "../train/run.ts";
import { RunFolder } from "../train/run-folder.ts";
import { type Deviation, deviationIn, type Lock, parseLock, Tracer } from "../train/trace.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { onInterrupt } from "./interrupt.ts";
import type { JsonOption, SpecOptions } from "./options.ts";
import { version } from "./package-files.ts";
import { changedPlugins, pluginRecords } from "./plugins.ts";
import { locateSpec, type OpenedSpec, openSpec, overridesOf } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";

export interface LockOptions extends SpecOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly out?: string;
  readonly force?: boolean;
}

/** @returns the exit code */
export async function lock(name: string, options: LockOptions): Promise<number> {
  const opened = await openSpec(name, options);
  const file = options.out ?? lockBeside(name);
  if (existsSync(file) && !options.force)
    throw new UsageError(`${file} exists already`, "record it anew with --force");
  const training = await prepare(opened, options);
  const tracer = new Tracer();
  const end = await follow(training, tracer, () => false);
  if (end.reason !== "finished") return statusOf(end);
  const content: Lock = {
    format: 1,
    versions: { nnc: version(), node: process.versions.node },
    machine: machine(),
    ...(opened.bundled
      ? {}
      : { file: relative(dirname(resolve(file)), resolve(opened.source.file)) }),
    plugins: pluginRecords((path) => relative(dirname(resolve(file)), path)),
    overrides: [...overridesOf(options)],
    spec: plainJson(opened.spec.resolved),
    seed: opened.spec.seed,
    data: fingerprint(training.dataset),
    backend: training.choice.backend.name,
    device: training.choice.device,
    epochs: tracer.epochs,
  };
  writeFileSync(file, `${JSON.stringify(content, undefined, 1)}\n`, { flush: true });
  print(`wrote ${file}: ${plural(tracer.epochs.length, "epoch")}, ${plural(end.steps, "step")}`);
  return exitStatus.fine;
}

export interface VerifyOptions extends JsonOption {
  readonly backend?: string;
  readonly threads?: number;
  readonly quiet?: boolean;
}

interface Finding {
  /** What differs before anything is trained. */
  readonly before: readonly string[];
  readonly deviation?: Deviation;
}

/** @param name a lock, or a spec that has one beside it */
export async function verify(name: string, options: VerifyOptions): Promise<number> {
  const file = /\.json$/.test(name) ? name : lockBeside(name);
  if (!existsSync(file))
    throw new UsageError(`there is no lock ${file}`, `\`nnc lock ${name}\` records one`);
  const locked = parseLock(readFileSync(file, "utf8"), file);
  const changed = changedPlugins(
    locked.plugins.map((p) => ({ ...p, file: resolve(dirname(file), p.file) })),
    file,
  );
  const spec =
    locked.file === undefined ? `${locked.spec["name"]}` : join(dirname(file), locked.file);
  const opened = await openSpec(/\.json$/.test(name) ? spec : name, { set: locked.overrides });
  const backend = options.backend ?? locked.backend;
  const training = await prepare(opened, { ...options, backend });
  const before = [
    ...changed,
    ...specChanges(locked, opened.spec),
    ...dataChange(locked, training.dataset),
  ];
  const tracer = new Tracer();
  let deviation: Deviation | undefined;
  if (before.length === 0) {
    const end = await follow(training, tracer, () => {
      deviation ??= deviationOf(locked, tracer);
      return deviation !== undefined;
    });
    if (end.reason === "interrupted" && !deviation) return exitStatus.interrupted;
    deviation ??= deviationOf(locked, tracer) ?? missingEpoch(locked, tracer);
  }
  report({ before, ...(deviation ? { deviation } : {}) }, locked, tracer, training.choice, options);
  return before.length === 0 && !deviation ? exitStatus.fine : exitStatus.failed;
}

/** `mlp.lock.json` for `specs/mlp.yaml`; of a bundled one, here. */
function lockBeside(name: string): string {
  const { file, bundled } = locateSpec(name);
  const folder = bundled ? "" : dirname(file);
  return join(folder, `${basename(file).replace(/\.[^.]*$/, "")}.lock.json`);
}

const machine = () => ({
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
});

const plainJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

interface Training {
  readonly spec: Spec;
  readonly dataset: Dataset<AnySamples>;
  readonly choice: Choice;
  readonly opened: OpenedSpec;
  readonly threads: number | undefined;
  readonly silent: boolean;
}

async function prepare(
  opened: OpenedSpec,
  options: Pick<LockOptions, "backend" | "threads" | "quiet"> & JsonOption,
): Promise<Training> {
  const { spec, source } = opened;
  const silent = options.quiet === true || options.json === true;
  const dataset = await located(source, async () => {
    const loaded = await during("loading data", silent, () => loadData(spec));
    checkModel(spec, loaded.train);
    return loaded;
  });
  const choice = await during("choosing a backend", silent, () => chooseBackend(options.backend));
  if (!silent) tell(`backend: ${choice.backend.name} (${choice.device}), ${choice.why}`);
  return { spec, dataset, choice, opened, threads: options.threads, silent };
}

/** Trains in a folder that is removed, and is watched after every step. */
async function follow(
  { spec, dataset, choice, opened, threads, silent }: Training,
  tracer: Tracer,
  enough: () => boolean,
): Promise<EndEvent> {
  const interrupt = onInterrupt(() => tell("stopping; Ctrl-C again to stop at once"));
  const kept = mkdtempSync(join(tmpdir(), "nnc-lock-"));
  const folder = RunFolder.create(spec.name, join(kept, "run"));
  try {
    const run = runTraining({
      ...{ spec, dataset, backend: choice.backend, device: choice.device, folder },
      ...(threads === undefined ? {} : { threads }),
      watch: (event, session) => tracer.watch(event, session),
      stopped: () => interrupt.requested() || enough(),
    });
    return await located(opened.source, async () => {
      let next = await run.next();
      for (; !next.done; next = await run.next()) {
        const { value } = next;
        if (value.event === "epoch" && !silent) tell(`epoch ${value.epoch}/${value.epochs}`);
        if (value.event === "notice" && !silent) tell(value.message);
      }
      return next.value;
    });
  } finally {
    interrupt.release();
    folder.close();
    rmSync(kept, { recursive: true, force: true });
  }
}

function statusOf({ reason, message }: EndEvent): number {
  if (reason === "interrupted") return exitStatus.interrupted;
  tell(`error: ${message ?? reason}; nothing was recorded`);
  return exitStatus.failed;
}

/** Where the specs differ; what is expected of a training does not change it. */
function specChanges(locked: Lock, { resolved }: Spec): readonly string[] {
  const shown = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return differences(locked.spec, plainJson(resolved))
    .filter(({ path }) => path[0] !== "expect")
    .map(({ path, before, now }) => {
      return `the spec has changed: ${path.join(".")} was ${shown(before)}, and is ${shown(now)}`;
    });
}

function dataChange(locked: Lock, dataset: Dataset<AnySamples>): readonly string[] {
  const now = fingerprint(dataset);
  return now === locked.data
    ? []
    : [`the data has changed: its fingerprint was ${locked.data}, and is ${now}`];
}

/** The first difference of all that is traced; the last epoch may be under way. */
function deviationOf({ epochs }: Lock, tracer: Tracer): Deviation | undefined {
  for (const [i, trace] of tracer.epochs.entries()) {
    const found = deviationIn(i + 1, epochs[i], trace);
    if (found) return found;
  }
  const { length } = tracer.epochs;
  return tracer.steps.length === 0
    ? undefined
    : deviationIn(length + 1, epochs[length], { steps: tracer.steps.join("") });
}

const missingEpoch = ({ epochs }: Lock, tracer: Tracer): Deviation | undefined =>
  tracer.epochs.length < epochs.length
    ? { epoch: tracer.epochs.length + 1, what: "it is in the lock only" }
    : undefined;

function report(
  { before, deviation }: Finding,
  locked: Lock,
  tracer: Tracer,
  { backend, device }: Choice,
  options: VerifyOptions,
): void {
  const epochs = tracer.epochs.length;
  const ok = before.length === 0 && !deviation;
  if (options.json) {
    print(JSON.stringify({ ok, changed: before, epochs, ...(deviation ? { deviation } : {}) }));
    return;
  }
  const paint = painter(hasColor(process.stdout));
  if (ok) {
    if (!options.quiet) print(`${paint("green", "✓")} ${plural(epochs, "epoch")}, the same bits`);
    return;
  }
  for (const change of before) print(`${paint("red", "✗")} ${change}`);
  if (!deviation) return;
  const { epoch, step, what } = deviation;
  const where = step === undefined ? `epoch ${epoch}` : `epoch ${epoch}, step ${step}`;
  print(`${paint("red", "✗")} ${where}: ${what}`);
  const here = machine();
  const then = `${locked.backend} (${locked.device}) on ${locked.machine.cpu}, nnc ${locked.versions.nnc}`;
  const now = `${backend.name} (${device}) on ${here.cpu}, nnc ${version()}`;
  tell(`  locked: ${then}\n  now:    ${now}`);
}

const plural = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
