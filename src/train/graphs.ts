/**
 * The graphs of a run: training for a whole batch and for the last smaller one, the same for evaluation.
 * Everything a step needs is state in them: the position in the epoch, the parameters, the optimizer's slots,
 * the sums behind the metrics. Running n steps is running the same program n times.
 */
import { type AnySamples, arraysOf, type Examples } from "../data/dataset.ts";
import { bytesOf, isStored, isStreamed } from "../data/stream/stored.ts";
import { bindInputs, decoded, dtypeOf, standardConstants } from "../infer/inputs.ts";
import { type Graph, scoped, type Tensor, variable } from "../ir/graph.ts";
import type { Values } from "../ir/program.ts";
import { isBatchwise } from "../nn/losses/index.ts";
import { alignTarget } from "../nn/losses/loss.ts";
import { type Built, buildModel, type Weight } from "../nn/model.ts";
import * as op from "../ops/pointwise.ts";
import { uniform } from "../ops/random.ts";
import { take } from "../ops/take.ts";
import { iota } from "../ops/view.ts";
import type { Spec } from "../spec/spec.ts";
import { gradientsOf, lossOf, targetOf, type Wanted } from "./objective.ts";
import { learningRate, optimise, type Parameter, rateOf } from "./optimise.ts";
import { type FirstValue, StepState } from "./step-state.ts";

export type Phase = "train" | "validation";

/** Names of the variables that a run reads and writes. */
export const names = {
  /** Optimizer steps taken since the start. */
  iteration: "iteration",
  learningRate,
  order: "train/order",
  /** Batches done in this pass over the data. */
  cursor: (phase: Phase) => `${phase}/cursor`,
  /** Samples seen in this pass. */
  samples: (phase: Phase) => `${phase}/samples`,
  /** Sums over the pass that the loss or a metric is made of; most have one, over samples. */
  total: (phase: Phase, metric: string, sum = "total") => `${phase}/total/${metric}/${sum}`,
  data: (phase: Phase, side: "inputs" | "targets", name: string) => `${phase}/${side}/${name}`,
  /** How much each example counts in the loss. */
  weights: (phase: Phase) => `${phase}/weights`,
  procedure: (phase: Phase, part: "batch" | "rest") => `${phase}_${part}`,
} as const;

/** A pass over the data in batches; `rest` is the size of the last, smaller one, or 0. */
export interface Batching {
  readonly count: number;
  readonly batch: number;
  readonly steps: number;
  readonly rest: number;
  /** Examples that are in memory at a time, and the batches that they are: all, unless data is streamed. */
  readonly window: number;
  readonly perWindow: number;
}

/** @param bytes that a window may take, if the examples are streamed */
export function batching(examples: Examples<AnySamples>, size: number, bytes: number): Batching {
  const { count } = examples;
  const batch = Math.min(size, count);
  const own = { count, batch, steps: Math.floor(count / batch), rest: count % batch };
  const perExample = arraysOf(examples).reduce((sum, s) => sum + bytesOf(s), 0);
  const fitting = Math.max(1, Math.floor(bytes / (perExample * batch)));
  const perWindow = isStreamed(examples) ? fitting : Math.ceil(count / batch);
  return { ...own, window: Math.min(count, perWindow * batch), perWindow };
}

/** Bytes of a size such as 32MB. */
export function bytesIn(size: number | string): number {
  if (typeof size === "number") return size;
  const powers = { k: 1e3, m: 1e6, g: 1e9 } as const;
  const unit = /[kmg]/i.exec(size)?.[0].toLowerCase() as keyof typeof powers | undefined;
  return Math.floor(Number.parseFloat(size) * (unit ? powers[unit] : 1));
}

/** What a phase's graphs have in common. */
export interface PhaseSetup {
  readonly spec: Spec;
  readonly phase: Phase;
  readonly examples: Examples<AnySamples>;
  readonly batching: Batching;
}

export interface PhaseGraphs {
  readonly graphs: readonly Graph[];
  readonly weights: readonly Weight[];
  /** State beside the weights, with its first values. */
  readonly states: ReadonlyMap<string, FirstValue>;
  /** The names of the sums behind the loss and each metric. */
  readonly sums: ReadonlyMap<string, readonly string[]>;
  /** Whether the loss depends on how examples are divided into batches. */
  readonly batchwise: boolean;
}

export function phaseGraphs(setup: PhaseSetup): PhaseGraphs {
  const { batch, rest, steps, perWindow } = setup.batching;
  const parts = [
    { part: "batch" as const, size: batch, start: 0, when: steps > 0 },
    { part: "rest" as const, size: rest, start: batch * (steps % perWindow), when: rest > 0 },
  ];
  const built = parts.filter((p) => p.when).map((p) => buildStep(setup, p));
  return {
    graphs: built.map((b) => b.graph),
    weights: built[0]!.weights,
    states: new Map(built.flatMap((b) => [...b.states])),
    sums: built[0]!.sums,
    batchwise: built[0]!.batchwise,
  };
}

interface Part {
  readonly part: "batch" | "rest";
  readonly size: number;
  /** First position of the part in its window. */
  readonly start: number;
}

function buildStep(setup: PhaseSetup, part: Part) {
  const { spec, phase, examples } = setup;
  const resident = { count: setup.batching.window, constant: !isStreamed(examples) };
  const state = new StepState();
  const iteration = state.scalar(names.iteration, "i32");
  const rows = scoped("batch", () => batchRows(setup, part, state));
  const read = (side: "inputs" | "targets", data: ReadonlyMap<string, AnySamples>) =>
    new Map(
      [...data].map(([name, s]) => [
        name,
        gather(names.data(phase, side, name), s, resident, rows),
      ]),
    );
  const inputs = bindInputs(
    spec.model,
    scoped("batch", () => read("inputs", examples.inputs)),
  );
  const targets = scoped("batch", () => read("targets", examples.targets));
  const weights =
    examples.weights &&
    scoped("batch", () => gather(names.weights(phase), examples.weights!, resident, rows));
  const model = buildModel(spec.model, {
    training: phase === "train",
    inputs,
    uniform: (shape, request) => uniform(iteration, spec.seed, request, shape),
  });
  const totals = new Totals(state, phase, part.size);
  const loss = scoped("loss", () => measure(spec, totals, { targets, weights }, model));
  if (phase === "train") {
    addUpdates(spec, state, iteration, loss, model);
    for (const { variable: kept, value } of model.updates) state.update(kept, value);
    state.update(iteration, op.add(iteration, 1));
  }
  const graph = { name: names.procedure(phase, part.part), updates: state.updates };
  const batchwise = spec.outputs.some((o) => isBatchwise(o.loss, model.masks.get(o.layer)));
  return { graph, weights: model.weights, states: state.states, sums: totals.sums, batchwise };
}

/** The data variables of a phase, and what they hold. */
export function dataVariables<S extends AnySamples>(
  phase: Phase,
  { inputs, targets, weights }: Examples<S>,
): ReadonlyMap<string, S> {
  const variables = new Map<string, S>();
  for (const [name, s] of inputs) variables.set(names.data(phase, "inputs", name), s);
  for (const [name, s] of targets) variables.set(names.data(phase, "targets", name), s);
  if (weights) variables.set(names.weights(phase), weights);
  return variables;
}

/** Variables that never change: examples that are in memory as a whole, and what standardises them. */
export function constantsOf(
  phase: Phase,
  examples: Examples<AnySamples>,
): ReadonlyMap<string, Values> {
  const streamed = isStreamed(examples);
  const constants = new Map<string, Values>();
  for (const [name, samples] of dataVariables(phase, examples)) {
    if (!streamed && !isStored(samples)) constants.set(name, samples.values);
    for (const [own, values] of standardConstants(name, samples)) constants.set(own, values);
  }
  return constants;
}

/** Which examples the step works on, and the cursor moved on. */
function batchRows(
  { phase, spec, batching }: PhaseSetup,
  { part, size, start }: Part,
  state: StepState,
): Tensor {
  const cursor = state.ofPass(names.cursor(phase), [], "i32");
  const own = iota([size]);
  const position = part === "batch" ? op.add(op.mul(cursor, size), own) : op.add(own, start);
  if (part === "batch") state.update(cursor, op.add(cursor, 1));
  if (phase !== "train" || !spec.train.shuffle) return position;
  const order = variable({
    name: names.order,
    kind: "data",
    shape: [batching.window],
    dtype: "i32",
  });
  return take(order, position);
}

/** What of the data is in memory: how many examples, and whether they are always the same ones. */
interface Resident {
  readonly count: number;
  readonly constant: boolean;
}

function gather(
  name: string,
  samples: AnySamples,
  { count, constant }: Resident,
  rows: Tensor,
): Tensor {
  const all = variable({
    name,
    kind: "data",
    constant,
    shape: [count, ...samples.shape],
    dtype: dtypeOf(samples),
  });
  return decoded(name, take(all, rows), samples);
}

/** What a pass adds up: the sums behind loss and metrics, and the samples they are taken over. */
class Totals {
  readonly sums = new Map<string, readonly string[]>();
  readonly #state: StepState;
  readonly #phase: Phase;
  readonly #size: number;

  constructor(state: StepState, phase: Phase, size: number) {
    this.#state = state;
    this.#phase = phase;
    this.#size = size;
    const samples = state.ofPass(names.samples(phase));
    state.update(samples, op.add(samples, size));
  }
  add(metric: string, sums: Readonly<Record<string, Tensor>>): void {
    this.sums.set(metric, Object.keys(sums));
    for (const [sum, value] of Object.entries(sums)) {
      const total = this.#state.ofPass(names.total(this.#phase, metric, sum), value.type.shape);
      this.#state.update(total, op.add(total, value));
    }
  }
  /** @param mean over the samples of the batch, of shape [] */
  mean(metric: string, mean: Tensor): void {
    this.add(metric, { total: op.mul(mean, this.#size) });
  }
}

/** Adds up loss and metrics; gives the loss to be made small, of shape []. */
function measure(spec: Spec, totals: Totals, wanted: Wanted, built: Built): Tensor {
  const several = spec.outputs.length > 1;
  const { each, whole } = lossOf(spec, wanted, built);
  for (const [output, value] of each) {
    if (several) totals.mean(`${output.layer}_loss`, value);
    const prediction = built.outputs.get(output.layer)!;
    const target = targetOf(output, several, wanted.targets);
    const mask = built.masks.get(output.layer);
    for (const { name, metric } of output.metrics) {
      const form = metric.definition.targets(target, prediction, metric.options);
      const own = alignTarget(target, prediction, form)!;
      totals.add(name, metric.definition.sums(own, prediction, metric.options, mask));
    }
  }
  totals.mean("loss", whole);
  return whole;
}

/** The optimizer's part: gradients of the loss, and what they do to the weights. */
function addUpdates(
  { optimizer, accumulate }: Spec,
  state: StepState,
  iteration: Tensor,
  loss: Tensor,
  built: Built,
): void {
  const trained = built.weights.filter((w) => w.trainable);
  const raw = gradientsOf(
    loss,
    trained.map((w) => w.name),
    built,
  );
  const parameters = trained.map(({ name, layer, constraint }, i): Parameter => {
    const constrain =
      constraint && ((w: Tensor) => constraint.definition.apply(w, constraint.options));
    const w = built.read.get(name)!.at(-1)!;
    return { name, layer, variable: built.tensors.get(name)!, w, g: raw[i]!, constrain };
  });
  const rate = rateOf(optimizer.options.learning_rate, iteration, state);
  optimise(optimizer, parameters, { rate, accumulate }, state);
}
