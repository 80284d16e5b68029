/**
 * The model at one batch, with everything laid open: the loss, its gradients, what layers give. Dropout and other
 * random numbers are those of one step, the same each time, so that the loss is a function of the weights.
 */
import { compile } from "../compiler/compile.ts";
import type { Examples, Samples } from "../data/dataset.ts";
import { bindInputs, decoded, dtypeOf, standardConstants } from "../infer/inputs.ts";
import { type Graph, scoped, type Tensor, type Update, variable } from "../ir/graph.ts";
import type { Backend, Executable, Values } from "../ir/program.ts";
import { type Built, buildModel } from "../nn/model.ts";
import { add, float } from "../ops/pointwise.ts";
import { uniform } from "../ops/random.ts";
import type { OutputSpec, Spec } from "../spec/spec.ts";
import { gradientsOf, lossOf, type Wanted } from "../train/objective.ts";
import type { Patient } from "./finding.ts";

/** The graph's parts, for what a check wants to read of them. */
export interface Opened {
  readonly spec: Spec;
  readonly built: Built;
  readonly wanted: Wanted;
  readonly each: ReadonlyMap<OutputSpec, Tensor>;
  readonly loss: Tensor;
  /** A tensor of zeros that is added to each layer's output, where the probe is told to tap them. */
  readonly taps: ReadonlyMap<string, Tensor>;
}

/** Results by name, in one or several procedures: what need not be computed together stands apart. */
export type Wishes = (opened: Opened) => Readonly<Record<string, ReadonlyMap<string, Tensor>>>;

export interface ProbeOptions {
  readonly training: boolean;
  readonly taps?: boolean;
  readonly backend?: Backend;
}

export class Probe {
  readonly #executable: Executable;
  readonly #known: ReadonlySet<string>;

  private constructor(executable: Executable, known: ReadonlySet<string>) {
    this.#executable = executable;
    this.#known = known;
  }

  /** Starts with the patient's first weights. */
  static async open(
    patient: Patient,
    examples: Examples,
    wishes: Wishes,
    { training, taps = false, backend = patient.backend }: ProbeOptions,
  ): Promise<Probe> {
    const opened = openModel(patient.spec, examples, training, taps);
    const graphs = Object.entries(wishes(opened)).map(
      ([name, results]): Graph => ({
        name,
        updates: [...results].map(([result, value]): Update => {
          const { shape } = value.type;
          return { variable: variable({ name: `probe/${result}`, shape }), value: float(value) };
        }),
      }),
    );
    const program = compile(graphs, backend.traits);
    const known = new Set(program.variables.map((v) => v.name));
    const constants = new Map(
      arrays(examples).flatMap(({ name, samples }): [string, Values][] => [
        [name, samples.values],
        ...standardConstants(name, samples),
      ]),
    );
    const used = new Map([...constants].filter(([name]) => known.has(name)));
    const executable = await backend.compile(program, used, { threads: patient.threads });
    const probe = new Probe(executable, known);
    if (known.has(stepName)) executable.write(stepName, Int32Array.of(1));
    for (const [name, values] of patient.first) probe.write(name, values);
    return probe;
  }

  /** Sets a weight or a tap; what the probe does not depend on is passed over. */
  write(name: string, values: Values): void {
    if (this.#known.has(name)) this.#executable.write(name, values);
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  run(procedure: string): Promise<void> {
    return this.#executable.run(procedure, 1);
  }

  read(result: string): Promise<Float32Array | Float64Array> {
    return this.#executable.read(`probe/${result}`);
  }

  async scalar(result: string): Promise<number> {
    return (await this.read(result))[0]!;
  }

  dispose(): Promise<void> {
    return this.#executable.dispose();
  }
}

const stepName = "probe/step";
export const tapName = (layer: string) => `probe/tap/${layer}`;

interface NamedArray {
  readonly side: "inputs" | "targets" | "weights";
  readonly key: string;
  readonly name: string;
  readonly samples: Samples;
}

function arrays({ inputs, targets, weights }: Examples): readonly NamedArray[] {
  const named = (side: NamedArray["side"], of: ReadonlyMap<string, Samples>) =>
    [...of].map(([key, samples]) => ({ side, key, name: `probe/${side}/${key}`, samples }));
  return [
    ...named("inputs", inputs),
    ...named("targets", targets),
    ...(weights ? named("weights", new Map([["all", weights]])) : []),
  ];
}

function openModel(spec: Spec, examples: Examples, training: boolean, tapped: boolean): Opened {
  const read = scoped("batch", () =>
    arrays(examples).map(({ side, key, name, samples }) => {
      const shape = [examples.count, ...samples.shape];
      const stored = variable({ name, kind: "data", shape, dtype: dtypeOf(samples) });
      return { side, key, value: decoded(name, stored, samples) };
    }),
  );
  const of = (side: NamedArray["side"]) =>
    new Map(read.filter((x) => x.side === side).map((x) => [x.key, x.value]));
  const step = variable({ name: stepName, kind: "data", shape: [], dtype: "i32" });
  const taps = new Map<string, Tensor>();
  const built = buildModel(spec.model, {
    training,
    inputs: bindInputs(spec.model, of("inputs")),
    uniform: (shape, request) => uniform(step, spec.seed, request, shape),
    ...(tapped ? { tap: (layer: string, y: Tensor) => tap(layer, y, taps) } : {}),
  });
  const wanted = { targets: of("targets"), weights: of("weights").get("all") };
  const { each, whole } = scoped("loss", () => lossOf(spec, wanted, built));
  return { spec, built, wanted, each, loss: whole, taps };
}

function tap(layer: string, y: Tensor, taps: Map<string, Tensor>): Tensor {
  const zeros = variable({ name: tapName(layer), kind: "data", shape: y.type.shape });
  taps.set(layer, zeros);
  return add(y, zeros);
}

/** The loss's gradients with respect to weights that are trained. */
export function weightGradients({ built, loss }: Opened): ReadonlyMap<string, Tensor> {
  const trained = built.weights.filter((w) => w.trainable).map((w) => w.name);
  const found = gradientsOf(loss, trained, built);
  return new Map(trained.map((name, i) => [name, found[i]!]));
}
