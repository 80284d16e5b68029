/**
 * The graphs of a model's forward pass: one a number of examples at once. A step reads a batch from data
 * variables and leaves what the output layers give in state.
 */
import type { AnySamples } from "../data/dataset.ts";
import { type Graph, type Shape, scoped, type Tensor, type Update, variable } from "../ir/graph.ts";
import { logitsOf } from "../nn/activations.ts";
import { buildModel, type Weight } from "../nn/model.ts";
import type { Spec } from "../spec/spec.ts";
import { internal } from "../support/errors.ts";
import { bindInputs, decoded, dtypeOf } from "./inputs.ts";

/** Names of the procedures and variables of an inference program. */
export const names = {
  /** Computes what depends on the weights alone; runs after they are written. */
  prepare: "prepare",
  procedure: (size: number) => `predict_${size}`,
  input: (size: number, name: string) => `predict_${size}/inputs/${name}`,
  output: (size: number, layer: string) => `predict_${size}/outputs/${layer}`,
} as const;

/** What the examples to come look like. */
export type InputTypes = ReadonlyMap<string, AnySamples>;

export interface ForwardGraph {
  readonly graph: Graph;
  readonly weights: readonly Weight[];
  readonly outputs: ReadonlyMap<string, OutputType>;
}
/** What an output layer gives. */
export interface OutputType {
  /** For one example. */
  readonly shape: Shape;
  /** It ends in a softmax or a sigmoid. */
  readonly squashed: boolean;
}

/**
 * @param size examples a step takes
 * @throws ProblemError where the model and the inputs do not fit each other
 */
export function forwardGraph(spec: Spec, inputs: InputTypes, size: number): ForwardGraph {
  const examples = scoped("batch", () => {
    const read = ([name, samples]: readonly [string, AnySamples]): [string, Tensor] => {
      const own = names.input(size, name);
      const stored = variable({
        name: own,
        kind: "data",
        shape: [size, ...samples.shape],
        dtype: dtypeOf(samples),
      });
      return [name, decoded(own, stored, samples)];
    };
    return new Map([...inputs].map(read));
  });
  const built = buildModel(spec.model, {
    training: false,
    inputs: bindInputs(spec.model, examples),
    uniform: () => {
      throw internal("inference draws no random numbers");
    },
  });
  const outputs = spec.model.outputs.map((layer) => ({ layer, value: built.outputs.get(layer)! }));
  return {
    graph: { name: names.procedure(size), updates: updatesOf(size, outputs) },
    weights: built.weights,
    outputs: new Map(outputs.map(({ layer, value }) => [layer, outputType(value)])),
  };
}

const outputType = (value: Tensor): OutputType => ({
  shape: value.type.shape.slice(1),
  squashed: (["softmax", "sigmoid"] as const).some((squash) => logitsOf(value, squash)),
});

const updatesOf = (
  size: number,
  outputs: readonly { readonly layer: string; readonly value: Tensor }[],
): readonly Update[] =>
  outputs.map(({ layer, value }) => {
    const { shape, dtype } = value.type;
    return { variable: variable({ name: names.output(size, layer), shape, dtype }), value };
  });
