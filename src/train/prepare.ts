/** Before a graph is built: model, data and losses are held against each other. */
import type { AnySamples, Examples } from "../data/dataset.ts";
import { extremesOf } from "../data/extremes.ts";
import { isStored, typeOf } from "../data/stream/stored.ts";
import { bindInputs } from "../infer/inputs.ts";
import { type Tensor, variable } from "../ir/graph.ts";
import type { Named } from "../nn/definition.ts";
import { showShape } from "../nn/layers/layer.ts";
import { alignTarget } from "../nn/losses/loss.ts";
import type { Metric } from "../nn/metrics/metric.ts";
import { type Built, buildModel, inputLayers } from "../nn/model.ts";
import { fill } from "../ops/view.ts";
import type { OutputSpec, Spec } from "../spec/spec.ts";
import { fail, type Problem, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { checkTargets } from "./check-targets.ts";
import { targetOf } from "./objective.ts";
import { checkObserved } from "./observe.ts";

/** Two examples are enough to tell the batch from other dimensions. */
const probe = 2;

/**
 * Builds the model on the shapes of the data, for its weights and the shape of every layer's output.
 * @param batch examples in the batch
 * @throws ProblemError where layers, inputs, outputs, losses and data do not fit each other
 */
export function checkModel(spec: Spec, examples: Examples<AnySamples>, batch = probe): Built {
  const inputs = new Map(
    inputLayers(spec.model).map((layer) => {
      const samples = inputSamples(spec, examples, layer.name, layer.layer.options["source"]);
      return [layer.name, placeholder(layer.name, samples, batch)];
    }),
  );
  const built = buildModel(spec.model, {
    training: false,
    inputs,
    uniform: (shape) => fill(0, shape),
  });
  const several = spec.outputs.length > 1;
  for (const output of spec.outputs) checkOutput(output, built, several, examples);
  checkNumbers(spec, examples);
  checkObserved(spec.model, built.weights, examples);
  return built;
}

const placeholder = (name: string, samples: AnySamples, batch: number): Tensor =>
  variable({ name, kind: "data", shape: [batch, ...samples.shape] });

function inputSamples(
  spec: Spec,
  examples: Examples<AnySamples>,
  layer: string,
  source: unknown,
): AnySamples {
  const wanted = typeof source === "string" ? source : layer;
  const found = examples.inputs.get(wanted);
  if (found) return found;
  const all = [...examples.inputs.keys()];
  if (source === undefined && all.length === 1 && inputLayers(spec.model).length === 1) {
    return [...examples.inputs.values()][0]!;
  }
  const { path } = spec.model.layers.find((l) => l.name === layer)!;
  const near = suggest(wanted, all);
  return fail({
    path: source === undefined ? path : [...path, "input", "source"],
    message: `the data has no input "${wanted}"`,
    expected: oneOf(all),
    received: wanted,
    fix: near ? `did you mean \`${near}\`?` : "name the input with `source:`",
  });
}

/** Layers that take whole numbers only, such as embeddings, must find such in the data they read. */
export function checkNumbers(
  { model }: Spec,
  { inputs }: Pick<Examples<AnySamples>, "inputs">,
): void {
  const shown = bindInputs(model, inputs);
  for (const { name, layer, from, path } of model.layers) {
    const wanted = layer.definition.wants?.(layer.options);
    const samples = wanted && shown.get(from[0]!);
    if (!wanted || !samples) continue;
    const { lowest, highest, option } = wanted;
    const fits = (v: number) => Number.isInteger(v) && v >= lowest && v <= highest;
    const changed = samples.scale !== undefined || samples.standard !== undefined;
    const wrong = changed ? 0.5 : misfitOf(samples, fits);
    if (wrong === undefined) continue;
    fail({
      path: [...path, layer.definition.name, ...option],
      message: `layer ${name}: the data has numbers that do not fit`,
      expected: `whole numbers from ${lowest} to ${highest}`,
      received: changed ? "numbers between" : `${wrong}`,
      fix:
        Number.isInteger(wrong) && wrong > highest
          ? `write \`${option.at(-1)}: ${largest(samples) + 1}\``
          : `let ${layer.definition.name} read an input of whole numbers only`,
    });
  }
}
const largest = (samples: AnySamples): number => Math.floor(extremesOf(samples).most);

/** A value that does not fit a range of whole numbers, if there is one. */
function misfitOf(samples: AnySamples, fits: (v: number) => boolean): number | undefined {
  if (!isStored(samples)) return samples.values.find((v) => !fits(v));
  const { least, most, whole } = samples.facts;
  return [least, most].find((v) => !fits(v)) ?? (whole ? undefined : 0.5);
}

function checkOutput(
  output: OutputSpec,
  built: Built,
  several: boolean,
  examples: Examples<AnySamples>,
): void {
  const prediction = built.outputs.get(output.layer)!;
  const all = [...examples.targets.keys()];
  if (!examples.targets.has(output.layer) && (several || all.length !== 1)) {
    fail({
      path: output.lossPath,
      message: `the data has no target for output ${output.layer}`,
      expected: oneOf(all),
      received: output.layer,
      fix: "an output layer bears the name of its target",
    });
  }
  const samples = targetOf(output, several, examples.targets);
  const target = placeholder("target", samples, prediction.type.shape[0]!);
  const shown = showShape(prediction.type.shape);
  if (!alignTarget(target, prediction, output.loss.definition.targets)) {
    fail({
      path: output.lossPath,
      message: `${output.loss.definition.name} cannot compare the output with the data's target`,
      expected: `a target of shape ${targetShape(prediction, output.loss.definition.targets)}`,
      received: `a target of shape ${showShape(target.type.shape)}`,
      notes: [`layer ${output.layer} gives ${shown}`],
      fix: adviceFor(output, prediction, samples),
    });
  }
  const { shape } = prediction.type;
  const mask = built.masks.get(output.layer)?.type.shape;
  const unfit = output.loss.definition.unfit?.(shape, output.loss.options, mask);
  if (unfit) fail(optionProblem(unfit, output.loss.definition.name, output.lossOptions, shown));
  for (const { metric, path, optionsPath } of output.metrics) {
    const form = metric.definition.targets(target, prediction, metric.options);
    const wrong = metric.definition.unfit?.(shape, metric.options, mask);
    if (wrong) fail(optionProblem(wrong, metric.definition.name, optionsPath, shown));
    if (alignTarget(target, prediction, form)) continue;
    const fix = metricAdvice(metric, samples);
    fail({
      path,
      message: `${metric.definition.name} cannot compare the output with the data's target`,
      expected: `a target of shape ${targetShape(prediction, form)}`,
      received: `a target of shape ${showShape(target.type.shape)}`,
      notes: [`layer ${output.layer} gives ${shown}`],
      ...(fix ? { fix } : {}),
    });
  }
  checkTargets(output, prediction, samples);
}

/** A problem with the options of a loss or metric, with its place in the spec. */
const optionProblem = (problem: Problem, name: string, path: SpecPath, shown: string): Problem => ({
  ...problem,
  path: [...path, ...problem.path],
  message: `${name}: ${problem.message}`,
  notes: [`the prediction is ${shown}`],
});

const targetShape = (prediction: Tensor, form: "labels" | "values") =>
  showShape(form === "labels" ? prediction.type.shape.slice(0, -1) : prediction.type.shape);

const isLabels = (samples: AnySamples) =>
  samples.shape.every((n) => n === 1) && typeOf(samples) !== "float32";

function metricAdvice({ definition, options }: Named<Metric>, samples: AnySamples) {
  if (isLabels(samples) && definition.name === "categorical_accuracy")
    return "use `sparse_categorical_accuracy`";
  if (options["sparse_y_pred"] !== true) return undefined;
  return "add `sparse_y_pred: false` if the output has one number for each class";
}

function adviceFor({ layer, loss }: OutputSpec, prediction: Tensor, samples: AnySamples): string {
  const { name } = loss.definition;
  if (prediction.type.shape.length > Math.max(samples.shape.length, 1) + 1) {
    return `an example has too many dimensions there: put \`flatten\` before layer ${layer}`;
  }
  if (isLabels(samples) && name === "categorical_crossentropy") {
    return "the targets are class numbers: use `sparse_categorical_crossentropy`";
  }
  if (isLabels(samples) && prediction.type.shape.length === 2) {
    return name === "sparse_categorical_crossentropy"
      ? `let layer ${layer} give one value a class`
      : "for class numbers use `sparse_categorical_crossentropy`, or end with one unit";
  }
  const width = samples.shape.at(-1) ?? 1;
  return `end with a layer of ${width} unit${width === 1 ? "" : "s"}, of rank ${samples.shape.length || 1}`;
}
