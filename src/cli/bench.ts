/**
 * `nnc bench`: how fast a spec trains on this machine, and how near that is to what the machine could do. The C
 * compiler works into a cache of its own, so that it really runs, and a process of its own then starts from there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Choice } from "../backends/index.ts";
import { measurePeak } from "../backends/native/peak.ts";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Spec } from "../spec/spec.ts";
import { internal, UsageError } from "../support/errors.ts";
import { names } from "../train/graphs.ts";
import { type Measured, measureSteps, median, stepRunner } from "../train/measure.ts";
import { checkModel } from "../train/prepare.ts";
import { initialWeights, planRun, Session } from "../train/session.ts";
import { type BenchResult, type KernelTime, renderBench } from "./bench-table.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { type Interrupt, onInterrupt } from "./interrupt.ts";
import { type JsonOption, type SpecOptions, specArguments } from "./options.ts";
import { prepare } from "./prepare.ts";
import { openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";

export interface BenchOptions extends SpecOptions, JsonOption {
  readonly backend: string;
  readonly threads?: number;
  readonly steps?: number;
  readonly repeats: number;
  /** Also measures each kernel, with a program of its own: looking at the clock costs a little. */
  readonly kernels?: boolean;
  /** Only compiles and takes one step: asked of the process that starts with a warm cache. */
  readonly onlyFirstStep?: boolean;
}

/** Seconds of a process, by its own clock, which starts with it. */
interface FirstStep {
  readonly compile: number;
  readonly firstStep: number;
}

/** @returns the exit code */
export async function bench(name: string, options: BenchOptions): Promise<number> {
  const { source, spec } = await openSpec(name, options);
  return located(source, async () => {
    const silent =
      options.quiet === true || options.json === true || options.onlyFirstStep === true;
    const preparing = prepare(spec, options.backend, silent);
    const data = await preparing.data;
    checkModel(spec, data.train);
    const choice = await preparing.choice();
    if (options.onlyFirstStep) return reportFirstStep(spec, data, choice, options);
    const interrupt = onInterrupt(() => tell("stopping; Ctrl-C again to stop at once"));
    if (!silent) tell(`backend: ${choice.backend.name} (${choice.device}), ${choice.why}`);
    try {
      const run: Run = { name, spec, data, choice, options, silent, interrupt };
      const result = await withFreshCache(() => measure(run));
      if (!result) return exitStatus.interrupted;
      print(options.json ? JSON.stringify(result) : render(result));
      return exitStatus.fine;
    } finally {
      interrupt.release();
    }
  });
}

const render = (result: BenchResult) => renderBench(result, painter(hasColor(process.stdout)));

interface Run {
  readonly name: string;
  readonly spec: Spec;
  readonly data: Dataset<AnySamples>;
  readonly choice: Choice;
  readonly options: BenchOptions;
  readonly silent: boolean;
  readonly interrupt: Interrupt;
}

const since = (start: number) => (performance.now() - start) / 1000;

/** A session, and the seconds it took from the spec to code that can be run. */
async function open(
  { spec, data, choice, options }: Omit<Run, "name" | "silent" | "interrupt">,
  timed = false,
) {
  const start = performance.now();
  const plan = planRun(spec, data);
  const weights = initialWeights(plan.weights, spec.seed);
  const session = await Session.open(plan, choice.backend, weights, {
    threads: options.threads,
    timed,
  });
  return { session, seconds: since(start) };
}

/** @returns undefined if it was interrupted */
async function measure(run: Run): Promise<BenchResult | undefined> {
  const { choice, options, silent, interrupt } = run;
  const stopped = interrupt.requested;
  const threads = threadsOf(choice, options);
  const peakNow = async () => (threads === null ? undefined : await measurePeak(threads));
  const first = await peakNow();
  const { session, seconds } = await during("compiling", silent, () => open(run));
  let measured: Measured | undefined;
  try {
    measured = await during("running", silent, () =>
      measureSteps(session, { ...options, stopped }),
    );
  } finally {
    await session.dispose();
  }
  // Before anything else grows the process.
  const memory = process.resourceUsage().maxRSS / 1024;
  if (!measured) return undefined;
  // Before and after: other programs may have been in the way of one of them.
  const last = await peakNow();
  const peak = first && last && first.gflops > last.gflops ? first : last;
  const kernels = options.kernels
    ? await during("timing kernels", silent, () => timeKernels(run, measured.steps))
    : undefined;
  const warm = await during("starting afresh", silent, () => warmFirstStep(run));
  if (stopped() || !warm) return undefined;
  return {
    ...speedOf(session, measured, peak?.gflops),
    ...{ backend: choice.backend.name, device: choice.device, threads },
    vector_width: peak?.width ?? null,
    spec: run.spec.name,
    memory_mb: memory,
    compile_seconds: { cold: seconds, cached: warm.compile },
    first_step_seconds: warm.firstStep,
    ...(kernels ? { kernels } : {}),
  };
}

/** Milliseconds a step of the first thread in each kernel, the longest first. */
async function timeKernels(run: Run, steps: number): Promise<readonly KernelTime[]> {
  const { session } = await open(run, true);
  try {
    const taken = stepRunner(session, run.interrupt.requested);
    await taken(steps);
    const before = session.executable.timings?.();
    if (!before) {
      const { name } = run.choice.backend;
      throw new UsageError(
        `backend ${name} cannot time its kernels`,
        "leave out --kernels, or take --backend native",
      );
    }
    await taken(steps);
    const after = session.executable.timings!();
    return after
      .map(({ name, seconds }, i) => ({
        name,
        ms: (1000 * (seconds - before[i]!.seconds)) / steps,
      }))
      .filter(({ ms }) => ms > 0)
      .sort((a, b) => b.ms - a.ms);
  } finally {
    await session.dispose();
  }
}

/** Threads that the steps run on; null: they run on a GPU. */
function threadsOf({ backend }: Choice, { threads }: BenchOptions): number | null {
  switch (backend.runsOn) {
    case undefined:
      return threads ?? availableParallelism();
    case "one core":
      return 1;
    case "gpu":
      return null;
    default:
      return backend.runsOn satisfies never;
  }
}

function speedOf({ plan, program }: Session, { ms, steps }: Measured, peak: number | undefined) {
  const { batch } = plan.train.batching;
  const procedure = program.procedures.find((p) => p.name === names.procedure("train", "batch"))!;
  const flops = 2 * procedure.multiplyAdds;
  const step = median(ms);
  const gflops = flops / step / 1e6;
  return {
    ...{ ms_per_step: step, ms_min: ms[0]!, ms_max: ms.at(-1)! },
    ...{ gflops, peak_gflops: peak ?? null },
    percent_of_peak: peak === undefined ? null : (100 * gflops) / peak,
    ...{
      flops_per_step: flops,
      flops_done_per_step: 2 * procedure.multiplyAddsDone,
      steps,
      repeats: ms.length,
      batch_size: batch,
    },
    examples_per_second: (1000 * batch) / step,
  };
}

/** Has the C compiler begin with nothing, and what it made removed. */
async function withFreshCache<T>(action: () => Promise<T>): Promise<T> {
  const before = process.env["NNC_CACHE"];
  const folder = mkdtempSync(join(tmpdir(), "nnc-bench-"));
  process.env["NNC_CACHE"] = folder;
  try {
    return await action();
  } finally {
    if (before === undefined) delete process.env["NNC_CACHE"];
    else process.env["NNC_CACHE"] = before;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reportFirstStep(
  spec: Spec,
  data: Dataset<AnySamples>,
  choice: Choice,
  options: BenchOptions,
): Promise<number> {
  const { session, seconds } = await open({ spec, data, choice, options });
  await stepRunner(session)(1);
  const found: FirstStep = { compile: seconds, firstStep: performance.now() / 1000 };
  await session.dispose();
  print(JSON.stringify(found));
  return exitStatus.fine;
}

/**
 * The first step of a process that finds everything in the cache, nnc's own code, too: the middle one of three, after
 * one that fills it.
 * @returns undefined if it was interrupted
 */
async function warmFirstStep(run: Run): Promise<FirstStep | undefined> {
  if (!(await firstStepElsewhere(run))) return undefined;
  const found: FirstStep[] = [];
  while (found.length < 3) {
    const next = await firstStepElsewhere(run);
    if (!next) return undefined;
    found.push(next);
  }
  return found.sort((a, b) => a.firstStep - b.firstStep)[1];
}

/** The same command in a process of its own. @returns undefined if it was interrupted */
async function firstStepElsewhere(run: Run): Promise<FirstStep | undefined> {
  const { name, options, interrupt } = run;
  const args = [
    ...["bench", name, "--only-first-step", "--backend", options.backend],
    ...specArguments(options),
    ...(options.threads === undefined ? [] : ["--threads", `${options.threads}`]),
  ];
  try {
    const { execFile } = await import("node:child_process");
    const { stdout } = await promisify(execFile)(process.execPath, [process.argv[1]!, ...args]);
    return JSON.parse(stdout) as FirstStep;
  } catch (error) {
    if (interrupt.requested()) return undefined;
    throw internal(`a second process did not take its first step: ${(error as Error).message}`);
  }
}
