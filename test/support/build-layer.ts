/** Builds one layer by itself, with its weights as inputs to feed: for tests only. */
import * as assert from "uvu/assert";
import { z } from "zod";
import type { Shape, Tensor } from "../../src/ir/graph.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { type LayerContext, maskGiven, type WeightOptions } from "../../src/nn/layers/layer.ts";
import type { Mask } from "../../src/nn/mask.ts";
import { fail } from "../../src/support/errors.ts";
import { randomStream } from "../../src/support/random.ts";
import { input } from "./evaluate.ts";

export interface BuiltLayer {
  readonly output: Tensor;
  readonly mask: Mask;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What was read of each: itself, and what the layer made of it. */
  readonly read: ReadonlyMap<string, readonly Tensor[]>;
  /** Names of the weights that are trained. */
  readonly trainable: readonly string[];
  /** What the layer makes of weights in a training step, by name. */
  readonly updates: ReadonlyMap<string, Tensor>;
  /** What it adds to the loss. */
  readonly penalties: readonly Tensor[];
  /** What a weight begins as. */
  first(name: string): Float32Array;
  /** How often it drew. */
  readonly requests: number;
}

export interface BuildRequest {
  readonly layer: string;
  readonly options: unknown;
  /** The input, or all of them. */
  readonly x: Tensor | readonly Tensor[];
  /** Those of the inputs. */
  readonly masks?: readonly Mask[];
  readonly training?: boolean;
  /** Absent: true. */
  readonly trainable?: boolean;
  /** The numbers that it draws, in this order. */
  readonly uniform?: readonly Tensor[];
  /** In front of the weights' names, where several layers share a program. */
  readonly prefix?: string;
}

/** @throws if there is no such layer, or the options or the input do not fit it */
export function buildLayer(request: BuildRequest): BuiltLayer {
  const {
    layer,
    options,
    x,
    masks,
    training,
    prefix,
    uniform = [],
    trainable: isTrained = true,
  } = request;
  let requests = 0;
  const xs = [x].flat() as readonly Tensor[];
  const definition = layers.find((l) => l.name === layer);
  if (!definition) throw new Error(`there is no layer ${layer}`);
  const weights = new Map<string, Tensor>();
  const initializers = new Map<string, WeightOptions["initializer"]>();
  const updates = new Map<string, Tensor>();
  const read = new Map<string, Tensor[]>();
  const trainable: string[] = [];
  const penalties: Tensor[] = [];
  const ctx: LayerContext = {
    training: training ?? false,
    masks: xs.map((_, i) => masks?.[i]),
    trainable: isTrained,
    weight(name, shape: Shape, how) {
      const known = read.get(name)?.at(-1);
      if (known) return known;
      const tensor = input(`${prefix ?? ""}${name}`, shape);
      weights.set(name, tensor);
      read.set(name, [tensor]);
      initializers.set(name, how.initializer);
      if (isTrained && (how.trainable ?? true)) trainable.push(name);
      return tensor;
    },
    update(weight, next) {
      const [name, own] = [...read].find(([, tensors]) => tensors.includes(weight))!;
      own.push(next);
      updates.set(name, next);
    },
    uniform(shape) {
      const next = uniform[requests++];
      if (!next) throw new Error(`${layer} draws more random numbers than it was given`);
      assert.equal(next.type.shape, shape, `shape of the random numbers of ${layer}`);
      return next;
    },
    penalise: (penalty) => penalties.push(penalty),
    fail,
  };
  const parsed = z.strictObject(definition.options).parse(options);
  const output = definition.build(xs, parsed, ctx);
  const mask = maskGiven({ definition, options: parsed }, xs, ctx.masks);
  const first = (name: string) => {
    const { definition: initializer, options: own } = initializers.get(name)!;
    return initializer.fill(weights.get(name)!.type.shape, own, randomStream(1, name));
  };
  return { first, output, mask, weights, read, trainable, updates, penalties, requests };
}
