/** Random models for tests of prediction. */
import type { Samples } from "../../src/data/dataset.ts";
import { sizeOf } from "../../src/ir/graph.ts";
import type { Weight } from "../../src/nn/model.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec, type Spec } from "../../src/spec/spec.ts";
import { initialWeights } from "../../src/train/session.ts";
import { random } from "../support/evaluate.ts";

type Random = ReturnType<typeof random>;

/** @param layers lines of YAML, without the `model:` above them */
export function specOf(layers: readonly string[], more = "loss: mse"): Spec {
  const model = layers.map((l) => `  - ${l}`).join("\n");
  const text = `data: mnist\nmodel:\n${model}\n${more}\noptimizer: sgd\ntrain: { epochs: 1 }\n`;
  return resolveSpec(parseSpec(text, "test.yaml", "."));
}

const activation = (r: Random) =>
  r.pick(["relu", "tanh", "gelu", "sigmoid", "softplus", "linear", "elu"]);

/** A normalisation or a function, or nothing. */
const between = (r: Random): readonly string[] =>
  r.pick([
    ["batch_normalization: { epsilon: 0.01 }"],
    ["batch_normalization: { scale: false }", `activation: { function: ${activation(r)} }`],
    ["batch_normalization: { center: false }", "dropout: { rate: 0.4 }"],
    [`activation: { function: ${activation(r)} }`, "batch_normalization"],
    ["layer_normalization"],
    ["dropout: { rate: 0.4 }"],
    [],
  ]);

/** Layers from images [7, 6, 4] to a few numbers. */
export function randomLayers(r: Random): readonly string[] {
  const convolution = () =>
    r.pick([
      () =>
        `conv2d: { filters: ${r.int(3, 9)}, kernel_size: 3, padding: ${r.pick(["same", "valid"])} }`,
      () => `conv2d: { filters: 8, kernel_size: 2, strides: 2, padding: same, use_bias: false }`,
      () => `conv2d: { filters: 6, kernel_size: 1, activation: ${activation(r)} }`,
      () => `depthwise_conv2d: { kernel_size: 2, depth_multiplier: ${r.int(1, 3)} }`,
      () => `conv2d_transpose: { filters: 5, kernel_size: 2, strides: 2, padding: same }`,
    ])();
  const dense = () =>
    `dense: { units: ${r.int(2, 20)}, activation: ${activation(r)}, use_bias: ${r.pick(["true", "false"])} }`;
  const first = r.pick([[], ["batch_normalization"], ["layer_normalization"]]);
  const grouped = r.pick([
    [],
    ["conv2d: { filters: 6, kernel_size: 2, groups: 2, padding: same }", ...between(r)],
  ]);
  return [
    "input: { shape: [7, 6, 4] }",
    ...first,
    ...grouped,
    convolution(),
    ...between(r),
    convolution(),
    ...between(r),
    "flatten",
    dense(),
    ...between(r),
    dense(),
    ...between(r),
  ];
}

/** First weights, those that begin alike made different: a mean of 0 and a variance of 1 hide mistakes. */
export function randomWeights(weights: readonly Weight[], seed: number): Map<string, Float32Array> {
  const r = random(seed);
  const values = initialWeights(weights, seed);
  for (const { name, shape } of weights) {
    if (shape.length > 1) continue;
    const positive = /gamma|variance/.test(name);
    values.set(name, Float32Array.from(r.array(sizeOf(shape), positive ? 0.5 : -0.5, 1.5)));
  }
  return values;
}

export function randomSamples(r: Random, count: number, bytes: boolean): Samples {
  const shape = [7, 6, 4];
  const n = count * sizeOf(shape);
  if (bytes) {
    const values = Uint8Array.from({ length: n }, () => r.int(0, 255));
    return { shape, values, scale: 1 / 255 };
  }
  return { shape, values: Float32Array.from(r.array(n)) };
}
