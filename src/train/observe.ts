/** Weights whose first values are found in the training data: the mean and variance of a `normalization`. */
import type { AnySamples, Examples } from "../data/dataset.ts";
import { momentsOf } from "../data/stream/survey.ts";
import { bindInputs } from "../infer/inputs.ts";
import type { Shape } from "../ir/graph.ts";
import type { Initializer } from "../nn/initializers.ts";
import type { Model, Weight } from "../nn/model.ts";
import { fail, internal } from "../support/errors.ts";

/** What an observing weight's layer reads, and the shape that its input layer gives it. */
interface Source {
  readonly samples: AnySamples;
  readonly shape: Shape;
}

/** @throws ProblemError if the layer reads something that is computed */
function sourceOf(model: Model, { layer: name }: Weight, examples: Examples<AnySamples>): Source {
  const layer = model.layers.find((l) => l.name === name);
  if (!layer) throw internal(`there is no layer ${name}`);
  const input = model.layers.find((l) => l.name === layer.from[0]);
  const samples = bindInputs(model, examples.inputs).get(layer.from[0]!);
  if (!input || !samples) {
    fail({
      path: layer.path,
      message: `layer ${name}: its statistics would be those of what layer ${layer.from[0]} computes`,
      expected: "that it reads an input of the model",
      received: `from: ${layer.from[0]}`,
      fix: "put it right behind the input, or give it `mean` and `variance`",
    });
  }
  return { samples, shape: (input.layer.options["shape"] as Shape | undefined) ?? samples.shape };
}

/** Checks that every such weight reads an input. */
export function checkObserved(
  model: Model,
  weights: readonly Weight[],
  examples: Examples<AnySamples>,
): void {
  for (const weight of weights) if (weight.observe) sourceOf(model, weight, examples);
}

/** The same weights; those that observe have an initializer with what they saw. */
export function observed(
  model: Model,
  weights: readonly Weight[],
  examples: Examples<AnySamples>,
): readonly Weight[] {
  return weights.map((weight) => {
    if (!weight.observe) return weight;
    const { samples, shape } = sourceOf(model, weight, examples);
    const { observe } = weight;
    let found: Float32Array | undefined;
    const definition: Initializer = {
      name: "observed",
      doc: "From the training data",
      options: {},
      fill() {
        found ??= observe({ shape, ...momentsOf(samples) });
        return Float32Array.from(found);
      },
    };
    return { ...weight, initializer: { definition, options: {} } };
  });
}
