/** The training loop: passes over the data, in portions small enough to show progress and to be stopped. */
import { judge } from "../spec/expectation.ts";
import { better, ofBest, onValidation } from "../spec/reported.ts";
import type { Spec } from "../spec/spec.ts";
import type { EndEvent, EpochEvent, Metrics, ProgressEvent } from "./events.ts";
import type { Phase } from "./graphs.ts";
import { Portions, ten } from "./portions.ts";
import { beginning, type Position } from "./position.ts";
import { type PhasePlan, parameterCount, type Session } from "./session.ts";

/** Why a run ends before its last epoch. */
export interface Ending {
  readonly reason: EndEvent["reason"];
  readonly message?: string;
}
export interface LoopOptions {
  /** Defined as soon as the run shall end; then for good. */
  readonly ending: () => Ending | undefined;
  /** Where the run's files are, for the last event. */
  readonly run: string;
  /** Where it stands, the session's state being that of then; absent: at its beginning. */
  readonly from?: Position;
  /** Every step is reported by itself. */
  readonly stepwise?: boolean;
  /** Told before each event where the run stands: what a resume from then on needs beside the state. */
  readonly passed?: (position: Position) => void;
}

/** Portions of an epoch between two progress events; more would cost, fewer would not look alive. */
const portions = 12;
/** What a portion should take at most, in seconds. */
const moment = 0.25;

type LoopEvent = ProgressEvent | EpochEvent | EndEvent;

/** Trains to the end, to an interruption, or until the loss is no number any more. */
export const trainLoop = (
  session: Session,
  options: LoopOptions,
): AsyncGenerator<LoopEvent, EndEvent> => new Loop(session, options).run();

class Loop {
  readonly #session: Session;
  readonly #options: LoopOptions;
  #at: Position;
  /** Epochs reported. */
  #done: number;

  constructor(session: Session, options: LoopOptions) {
    this.#session = session;
    this.#options = options;
    this.#at = options.from ?? beginning;
    this.#done = this.#at.epoch - 1;
  }

  async *run(): AsyncGenerator<LoopEvent, EndEvent> {
    const { epochs, steps = Number.POSITIVE_INFINITY } = this.#session.plan.spec.train;
    const { ending } = this.#options;
    const goesOn = () => this.#at.epoch <= epochs && this.#at.steps < steps;
    // An epoch that a limit of steps cut short is reported even if there is nothing left to do in it.
    for (let more = goesOn() || this.#at.step > 0; more; more = goesOn()) {
      const end = ending() ?? (yield* this.#epoch(epochs, steps));
      if (end) return this.#finish(end);
    }
    const end = ending();
    return this.#finish(end && end.reason !== "interrupted" ? end : { reason: "finished" });
  }

  /** One epoch, or the rest of one, with its validation. */
  async *#epoch(epochs: number, mostSteps: number): AsyncGenerator<LoopEvent, Ending | undefined> {
    const session = this.#session;
    const { spec, train, validation } = session.plan;
    const { ending, passed = () => {} } = this.#options;
    const stopped = () => ending() !== undefined;
    const { epoch, step: from, steps: done } = this.#at;
    const clock = this.#clock();
    const progress = (p: Portion, validating: boolean): ProgressEvent => {
      passed(this.#at);
      const seconds = this.#at.epoch_seconds;
      return { event: "progress", epoch, epochs, ...p.progress, seconds, validating };
    };
    if (from === 0) session.beginPass("train", epoch);
    else session.continuePass("train", epoch);
    const rhythm = { every: this.#options.stepwise ? 1 : spec.train.checkpoint.steps, done };
    const most = mostSteps - done;
    for await (const p of pass(session, "train", train, { from, most, rhythm, stopped })) {
      this.#at = clock({ step: this.#at.step + p.advanced, steps: this.#at.steps + p.advanced });
      yield progress(p, false);
      if (!Number.isFinite(p.progress.loss))
        return { reason: "diverged", message: await diagnose(session, epoch, p.progress) };
    }
    if (stopped()) return ending();
    const metrics: Record<string, number> = { ...(await session.metrics("train")) };
    if (validation) {
      session.beginPass("validation", epoch);
      for await (const p of pass(session, "validation", validation, { stopped })) {
        this.#at = clock({});
        yield progress(p, true);
      }
      if (stopped()) return ending();
      for (const [name, value] of Object.entries(await session.metrics("validation")))
        metrics[`${onValidation}${name}`] = value;
    }
    if (rateChanges(spec)) metrics["learning_rate"] = await session.learningRate();
    this.#done = epoch;
    const before = clock({});
    const over = clock({ metrics, best: better(this.#at.best, metrics, spec.outputs) });
    const whole = over.step === stepsOf(train);
    this.#at = whole ? { ...over, epoch: epoch + 1, step: 0, epoch_seconds: 0 } : over;
    // What a limit of steps cut short is not over: with another limit it goes on, and this was no epoch.
    passed(whole ? this.#at : before);
    yield { event: "epoch", epoch, epochs, ...metrics, seconds: over.epoch_seconds };
    return undefined;
  }

  /** Positions with the time that has passed since now. */
  #clock(): (changes: Partial<Position>) => Position {
    const start = performance.now();
    const { seconds, epoch_seconds } = this.#at;
    return (changes) => {
      const passed = (performance.now() - start) / 1000;
      const times = { seconds: seconds + passed, epoch_seconds: epoch_seconds + passed };
      return { ...this.#at, ...times, ...changes };
    };
  }

  /** All that a spec may expect something of. */
  #facts(): Metrics {
    const { seconds, metrics, best } = this.#at;
    const { weights } = this.#session.plan;
    const ofAll = Object.entries(best).map(([name, value]) => [`${ofBest}${name}`, value]);
    const facts = { parameters: parameterCount(weights), seconds };
    return { ...metrics, ...Object.fromEntries(ofAll), ...facts };
  }

  #finish({ reason, message }: Ending): EndEvent {
    const { steps, seconds } = this.#at;
    return {
      event: "end",
      reason,
      ...(message === undefined ? {} : { message }),
      epochs: this.#done,
      steps,
      seconds,
      expect: reason === "finished" ? judge(this.#session.plan.spec.expect, this.#facts()) : [],
      run: this.#options.run,
    };
  }
}

/** Whether the learning rate is reported: it is no news where it stays as the spec has it. */
const rateChanges = ({ optimizer, callbacks }: Spec): boolean =>
  typeof optimizer.options.learning_rate !== "number" ||
  callbacks.some(({ definition }) => definition.setsRate);

const since = (start: number) => (performance.now() - start) / 1000;

interface Portion {
  readonly advanced: number;
  readonly progress: { readonly step: number; readonly steps: number; readonly loss: number };
}

interface PassOptions {
  /** Steps of the pass that are done. */
  readonly from?: number;
  /** Steps that may still be done. */
  readonly most?: number;
  /** A portion ends whenever the steps of the run, of which some are `done`, are a multiple. */
  readonly rhythm?: { readonly every: number | undefined; readonly done: number };
  readonly stopped: () => boolean;
}

/** Steps of a whole pass. */
const stepsOf = ({ batching }: PhasePlan) => batching.steps + (batching.rest > 0 ? 1 : 0);

/** One pass over a phase's examples, or the rest of one. */
async function* pass(
  session: Session,
  phase: Phase,
  plan: PhasePlan,
  { from = 0, most = Number.POSITIVE_INFINITY, rhythm, stopped }: PassOptions,
): AsyncGenerator<Portion> {
  const { batching } = plan;
  const total = stepsOf(plan);
  const last = Math.min(total, from + most);
  const longest = Math.max(1, Math.ceil(batching.steps / portions / ten) * ten);
  const portion = new Portions({ moment, longest, onGpu: session.onGpu });
  for (let step = from; step < last && !stopped(); ) {
    const whole = Math.min(
      portion.next,
      batching.steps - step,
      last - step,
      untilDue(rhythm, step - from),
    );
    const [part, count] = whole > 0 ? (["batch", whole] as const) : (["rest", 1] as const);
    const start = performance.now();
    await session.run(phase, part, step, count);
    step += count;
    portion.took(count, since(start));
    const { loss } = await session.metrics(phase, ["loss"]);
    yield { advanced: count, progress: { step, steps: total, loss: loss! } };
  }
}

function untilDue(rhythm: PassOptions["rhythm"], more: number): number {
  if (rhythm?.every === undefined) return Number.POSITIVE_INFINITY;
  return rhythm.every - ((rhythm.done + more) % rhythm.every);
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
