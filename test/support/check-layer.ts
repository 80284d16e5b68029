/** What holds for any layer, checked on a model that has only it: for tests only. */
import * as assert from "uvu/assert";
import { sameShape, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import { type Built, buildModel } from "../../src/nn/model.ts";
import { type LayerEntry, wire } from "../../src/nn/wiring.ts";
import { uniform } from "../../src/ops/random.ts";
import { layerOption } from "../../src/spec/schema.ts";
import { initialWeights } from "../../src/train/session.ts";
import { evaluate, type Feed, gradientError, input, random } from "./evaluate.ts";
import type { Options } from "./keras.ts";
import type { LayerCase } from "./layer-case.ts";

export interface ModelOf {
  readonly built: Built;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  /** How often random numbers were asked for. */
  readonly requests: number;
}
export interface How {
  readonly batch: number;
  readonly training: boolean;
  readonly seed?: number;
  /** The layer's name, where several share a program. */
  readonly own?: string;
}

/** The step counter that random numbers depend on. */
export const step = variable({ name: "step", shape: [], dtype: "i32", kind: "data" });

/** The layer alone in a model, through the spec's schema, the wiring and the model's builder. */
export function modelOf(
  name: string,
  { options, inputs: shapes }: Omit<LayerCase, "output">,
  { batch, training, seed = 1, own = "it" }: How,
): ModelOf {
  const entry = (key: string, raw: Options, called: string): LayerEntry => {
    const { extras: _, ...layer } = layerOption().parse({ [key]: raw });
    return { layer, name: called, from: undefined };
  };
  const layer = entry(name, options, own);
  const isInput = layer.layer.definition.takes === "none";
  const sources = isInput ? [own] : shapes.map((_, i) => `${own}.x${i}`);
  const entries = isInput
    ? [layer]
    : [
        ...sources.map((source, i) => entry("input", { shape: shapes[i]! }, source)),
        { ...layer, from: sources },
      ];
  const inputs = shapes.map((shape, i) => input(`${own}.data${i}`, [batch, ...shape]));
  let requests = 0;
  const built = buildModel(wire("test", entries), {
    training,
    inputs: new Map(sources.map((source, i) => [source, inputs[i]!])),
    uniform(shape, request) {
      requests++;
      assert.ok(training, `${name} draws random numbers outside training`);
      return uniform(step, seed, request, shape);
    },
  });
  return { built, inputs, output: built.outputs.get(own)!, requests };
}

/**
 * Random values for inputs and weights; variances are positive.
 * @param below inputs are whole numbers from 0 to below this
 */
export function randomFeed(
  { built, inputs }: ModelOf,
  seed: number,
  below?: number,
): Map<Tensor, Float64Array> {
  const r = random(seed);
  const feed = new Map<Tensor, Float64Array>([[step, Float64Array.of(seed)]]);
  for (const x of inputs) {
    const size = sizeOf(x.type.shape);
    const values = below === undefined ? r.array(size, -2, 2) : r.array(size, 0, below);
    feed.set(x, below === undefined ? values : values.map(Math.floor));
  }
  for (const [name, w] of built.tensors)
    feed.set(w, r.array(sizeOf(w.type.shape), name.includes("variance") ? 0.5 : -1.5, 1.5));
  return feed;
}

export async function checkLayer(name: string, drawn: LayerCase, seed: number): Promise<void> {
  const batch = 2 + (seed % 2);
  for (const training of [false, true]) {
    const model = modelOf(name, drawn, { batch, training });
    assert.equal(model.output.type.shape, [batch, ...drawn.output], "shape of the output");
    checkWeights(model);
    const whole = drawn.below !== undefined;
    // No gradient goes through what a layer makes of a weight.
    const read = [...model.built.read.values()].filter((own) => own.length === 1).flat();
    const wrt = [...(whole ? [] : model.inputs), ...read];
    const error = await gradientError(model.output, wrt, randomFeed(model, seed, drawn.below));
    assert.ok(error < 1e-6, `gradient in ${training ? "training" : "inference"}: ${error}`);
  }
  await checkRows(name, drawn, batch, seed);
  await checkRandomness(name, drawn, seed);
}

/** Weights have names of their own and first values of their shape, finite and the same every time. */
function checkWeights({ built: { weights, tensors, updates } }: ModelOf): void {
  assert.is(new Set(weights.map((w) => w.name)).size, weights.length, "names of weights differ");
  const first = initialWeights(weights, 3);
  assert.equal(first, initialWeights(weights, 3));
  for (const { name, shape, trainable } of weights) {
    assert.ok(sameShape(tensors.get(name)!.type.shape, shape), name);
    assert.is(first.get(name)!.length, sizeOf(shape), name);
    assert.ok(first.get(name)!.every(Number.isFinite), name);
    const kept = updates.some((u) => u.variable === tensors.get(name));
    assert.not(trainable && kept, `${name} has two masters: the optimizer and its layer`);
  }
}

/** Outside training an example's result does not depend on its neighbours, nor on the step. */
async function checkRows(name: string, drawn: LayerCase, batch: number, seed: number) {
  const together = modelOf(name, drawn, { batch, training: false });
  const alone = modelOf(name, drawn, { batch: 1, training: false });
  const feed = randomFeed(together, seed, drawn.below);
  const [all] = await evaluate([together.output], feed);
  const weights = [...alone.built.tensors].map(
    ([own, w]) => [w, feed.get(together.built.tensors.get(own)!)!] as const,
  );
  for (let row = 0; row < batch; row++) {
    const inputs = alone.inputs.map((x, i) => {
      const size = sizeOf(x.type.shape);
      return [x, feed.get(together.inputs[i]!)!.slice(row * size, (row + 1) * size)] as const;
    });
    const [one] = await evaluate([alone.output], new Map([...weights, ...inputs]));
    const size = one!.length;
    assert.equal(one, all!.slice(row * size, (row + 1) * size), `row ${row} by itself`);
  }
}

/** Random numbers of a training step are determined by seed and step, and are others for others. */
async function checkRandomness(name: string, drawn: LayerCase, seed: number) {
  const at = async (steps: number, ownSeed: number) => {
    const model = modelOf(name, drawn, { batch: 8, training: true, seed: ownSeed });
    const feed: Feed = randomFeed(model, seed, drawn.below).set(step, Float64Array.of(steps));
    return { values: (await evaluate([model.output], feed))[0]!, requests: model.requests };
  };
  const first = await at(5, 1);
  assert.equal(await at(5, 1), first, "twice the same step");
  if (first.requests === 0) return assert.equal(await at(6, 2), first, "nothing is random");
  assert.not.equal((await at(6, 1)).values, first.values, "another step");
  assert.not.equal((await at(5, 2)).values, first.values, "another seed");
}
