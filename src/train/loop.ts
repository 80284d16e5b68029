/** The training loop: passes over the data, in portions small enough to show progress and to be stopped. */
import { judge } from "../spec/expectation.ts";
import type { EndEvent, EpochEvent, Metrics, ProgressEvent } from "./events.ts";
import { names, type Phase } from "./graphs.ts";
import type { PhasePlan, Session } from "./session.ts";

export interface LoopOptions {
  /** True as soon as the run shall end. */
  readonly stopped: () => boolean;
  /** Where the run's files are, for the last event. */
  readonly run: string;
}

/** Portions of an epoch between two progress events; more would cost, fewer would not look alive. */
const portions = 25;
/** Backends run so many steps a call, unless these take longer than anyone waits for a stop (seconds). */
const stepsPerCall = 10;
const patience = 1;
/** What a portion should take at most, in seconds. */
const moment = 0.25;

type LoopEvent = ProgressEvent | EpochEvent | EndEvent;

/** Trains to the end, to an interruption, or until the loss is no number any more. */
export async function* trainLoop(
  session: Session,
  { stopped, run }: LoopOptions,
): AsyncGenerator<LoopEvent, EndEvent> {
  const { spec, train, validation } = session.plan;
  const { epochs, steps: mostSteps = Number.POSITIVE_INFINITY } = spec.train;
  const began = performance.now();
  let steps = 0;
  let done = 0;
  let last: Metrics = {};
  const finish = (reason: EndEvent["reason"], message?: string): EndEvent => ({
    event: "end",
    reason,
    ...(message === undefined ? {} : { message }),
    epochs: done,
    steps,
    seconds: (performance.now() - began) / 1000,
    expect: reason === "finished" ? judge(spec.expect, last) : [],
    run,
  });
  for (let epoch = 1; epoch <= epochs && steps < mostSteps; epoch++) {
    const start = performance.now();
    const progress = (p: Portion, validating: boolean): ProgressEvent => ({
      event: "progress",
      epoch,
      epochs,
      ...p.progress,
      seconds: since(start),
      validating,
    });
    session.beginPass("train", epoch);
    for await (const p of pass(session, "train", train, mostSteps - steps, stopped)) {
      steps += p.advanced;
      yield progress(p, false);
      if (!Number.isFinite(p.progress.loss))
        return finish("diverged", await diagnose(session, epoch, p.progress));
    }
    if (stopped()) return finish("interrupted");
    const metrics: Record<string, number> = { ...(await session.metrics("train")) };
    if (validation) {
      session.beginPass("validation", epoch);
      const all = Number.POSITIVE_INFINITY;
      for await (const p of pass(session, "validation", validation, all, stopped)) {
        yield progress(p, true);
      }
      if (stopped()) return finish("interrupted");
      for (const [name, value] of Object.entries(await session.metrics("validation")))
        metrics[`val_${name}`] = value;
    }
    const rate = await session.scheduledRate();
    if (rate !== undefined) metrics["learning_rate"] = rate;
    last = metrics;
    done = epoch;
    yield { event: "epoch", epoch, epochs, ...metrics, seconds: since(start) };
  }
  return finish("finished");
}

const since = (start: number) => (performance.now() - start) / 1000;

interface Portion {
  readonly advanced: number;
  readonly progress: { readonly step: number; readonly steps: number; readonly loss: number };
}

/** One pass over a phase's examples, at most `limit` steps. */
async function* pass(
  session: Session,
  phase: Phase,
  { batching }: PhasePlan,
  limit: number,
  stopped: () => boolean,
): AsyncGenerator<Portion> {
  const total = batching.steps + (batching.rest > 0 ? 1 : 0);
  const last = Math.min(total, limit);
  const most = Math.max(1, Math.ceil(batching.steps / portions / stepsPerCall) * stepsPerCall);
  let portion = Math.min(most, stepsPerCall);
  for (let step = 0; step < last && !stopped(); ) {
    const whole = Math.min(portion, batching.steps - step, last - step);
    const [part, count] = whole > 0 ? (["batch", whole] as const) : (["rest", 1] as const);
    const start = performance.now();
    await session.executable.run(names.procedure(phase, part), count);
    step += count;
    portion = Math.min(most, stepsIn(moment, since(start) / count));
    const { loss } = await session.metrics(phase, ["loss"]);
    yield { advanced: count, progress: { step, steps: total, loss: loss! } };
  }
}

/** Steps that fit in a time: whole calls, unless a single call takes too long already. */
function stepsIn(seconds: number, perStep: number): number {
  const steps = Math.floor(seconds / perStep);
  if (perStep * stepsPerCall > patience) return Math.max(1, steps);
  return Math.max(1, Math.floor(steps / stepsPerCall)) * stepsPerCall;
}

/** Says where the numbers went wrong: the steps in question, and the first layer with broken weights. */
async function diagnose(
  session: Session,
  epoch: number,
  { step, steps }: Portion["progress"],
): Promise<string> {
  const broken = [...(await session.weights())].filter(([, v]) =>
    v.some((x) => !Number.isFinite(x)),
  );
  const where =
    broken.length > 0
      ? `; weights no longer finite: ${broken.map(([name]) => name).join(", ")}`
      : "";
  return `the loss is no longer a finite number in epoch ${epoch}, by step ${step} of ${steps}${where}`;
}
