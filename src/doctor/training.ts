/** Some steps of training, for checks that look at what becomes of a model. */
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Values } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import { stepRunner } from "../train/measure.ts";
import { planRun, Session } from "../train/session.ts";
import type { Patient, Trained } from "./finding.ts";

/** Training ends after so many steps, or ms. */
export interface Limits {
  readonly steps: number;
  readonly ms: number;
}

/** @param rate in place of the optimizer's learning rate, where that is a number */
export async function train(
  { backend, threads, first }: Pick<Patient, "backend" | "threads" | "first">,
  spec: Spec,
  dataset: Dataset<AnySamples>,
  { steps, ms }: Limits,
  rate?: number,
): Promise<Trained> {
  const plan = planRun(spec, dataset);
  const session = await Session.open(plan, backend, first, { threads });
  try {
    if (rate !== undefined) session.setLearningRate(rate);
    const run = stepRunner(session);
    const start = performance.now();
    let done = 0;
    for (let chunk = 1; done < steps && performance.now() - start < ms; chunk = 10) {
      const count = Math.min(chunk, steps - done);
      await run(count);
      done += count;
    }
    const weights: ReadonlyMap<string, Values> = await session.finalWeights();
    return { weights, steps: done };
  } finally {
    await session.dispose();
  }
}
