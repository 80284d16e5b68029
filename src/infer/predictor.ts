/**
 * Prediction: a compiled forward pass with its weights folded and prepared. Examples go through in batches;
 * a program knows nothing of how many there are, so the same one, once compiled, serves any number.
 */
import { isDeepStrictEqual } from "node:util";
import { forInference } from "../compiler/inference.ts";
import { compileOnce } from "../compiler/recall.ts";
import type { AnySamples } from "../data/dataset.ts";
import { isStored, makeValues, readRows, typeOf } from "../data/stream/stored.ts";
import { type Shape, sameShape, sizeOf } from "../ir/graph.ts";
import type { Backend, Executable, Program, Values } from "../ir/program.ts";
import type { Weight } from "../nn/model.ts";
import type { Spec } from "../spec/spec.ts";
import { invariant } from "../support/errors.ts";
import { forwardGraph, type InputTypes, names, type OutputType } from "./graphs.ts";
import { dtypeOf, standardConstants } from "./inputs.ts";

export interface PredictionOptions {
  /** Shape, storage type and scale of the examples to come; the values are not looked at. */
  readonly inputs: InputTypes;
  /** Examples at once. */
  readonly batch?: number;
  /** How many examples there will be, if known: then the last batch has a procedure of its own size. */
  readonly count?: number;
}
const defaultBatch = 500;

/** What is to be compiled. */
export interface PredictionPlan {
  readonly graphs: ReturnType<typeof forInference>;
  readonly inputs: InputTypes;
  /** Sizes of the batches there are procedures for, largest first. */
  readonly sizes: readonly number[];
  readonly weights: readonly Weight[];
  readonly outputs: ReadonlyMap<string, OutputType>;
}

/** @throws ProblemError where the model and the inputs do not fit each other */
export function planPrediction(spec: Spec, options: PredictionOptions): PredictionPlan {
  const { inputs, batch = defaultBatch, count = batch } = options;
  const size = Math.max(1, Math.min(batch, count));
  const rest = count % size;
  const sizes = rest > 0 ? [size, rest] : [size];
  const built = sizes.map((n) => forwardGraph(spec, inputs, n));
  const { weights, outputs } = built[0]!;
  const graphs = forInference(
    built.map((b) => b.graph),
    names.prepare,
  );
  return { graphs, inputs, sizes, weights, outputs };
}

export function compilePrediction({ graphs }: PredictionPlan, backend: Backend): Program {
  return compileOnce([...(graphs.prepare ? [graphs.prepare] : []), ...graphs.graphs], backend);
}

/** What an output layer gives: `values` is [count, …shape]. */
export interface Prediction {
  readonly shape: Shape;
  readonly values: Float32Array;
}

export class Predictor {
  readonly plan: PredictionPlan;
  readonly program: Program;
  readonly executable: Executable;

  private constructor(plan: PredictionPlan, program: Program, executable: Executable) {
    this.plan = plan;
    this.program = program;
    this.executable = executable;
  }

  /** @param weights all of the model's, by `<layer>/<weight>` */
  static async open(
    plan: PredictionPlan,
    backend: Backend,
    weights: ReadonlyMap<string, Values>,
    threads?: number,
  ): Promise<Predictor> {
    const program = compilePrediction(plan, backend);
    const options = threads === undefined ? {} : { threads };
    const constants = plan.sizes.flatMap((size) =>
      [...plan.inputs].flatMap(([name, samples]) => [
        ...standardConstants(names.input(size, name), samples),
      ]),
    );
    const executable = await backend.compile(program, new Map(constants), options);
    const predictor = new Predictor(plan, program, executable);
    await predictor.setWeights(weights);
    return predictor;
  }

  /** Predicts with other weights from now on. */
  async setWeights(weights: ReadonlyMap<string, Values>): Promise<void> {
    const used = new Set(this.program.variables.map((v) => v.name));
    for (const { name } of this.plan.weights) {
      const values = weights.get(name);
      invariant(values, `no weight ${name}`);
      if (used.has(name)) this.executable.write(name, values);
    }
    if (this.plan.graphs.prepare) await this.executable.run(names.prepare, 1);
  }

  /**
   * What every output layer gives for each of `count` examples.
   * @param inputs of the shapes and storage types that were planned for
   */
  async predict(
    inputs: ReadonlyMap<string, AnySamples>,
    count: number,
  ): Promise<ReadonlyMap<string, Prediction>> {
    this.#check(inputs, count);
    const results = new Map(
      [...this.plan.outputs].map(([layer, { shape }]) => [
        layer,
        { shape, values: new Float32Array(count * sizeOf(shape)) },
      ]),
    );
    for (let done = 0; done < count; ) {
      const size = this.#sizeFor(count - done);
      const present = Math.min(size, count - done);
      for (const [name, samples] of inputs)
        await this.#writeBatch(name, samples, size, done, present);
      await this.executable.run(names.procedure(size), 1);
      for (const [layer, { shape, values }] of results) {
        const batch = await this.executable.read(names.output(size, layer));
        values.set(batch.subarray(0, present * sizeOf(shape)), done * sizeOf(shape));
      }
      done += present;
    }
    return results;
  }

  dispose(): Promise<void> {
    return this.executable.dispose();
  }

  /** Whole batches, then the smallest one that holds the rest. */
  #sizeFor(left: number): number {
    const { sizes } = this.plan;
    return sizes.findLast((n) => n >= left) ?? sizes[0]!;
  }

  /** Where there are fewer examples than the procedure takes, those behind them are zeros. */
  async #writeBatch(
    name: string,
    samples: AnySamples,
    size: number,
    from: number,
    present: number,
  ): Promise<void> {
    const one = sizeOf(samples.shape);
    const inPlace = !isStored(samples) && present === size;
    const input = names.input(size, name);
    if (inPlace) {
      this.executable.lend(input, samples.values.subarray(from * one, (from + size) * one));
      return;
    }
    const batch = makeValues(typeOf(samples), size * one);
    await readRows(samples, from, batch.subarray(0, present * one));
    this.executable.write(input, batch);
  }

  #check(inputs: ReadonlyMap<string, AnySamples>, count: number): void {
    for (const [name, planned] of this.plan.inputs) {
      const given = inputs.get(name);
      invariant(given, `no examples for ${name}`);
      const fits =
        sameShape(given.shape, planned.shape) &&
        dtypeOf(given) === dtypeOf(planned) &&
        given.scale === planned.scale &&
        isDeepStrictEqual(given.standard, planned.standard) &&
        (isStored(given) || given.values.length === count * sizeOf(given.shape));
      invariant(
        fits,
        () => `${name}: not ${count} examples of ${dtypeOf(planned)}[${planned.shape}]`,
      );
    }
  }
}

/** Plans and opens in one call. */
export function openPredictor(
  spec: Spec,
  weights: ReadonlyMap<string, Values>,
  backend: Backend,
  { threads, ...options }: PredictionOptions & { readonly threads?: number },
): Promise<Predictor> {
  return Predictor.open(planPrediction(spec, options), backend, weights, threads);
}
