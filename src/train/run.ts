/**
 * A whole run: compiled, trained, kept in its folder, so that it can go on after whatever ended it. It reports
 * by events and prints nothing, so that a terminal, a test and any other front end can follow it in the same
 * way.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Backend, Values } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import { Callbacks, callbacksOf } from "./callbacks.ts";
import { type Checkpoint, writeCheckpoint } from "./checkpoint.ts";
import {
  type EndEvent,
  type EpochEvent,
  metricsOf,
  type RunEvent,
  type StartEvent,
} from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import { type Ending, trainLoop } from "./loop.ts";
import { beginning, type Position } from "./position.ts";
import { checkData, restoreState, sameAt } from "./resume.ts";
import { files, type RunFolder } from "./run-folder.ts";
import { initialWeights, parameterCount, planRun, Session } from "./session.ts";

export interface RunRequest {
  readonly spec: Spec;
  readonly dataset: Dataset<AnySamples>;
  readonly backend: Backend;
  /** What the backend runs on, for the first event. */
  readonly device: string;
  /** Values to start from, by weight; absent: as the initializers say. */
  readonly weights?: ReadonlyMap<string, Values>;
  readonly threads?: number;
  readonly folder: RunFolder;
  /** Where it goes on; absent: at the beginning. */
  readonly from?: Checkpoint | undefined;
  /** Told of every event before it is passed on; there is one after every single step then. */
  readonly watch?: (event: RunEvent, session: Session) => Promise<void>;
  /** True as soon as the run shall end: after the portion under way, when all is saved. */
  readonly stopped: () => boolean;
}

/**
 * Runs to the end. Whatever ends it, what it has come to by then is in the folder.
 * @throws UsageError if the checkpoint is not one of this run; RunError if the folder cannot be written or the
 *   backend fails
 */
export async function* runTraining(request: RunRequest): AsyncGenerator<RunEvent, EndEvent> {
  const { spec, dataset, backend, threads, from } = request;
  const data = fingerprint(dataset);
  if (from) checkData(from, data);
  const plan = planRun(spec, dataset);
  const weights = request.weights ?? initialWeights(plan.weights, spec.seed);
  const session = await Session.open(plan, backend, weights, { threads });
  try {
    if (from) restoreState(session, from);
    const run = new Run(request, session, data);
    yield run.start();
    return yield* run.train();
  } finally {
    await session.dispose();
  }
}

class Run {
  readonly #request: RunRequest;
  readonly #session: Session;
  readonly #folder: RunFolder;
  readonly #data: string;
  readonly #callbacks: Callbacks;
  #position: Position;
  /** Why a callback ended the run already, before it was resumed with nothing changed. */
  readonly #ended: string | undefined;
  /** The position of the last checkpoint, and when it was written (ms). */
  #saved: { readonly position: Position; readonly at: number } | undefined;

  constructor(request: RunRequest, session: Session, data: string) {
    const { spec, folder, from } = request;
    this.#request = request;
    this.#session = session;
    this.#folder = folder;
    this.#data = data;
    this.#position = from?.saved.position ?? beginning;
    const same = from ? sameAt(from, spec) : () => false;
    const known = from && callbacksOf(from, spec.callbacks, (i) => same(["callbacks", i]));
    this.#callbacks = new Callbacks(session, folder, known ?? { memories: [] });
    this.#ended = from && same([]) ? from.saved.ended : undefined;
    folder.restoreLogs(from?.saved.logs ?? {});
  }

  start(): StartEvent {
    const { spec, backend, device, from } = this.#request;
    const { plan } = this.#session;
    const { steps, rest } = plan.train.batching;
    const { epoch, step, steps: done } = this.#position;
    const event: StartEvent = {
      event: "start",
      name: spec.name,
      spec: spec.resolved,
      backend: backend.name,
      device,
      parameters: parameterCount(plan.weights),
      trainable: parameterCount(plan.weights.filter((w) => w.trainable)),
      epochs: spec.train.epochs,
      steps_per_epoch: steps + (rest > 0 ? 1 : 0),
      samples: plan.train.examples.count,
      validation_samples: plan.validation?.examples.count ?? 0,
      seed: spec.seed,
      data: this.#data,
      run: this.#folder.path,
      ...(from ? { resumed: { epoch, step, steps: done } } : {}),
    };
    this.#folder.writeData(this.#request.dataset, spec);
    this.#folder.append(event);
    return event;
  }

  async *train(): AsyncGenerator<RunEvent, EndEvent> {
    const loop = trainLoop(this.#session, {
      ending: () => this.#ending(),
      run: this.#folder.path,
      from: this.#position,
      stepwise: this.#request.watch !== undefined,
      passed: (position) => {
        this.#position = position;
      },
    });
    this.#saved = { position: this.#position, at: performance.now() };
    for (;;) {
      const { value, done } = await this.#next(loop);
      if (done) {
        const end = await this.#end(value);
        yield end;
        return end;
      }
      await this.#request.watch?.(value, this.#session);
      if (value.event === "epoch") yield* this.#epoch(value);
      else {
        if (value.event === "progress" && this.#isDue() && Number.isFinite(value.loss))
          await this.#save();
        yield value;
      }
      await signalsDelivered();
    }
  }

  #ending(): Ending | undefined {
    if (this.#request.stopped()) return { reason: "interrupted" };
    if (this.#ended !== undefined) return { reason: "finished", message: this.#ended };
    return this.#callbacks.ending(this.#position.seconds);
  }

  /** The loop's next event. Should the backend fail, what can still be read of the weights is kept. */
  async #next(loop: ReturnType<typeof trainLoop>): ReturnType<typeof loop.next> {
    try {
      return await loop.next();
    } catch (error) {
      await this.#writeModel().catch(() => undefined);
      throw error;
    }
  }

  async *#epoch(event: EpochEvent): AsyncGenerator<RunEvent> {
    const { epochs: every } = this.#session.plan.spec.train.checkpoint;
    const whole = this.#position.step === 0;
    // What a limit of steps cut short is saved as it was before it was reported: it may still be completed.
    if (!whole) await this.#save();
    this.#folder.append(event);
    yield event;
    for (const notice of await this.#callbacks.epochEnd(event.epoch, metricsOf(event))) {
      this.#folder.append(notice);
      yield notice;
    }
    if (this.#callbacks.failed) return;
    if (whole && (event.epoch % every === 0 || event.epoch === event.epochs)) {
      await this.#save();
      await this.#writeModel();
    }
  }

  /** Whether a checkpoint is asked for in the middle of an epoch. */
  #isDue(): boolean {
    const { steps, seconds } = this.#session.plan.spec.train.checkpoint;
    const { position, at } = this.#saved!;
    const done = this.#position.steps;
    if (done === position.steps) return false;
    if (steps !== undefined && done % steps === 0) return true;
    return seconds !== undefined && performance.now() - at >= 1000 * seconds;
  }

  async #save(): Promise<void> {
    const { spec, backend } = this.#request;
    const best = this.#callbacks.best;
    const ended = this.#callbacks.ending(this.#position.seconds)?.message;
    const saved = {
      format: 1,
      backend: backend.name,
      data: this.#data,
      spec: spec.resolved,
      position: this.#position,
      callbacks: this.#callbacks.memories.map((memory) => ({ ...memory })),
      ...(best ? { best: best.about } : {}),
      ...(ended === undefined ? {} : { ended }),
      logs: this.#folder.syncLogs(),
    } as const;
    const state = await this.#session.state();
    const { keep } = spec.train.checkpoint;
    writeCheckpoint(this.#folder, { saved, state, bestWeights: best?.values }, keep);
    this.#saved = { position: this.#position, at: performance.now() };
  }

  async #end(event: EndEvent): Promise<EndEvent> {
    if (
      event.reason !== "diverged" &&
      this.#saved?.position !== this.#position &&
      this.#position.steps > 0
    )
      await this.#save();
    await this.#writeModel();
    const best = this.#callbacks.best?.about;
    const model = join(this.#folder.path, files.model);
    const end = {
      ...event,
      ...(best ? { best } : {}),
      ...(existsSync(model) ? { model } : {}),
    };
    this.#folder.append(end);
    return end;
  }

  /** The best weights where a callback says which are; the last, where they are not the same. */
  async #writeModel(): Promise<void> {
    const { best } = this.#callbacks;
    const { weights } = this.#session.plan;
    if (best) this.#folder.writeWeights(files.model, weights, best.values);
    const last = await this.#session.finalWeights();
    if (![...last.values()].every((v) => v.every(Number.isFinite))) return;
    this.#folder.writeWeights(best ? files.last : files.model, weights, last);
  }
}

/** Backends may finish without ever returning to Node's event loop, where signals are delivered. */
const signalsDelivered = () => new Promise<void>((done) => setImmediate(done));
