/** Loss and metrics of given weights on examples, by the graphs that validate during training. */
import { compileOnce } from "../compiler/recall.ts";
import type { AnySamples, Examples } from "../data/dataset.ts";
import type { Backend, Values } from "../ir/program.ts";
import { metricNames } from "../spec/reported.ts";
import type { Spec } from "../spec/spec.ts";
import type { Metrics } from "./events.ts";
import { Feed } from "./feed.ts";
import { batching, bytesIn, constantsOf, phaseGraphs } from "./graphs.ts";
import { evaluationBatch, readMetrics, usedBy } from "./session.ts";

export interface EvaluationOptions {
  readonly threads?: number | undefined;
  /** Examples at once; absent: as in training. */
  readonly batch?: number | undefined;
}

/** @param weights all of the model's, by `<layer>/<weight>` */
export async function evaluate(
  spec: Spec,
  examples: Examples<AnySamples>,
  weights: ReadonlyMap<string, Values>,
  backend: Backend,
  { threads, batch }: EvaluationOptions = {},
): Promise<Metrics> {
  const phase = "validation";
  const plan = (size: number) => {
    const parts = batching(examples, size, bytesIn(spec.data.parts.window));
    return { parts, ...phaseGraphs({ spec, phase, examples, batching: parts }) };
  };
  const usual = plan(batch ?? evaluationBatch);
  // Where the size of the batches matters it is that of training, as while a run validates.
  const asTrained = batch === undefined && usual.batchwise;
  const { parts, graphs, states, sums } = asTrained ? plan(spec.train.batch_size) : usual;
  const program = compileOnce(graphs, backend);
  const used = new Set(program.variables.map((v) => v.name));
  const executable = await backend.compile(program, usedBy(program, constantsOf(phase, examples)), {
    threads,
  });
  const has = (name: string) => used.has(name);
  const feed = new Feed({ phase, examples, batching: parts, shuffle: undefined, executable, has });
  try {
    for (const [name, { size, initial }] of states)
      if (has(name)) executable.write(name, new Float32Array(size).fill(initial));
    for (const [name, values] of weights) if (has(name)) executable.write(name, values);
    await feed.run("batch", 0, parts.steps);
    if (parts.rest > 0) await feed.run("rest", parts.steps, 1);
    return await readMetrics(executable, spec, phase, sums, metricNames(spec.outputs));
  } finally {
    await feed.close();
    await executable.dispose();
  }
}
