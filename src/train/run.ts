/**
 * A whole run: compiled, trained, kept in its folder. It reports by events and prints nothing, so that a
 * terminal, a test and any other front end can follow it in the same way.
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Backend, Values } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import type { EndEvent, RunEvent, StartEvent } from "./events.ts";
import { trainLoop } from "./loop.ts";
import { RunFolder } from "./run-folder.ts";
import { initialWeights, parameterCount, planRun, Session } from "./session.ts";

export interface RunRequest {
  readonly spec: Spec;
  readonly dataset: Dataset;
  readonly backend: Backend;
  /** What the backend runs on, for the first event. */
  readonly device: string;
  /** Values to start from, by weight; absent: as the initializers say. */
  readonly weights?: ReadonlyMap<string, Values>;
  readonly threads?: number;
  /** The run's folder; absent: the next free `runs/<name>/<n>`. */
  readonly out?: string;
  /** True as soon as the run shall end: after the portion under way, keeping the weights. */
  readonly stopped: () => boolean;
}

/**
 * Runs to the end. Nothing is written before the model is compiled; the weights are written whatever ended
 * the run, if they are finite.
 * @throws UsageError, RunError if the folder cannot be written or the backend fails
 */
export async function* runTraining(request: RunRequest): AsyncGenerator<RunEvent, EndEvent> {
  const { spec, dataset, backend, threads, stopped } = request;
  const plan = planRun(spec, dataset);
  const weights = request.weights ?? initialWeights(plan.weights, spec.seed);
  const session = await Session.open(plan, backend, weights, { threads });
  try {
    const folder = RunFolder.create(spec.name, request.out);
    folder.writeSpec(spec.resolved);
    folder.writeData(dataset, spec);
    const start = startEvent(request, session, folder.path);
    folder.append(start);
    yield start;
    const loop = trainLoop(session, { stopped, run: folder.path });
    for (;;) {
      const { value, done } = await nextEvent(loop, session, folder);
      if (!done) {
        folder.append(value);
        yield value;
        await signalsDelivered();
        continue;
      }
      const model = await saveWeights(session, folder);
      const end = { ...value, ...(model === undefined ? {} : { model }) };
      folder.append(end);
      yield end;
      return end;
    }
  } finally {
    await session.dispose();
  }
}

/** The loop's next event. Should the backend fail, what can still be read of the weights is kept. */
async function nextEvent(
  loop: ReturnType<typeof trainLoop>,
  session: Session,
  folder: RunFolder,
): ReturnType<typeof loop.next> {
  try {
    return await loop.next();
  } catch (error) {
    await saveWeights(session, folder).catch(() => undefined);
    throw error;
  }
}

/** Backends may finish without ever returning to Node's event loop, where signals are delivered. */
const signalsDelivered = () => new Promise<void>((done) => setImmediate(done));

/** @returns the file, or undefined if the weights were not finite and none was written */
async function saveWeights(session: Session, folder: RunFolder): Promise<string | undefined> {
  const values = await session.finalWeights();
  const finite = [...values.values()].every((v) => v.every(Number.isFinite));
  if (!finite) return undefined;
  folder.writeWeights(session.plan.weights, values);
  return join(folder.path, "model.safetensors");
}

function startEvent(request: RunRequest, { plan }: Session, run: string): StartEvent {
  const { spec, backend, device } = request;
  const { steps, rest } = plan.train.batching;
  return {
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
    run,
  };
}
