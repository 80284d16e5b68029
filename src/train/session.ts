/** A compiled run: graphs made into a program, loaded into a backend, filled with data and first weights. */
import { compileOnce } from "../compiler/recall.ts";
import type { AnySamples, Dataset, Examples } from "../data/dataset.ts";
import { sizeOf } from "../ir/graph.ts";
import type { Backend, CompileOptions, Executable, Program, Values } from "../ir/program.ts";
import type { Weight } from "../nn/model.ts";
import { metricNames } from "../spec/reported.ts";
import type { Spec } from "../spec/spec.ts";
import { invariant } from "../support/errors.ts";
import { randomStream } from "../support/random.ts";
import type { Metrics } from "./events.ts";
import { Feed } from "./feed.ts";
import {
  type Batching,
  batching,
  bytesIn,
  constantsOf,
  names,
  type Phase,
  type PhaseGraphs,
  phaseGraphs,
} from "./graphs.ts";
import { observed } from "./observe.ts";
import { averages } from "./optimise.ts";
import { heldAgainst } from "./saved-state.ts";

/** Examples evaluated at once, if it does not matter how many. */
export const evaluationBatch = 500;

export interface PhasePlan {
  readonly batching: Batching;
  readonly examples: Examples<AnySamples>;
  readonly graphs: PhaseGraphs;
}
export interface RunPlan {
  readonly spec: Spec;
  readonly train: PhasePlan;
  readonly validation: PhasePlan | undefined;
  readonly weights: readonly Weight[];
}

/** The graphs of a whole run. */
export function planRun(spec: Spec, dataset: Dataset<AnySamples>): RunPlan {
  const window = bytesIn(spec.data.parts.window);
  const plan = (phase: Phase, examples: Examples<AnySamples>, size: number): PhasePlan => {
    const parts = batching(examples, size, window);
    return {
      batching: parts,
      examples,
      graphs: phaseGraphs({ spec, phase, examples, batching: parts }),
    };
  };
  const train = plan("train", dataset.train, spec.train.batch_size);
  // As in Keras batches of evaluation are those of training; where that changes nothing, larger ones are faster.
  const size = train.graphs.batchwise ? spec.train.batch_size : evaluationBatch;
  const validation = dataset.validation && plan("validation", dataset.validation, size);
  const weights = observed(spec.model, train.graphs.weights, dataset.train);
  return { spec, train, validation, weights };
}

export const compileRun = ({ train, validation }: RunPlan, backend: Backend): Program =>
  compileOnce([...train.graphs.graphs, ...(validation?.graphs.graphs ?? [])], backend);

/** Those that a program has: data whose share in everything is 0 is in none. */
export function usedBy(
  { variables }: Program,
  values: ReadonlyMap<string, Values>,
): ReadonlyMap<string, Values> {
  const used = new Set(variables.map((v) => v.name));
  return new Map([...values].filter(([name]) => used.has(name)));
}

/** First values of the weights: they depend on the seed and the weight's name alone. */
export function initialWeights(
  weights: readonly Weight[],
  seed: number,
): Map<string, Float32Array> {
  return new Map(
    weights.map(({ name, shape, fans, initializer: { definition, options } }) => [
      name,
      definition.fill(shape, options, randomStream(seed, "weights", name), fans),
    ]),
  );
}

/** Loss and metrics over the samples that a phase has seen since its pass began. */
export async function readMetrics(
  executable: Executable,
  spec: Spec,
  phase: Phase,
  sums: PhaseGraphs["sums"],
  only: readonly string[],
): Promise<Metrics> {
  const [samples] = await executable.read(names.samples(phase));
  const reported = spec.outputs.flatMap((o) => o.metrics);
  const result: Record<string, number> = {};
  for (const metric of only) {
    const totals: Record<string, ArrayLike<number>> = {};
    for (const sum of sums.get(metric) ?? []) {
      totals[sum] = await executable.read(names.total(phase, metric, sum));
    }
    const { definition, options } = reported.find((m) => m.name === metric)?.metric ?? {};
    result[metric] = definition
      ? definition.finish(totals, options!, samples!)
      : totals["total"]![0]! / samples!;
  }
  return result;
}

export class Session {
  readonly plan: RunPlan;
  readonly program: Program;
  readonly executable: Executable;
  /** Whether its steps run on a GPU. */
  readonly onGpu: boolean;
  readonly #metrics: readonly string[];
  readonly #feeds: { readonly [P in Phase]?: Feed };
  /** First values of the weights. */
  readonly #start: ReadonlyMap<string, Values>;

  private constructor(
    plan: RunPlan,
    program: Program,
    executable: Executable,
    start: ReadonlyMap<string, Values>,
    onGpu: boolean,
  ) {
    this.plan = plan;
    this.#start = start;
    this.program = program;
    this.executable = executable;
    this.onGpu = onGpu;
    this.#metrics = metricNames(plan.spec.outputs);
    const { spec, train, validation } = plan;
    const has = (name: string) => this.#knows(name);
    const feed = (phase: Phase, { examples, batching }: PhasePlan, shuffle?: number) =>
      new Feed({ phase, examples, batching, shuffle, executable, has });
    this.#feeds = {
      train: feed("train", train, spec.train.shuffle ? spec.seed : undefined),
      ...(validation ? { validation: feed("validation", validation) } : {}),
    };
  }

  static async open(
    plan: RunPlan,
    backend: Backend,
    start: ReadonlyMap<string, Values>,
    options: CompileOptions = {},
  ): Promise<Session> {
    const program = compileRun(plan, backend);
    const constants = new Map([
      ...constantsOf("train", plan.train.examples),
      ...(plan.validation ? constantsOf("validation", plan.validation.examples) : []),
    ]);
    const executable = await backend.compile(program, usedBy(program, constants), options);
    const session = new Session(plan, program, executable, start, backend.runsOn === "gpu");
    session.#fill(start);
    return session;
  }

  #fill(weights: ReadonlyMap<string, Values>): void {
    const { train, validation } = this.plan;
    const states = [...train.graphs.states, ...(validation?.graphs.states ?? [])];
    for (const [name, { size, initial }] of states) {
      if (initial !== 0) this.#writeKnown(name, new Float64Array(size).fill(initial));
    }
    for (const [name, values] of weights) this.#writeKnown(name, values);
  }

  /** A graph may not use every state there is (no metric reads the learning rate). */
  #writeKnown(name: string, values: Values): void {
    if (this.#knows(name)) this.executable.write(name, values);
  }

  #knows(name: string): boolean {
    return this.program.variables.some((v) => v.name === name);
  }

  /** Gets ready for a pass over the data: cursors and sums at zero, a new order. */
  beginPass(phase: Phase, epoch: number): void {
    for (const [name, { size, each }] of this.#graphs(phase).states) {
      if (each === "pass") this.#writeKnown(name, new Float32Array(size));
    }
    this.continuePass(phase, epoch);
  }

  /** Gets ready to go on in the middle of a pass, whose state has been restored. */
  continuePass(phase: Phase, epoch: number): void {
    this.#feeds[phase]?.begin(epoch);
  }

  /**
   * Runs steps of a pass.
   * @param from steps of the pass that are done
   */
  async run(phase: Phase, part: "batch" | "rest", from: number, steps: number): Promise<void> {
    await this.#feeds[phase]?.run(part, from, steps);
  }

  /** All that steps change, exactly: what `restore` needs to make the rest of a run the same. */
  async state(): Promise<Map<string, Float32Array | Float64Array>> {
    const state = new Map<string, Float32Array | Float64Array>();
    for (const { name, kind } of this.program.variables)
      if (kind === "state") state.set(name, await this.executable.read(name));
    return state;
  }

  /**
   * Makes the state what it was. At the beginning of an epoch that of a pass over the data is not needed.
   * @returns what of the state does not fit this program, in words; then nothing has been changed
   */
  restore(state: ReadonlyMap<string, Values>, inPass: boolean): readonly string[] {
    const { wanted, misfits } = heldAgainst(this.program, this.plan, state, inPass);
    if (misfits.length === 0)
      for (const { name } of wanted) this.executable.write(name, state.get(name)!);
    return misfits;
  }

  #graphs(phase: Phase): PhaseGraphs {
    const plan = this.plan[phase];
    invariant(plan, `the run has no ${phase}`);
    return plan.graphs;
  }

  /** Loss and metrics over the samples seen since the pass began. */
  metrics(phase: Phase, only: readonly string[] = this.#metrics): Promise<Metrics> {
    const { spec } = this.plan;
    return readMetrics(this.executable, spec, phase, this.#graphs(phase).sums, only);
  }

  /** The learning rate of the last step. */
  async learningRate(): Promise<number> {
    const { learning_rate: given } = this.plan.spec.optimizer.options;
    // Without weights to train there is none in the program.
    if (typeof given === "number" && !this.#knows(names.learningRate)) return given;
    return (await this.executable.read(names.learningRate))[0]!;
  }

  /** The learning rate of the steps to come, where no schedule gives it. */
  setLearningRate(rate: number): void {
    this.#writeKnown(names.learningRate, Float64Array.of(rate));
  }

  /** The weights as they are now, by `<layer>/<weight>`. */
  weights(): Promise<Map<string, Float32Array>> {
    return this.#weights(() => false);
  }

  /** The weights that a run ends with: their moving averages where the optimizer keeps them. */
  async finalWeights(): Promise<Map<string, Float32Array>> {
    const { use_ema } = this.plan.spec.optimizer.options;
    const averaged = use_ema && (await this.executable.read(averages.started))[0] === 1;
    return this.#weights(({ trainable }) => averaged && trainable);
  }

  async #weights(averaged: (weight: Weight) => boolean): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const weight of this.plan.weights) {
      const name = averaged(weight) ? averages.of(weight.name) : weight.name;
      // A frozen weight that nothing depends on is in no program, and stays what it was.
      const known = this.#knows(name);
      const now = known ? await this.executable.read(name) : this.#start.get(weight.name)!;
      values.set(weight.name, Float32Array.from(now));
    }
    return values;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#feeds.train?.close(), this.#feeds.validation?.close()]);
    await this.executable.dispose();
  }
}

export const parameterCount = (weights: readonly Weight[]): number =>
  weights.reduce((n, w) => n + sizeOf(w.shape), 0);
