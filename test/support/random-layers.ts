/** Random cases of single layers for Keras to answer: options of every kind, inputs, masks, training or not. */
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { layerOption } from "../../src/spec/schema.ts";
import { modelOf } from "./check-layer.ts";
import type { Drawn } from "./drawn.ts";
import { random } from "./evaluate.ts";
import type { Options, Values } from "./keras.ts";
import type { LayerCase, Random } from "./layer-case.ts";
import { layerCases } from "./layer-cases.ts";
import { someActivations, someOptions, someParts, tidy } from "./random-options.ts";

export interface RandomLayer {
  readonly layer: string;
  readonly options: Options;
  readonly training: boolean;
  readonly trainable: boolean;
  readonly x: readonly Drawn[];
  readonly masks: readonly (Values | null)[];
  /** The weights' numbers follow from it. */
  readonly seed: number;
}

/** Layers that Keras and nnc disagree about when a mask comes in: fixtures/keras/README.md says how. */
const unmasked = ["softmax", "random_"];
/** Too large an example makes a large fixture. */
const most = 24;

/** A case of a layer's generator with more options, that a spec could have and that is small where it can be. */
export function drawCase(name: string, r: Random): LayerCase {
  const definition = layers.find((l) => l.name === name)!;
  for (let attempt = 0; ; attempt++) {
    const drawn = layerCases[name]!(r);
    const bare = Object.keys(drawn.options).length === 0 ? someOptions(r, definition) : {};
    const own = someActivations(r, { ...bare, ...drawn.options });
    const options = tidy({ ...own, ...someParts(r, definition, 0.3) });
    const size = drawn.inputs.reduce((n, s) => n + sizeOf(s), sizeOf(drawn.output));
    const found = { ...drawn, options };
    const small = size <= most * (drawn.inputs.length + 1) || attempt > 30;
    if (small && isWhole(name, found)) return found;
  }
}

/** Options that fit together, and no weights that wait for the training data. */
function isWhole(name: string, { options, inputs }: LayerCase): boolean {
  if (!layerOption().safeParse({ [name]: options }).success) return false;
  const text = JSON.stringify({ [name]: options });
  // Keras's SimpleRNN forgets it.
  if (/"simple_rnn":.*"activity_regularizer"/.test(text)) return false;
  // TensorFlow's windows of three dimensions begin elsewhere in what a stride skips.
  if (/"\w+3d\w*":.*"same"/.test(text) && skips(options)) return false;
  // TensorFlow reads beyond what a window as large as the input gives.
  if (/"adaptive_\w+":\{"output_size":(1\b|\[[^\]]*\b1\b)/.test(text)) return false;
  // Not on TensorFlow's CPU.
  // Keras's scale broadcasts from the last dimension only.
  if (/"rms_normalization":\{[^}]*"axis":1/.test(text)) return false;
  if (text.includes("_transpose") && text.includes("dilation_rate")) return false;
  if (text.includes('"normalization"') && !text.includes('"mean"')) return false;
  // Keras goes along the first dimension behind the batch, or along that.
  const lists = /"output_mode":"(multi_hot|count)"/.test(text);
  if (lists && inputs.some((s) => s.length !== (text.includes("time_distr") ? 2 : 1))) return false;
  // Nor dimensions of 1 in a product, and it wants two letters before `...`.
  const ones = inputs.some((s) => s.includes(1)) || /"output_shape":(\[[^\]]*)?\b1\b/.test(text);
  if (text.includes("einsum_dense") && (ones || /":"\w\.\.\./.test(text))) return false;
  // Keras's EinsumDense mixes up several heads where a width is 1, see README.md of the fixtures.
  if (/"(key|value|head)_dim":1\b/.test(text)) return false;
  return /multi_head|group_query/.test(text) ? inputs.every((s) => s.at(-1)! > 1) : true;
}

/** Whether strides are longer than windows, in a layer's options or in those of a layer that is one. */
function skips(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { strides, kernel_size, pool_size } = value as Options;
  const of = (option: unknown) =>
    (Array.isArray(option) ? option : [option, option, option]) as number[];
  const windows = of(kernel_size ?? pool_size);
  if (strides !== undefined && of(strides).some((s, d) => s > windows[d]!)) return true;
  return Object.values(value).some(skips);
}

/** How often a layer in training asks for random numbers. */
export const requests = (name: string, drawn: LayerCase): number =>
  modelOf(name, drawn, { batch: 2, training: true }).requests;

const cells = [
  "simple_rnn",
  "lstm",
  "gru",
  "conv_lstm1d",
  "conv_lstm2d",
  "conv_lstm3d",
  "bidirectional",
];

/** @param below whole numbers from 0 to below it; else numbers from −2 to 2 */
export function drawn(shape: Shape, seed: number, below?: number): Drawn {
  const range =
    below === undefined
      ? { low: -2048, high: 2048, unit: 1024 }
      : { low: 0, high: below - 1, unit: 1 };
  return { shape, drawn: { seed, ...range } };
}

/**
 * Steps that are there, at least one in each example; the first, where a step sees none after it: in single
 * precision an attention to nothing is another one.
 */
function drawMask(r: Random, shape: Shape, causal: boolean): Values {
  const rows = Array.from({ length: shape[0]! }, () => {
    const row = Array.from({ length: shape[1]! }, () => r.int(0, 1));
    row[causal ? 0 : r.int(0, row.length - 1)] = 1;
    return row;
  });
  return { shape: shape.slice(0, 2), values: rows.flat() };
}

export function randomLayer(name: string, seed: number): RandomLayer {
  const r = random(seed);
  const own = drawCase(name, r);
  const isRandom = requests(name, own) > 0;
  const training = r.pick([true, false]) && (!isRandom || cells.includes(name));
  const batch = r.int(2, 3);
  const shapes = own.inputs.map((shape): Shape => [batch, ...shape]);
  const text = JSON.stringify([name, own.options]);
  // Of inputs of different ranks Keras lines up the numbers, and not the masks.
  const alike = new Set(shapes.map((s) => s.length)).size === 1;
  const causal = text.includes('"use_causal_mask":true');
  const masked = r.uniform() < 0.3 && alike && !unmasked.some((n) => text.includes(n));
  return {
    layer: name,
    options: own.options,
    training,
    trainable: r.uniform() < 0.85,
    x: shapes.map((shape, i) => drawn(shape, 10 * seed + i, own.below)),
    masks: shapes.map((shape) =>
      masked && shape.length > 2 && r.uniform() < 0.8 ? drawMask(r, shape, causal) : null,
    ),
    seed,
  };
}
