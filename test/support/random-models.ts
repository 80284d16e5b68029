/**
 * Random models for Keras to train: any layers of the catalogue in one graph, of one input or more and one or two
 * outputs. What a layer reads is brought to its shape by flattening, a dense layer and reshaping.
 */
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { losses } from "../../src/nn/losses/index.ts";
import { optimizers } from "../../src/nn/optimizers/index.ts";
import type { Drawn } from "./drawn.ts";
import { random } from "./evaluate.ts";
import type { Options, Values } from "./keras.ts";
import type { LayerCase, Random } from "./layer-case.ts";
import { drawCase, drawn, requests } from "./random-layers.ts";
import { someOptions, someParts } from "./random-options.ts";
import { randomOptimizer, target, targetKind } from "./random-training.ts";

export interface RandomModel {
  /** The layer it is made for. */
  readonly layer: string;
  readonly spec: Options;
  readonly batch: number;
  readonly seed: number;
  /** All steps' batches, one after the other, by name. */
  readonly inputs: Readonly<Record<string, Drawn>>;
  readonly targets: Readonly<Record<string, Values>>;
}
interface Tap {
  readonly name: string;
  readonly shape: Shape;
}
const steps = 3;
/** Weights of a dense layer that leads from one shape to another. */
const most = 48;

/** Rates of what is random are 0 in a model that is trained: both sides then compute the same. */
const still = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(still);
  if (typeof value !== "object" || value === null) return value;
  const rates = ["rate", "stddev", "dropout", "recurrent_dropout"];
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => [
      k,
      rates.includes(k) && typeof v === "number" ? 0 : still(v),
    ]),
  );
};

/** A case that is not random in training, if there is one. */
function stillCase(name: string, r: Random): LayerCase | undefined {
  for (let attempt = 0; attempt < 20; attempt++) {
    const own = drawCase(name, r);
    const found = { ...own, options: still(own.options) as Options };
    const isFlat = found.inputs.every((s) => s.length > 0) && found.output.length > 0;
    if (isFlat && requests(name, found) === 0) return found;
  }
  return undefined;
}

class Sketch {
  readonly entries: Options[] = [];
  readonly inputs: Record<string, Drawn> = {};
  readonly taps: Tap[] = [];
  readonly used = new Set<string>();
  private readonly r: Random;
  private readonly rows: number;
  private readonly seed: number;

  constructor(r: Random, rows: number, seed: number) {
    this.r = r;
    this.rows = rows;
    this.seed = seed;
  }

  input(shape: Shape, below?: number): Tap {
    const name = `input${Object.keys(this.inputs).length}`;
    this.entries.push({ input: { shape }, name });
    this.inputs[name] = drawn([this.rows, ...shape], this.seed + this.entries.length, below);
    return this.tap(name, shape);
  }

  layer(type: string, options: Options, from: readonly Tap[], shape: Shape): Tap {
    const name = `${type}_${this.entries.length}`;
    for (const f of from) this.used.add(f.name);
    const frozen = this.r.uniform() < 0.1 ? { trainable: false } : {};
    const sources = from.map((f) => f.name);
    this.entries.push({
      [type]: options,
      name,
      from: sources.length === 1 ? sources[0] : sources,
      ...frozen,
    });
    return this.tap(name, shape);
  }

  /** A layer once more, with the same weights and other sources. */
  again(layer: Tap, sources: readonly Tap[]): Tap {
    const name = `${layer.name}_again`;
    for (const f of sources) this.used.add(f.name);
    const from = sources.map((f) => f.name);
    this.entries.push({ reuse: layer.name, name, from: from.length === 1 ? from[0] : from });
    return this.tap(name, layer.shape);
  }

  /** A tensor of the wanted shape: a new input, or made of one that is there. */
  source(shape: Shape, below?: number): Tap {
    const fresh = Object.keys(this.inputs).length < 3 && this.r.uniform() < 0.3;
    const units = sizeOf(shape);
    const near = this.taps.filter((t) => sizeOf(t.shape) * units <= most);
    if (below !== undefined || fresh || near.length === 0) return this.input(shape, below);
    const start = this.r.pick(near);
    if (start.shape.join() === shape.join()) return start;
    const flat = this.layer("flatten", {}, [start], [sizeOf(start.shape)]);
    const dense = this.dense(flat, units);
    return shape.length === 1
      ? dense
      : this.layer("reshape", { target_shape: shape }, [dense], shape);
  }

  dense(from: Tap, units: number, activation = "tanh"): Tap {
    const definition = layers.find((l) => l.name === "dense")!;
    const options = { units, activation, ...someParts(this.r, definition, 0.15) };
    return this.layer("dense", options, [from], [...from.shape.slice(0, -1), units]);
  }

  /** Everything that nothing reads, side by side; a sequence alone may stay one. */
  rest(): Tap {
    const open = this.taps.filter((t) => !this.used.has(t.name));
    if (open.length === 1 && open[0]!.shape.length === 2 && this.r.pick([true, false])) {
      return open[0]!;
    }
    const flat = open.map((t) => this.layer("flatten", {}, [t], [sizeOf(t.shape)]));
    const width = flat.reduce((n, t) => n + t.shape[0]!, 0);
    return flat.length === 1 ? flat[0]! : this.layer("concatenate", {}, flat, [width]);
  }

  private tap(name: string, shape: Shape): Tap {
    const tap = { name, shape };
    this.taps.push(tap);
    return tap;
  }
}

/** The head's activation for what a loss is held to. */
const activations = {
  labels: "softmax",
  classes: "softmax",
  shares: "sigmoid",
  positive: "softplus",
  signs: "tanh",
  any: "linear",
} as const;

/** @returns nothing for a layer that is random in any training */
export function randomModel(layer: string, seed: number): RandomModel | undefined {
  const r = random(seed);
  const batch = r.int(2, 3);
  const sketch = new Sketch(r, steps * batch, 100 * seed);
  const others = Array.from({ length: r.int(0, 2) }, () => r.pick(layers).name);
  for (const name of [...others, layer, ...(others.length === 0 ? [] : ["dense"])]) {
    if (name === "input") continue;
    const own = stillCase(name, r);
    if (!own && name === layer) return undefined;
    if (!own) continue;
    const sources = () => own.inputs.map((shape) => sketch.source(shape, own.below));
    const made = sketch.layer(name, own.options, sources(), own.output);
    if (r.uniform() < 0.3) sketch.again(made, sources());
  }
  if (sketch.taps.length === 0) sketch.source(r.shape(r.int(1, 2), 3));
  const joined = sketch.rest();
  const heads = Array.from({ length: r.pick([1, 1, 2]) }, () => {
    // circle is of vectors, one for each example.
    const definition = r.pick(losses.filter((l) => l.name !== "circle"));
    const kind = targetKind(definition.name);
    const tap = sketch.dense(joined, r.int(2, 3), activations[kind]);
    const options = {
      ...someOptions(r, definition, ["axis", "from_logits"]),
      // Where steps are masked, losses of a whole batch are none.
      ...(definition.name === "dice" || definition.name === "tversky" ? { axis: -1 } : {}),
    };
    const y = target(r, definition.name, [steps * batch, ...tap.shape]);
    return { tap, y, loss: { [definition.name]: options } };
  });
  const [first] = heads;
  const optimizer = r.pick(optimizers.filter((o) => o.name !== "lion"));
  const several = heads.length > 1;
  const byName = <T>(of: (h: (typeof heads)[number]) => T) =>
    Object.fromEntries(heads.map((h) => [h.tap.name, of(h)]));
  const spec = {
    model: sketch.entries,
    ...(several ? { outputs: heads.map((h) => h.tap.name) } : {}),
    loss: several ? byName((h) => h.loss) : first!.loss,
    ...(several ? { loss_weights: byName(() => r.int(1, 8) / 4) } : {}),
    optimizer: { [optimizer.name]: randomOptimizer(r, optimizer, true) },
  };
  return { layer, spec, batch, seed, inputs: sketch.inputs, targets: byName((h) => h.y) };
}
