/**
 * Models: layers wired to a graph, and the tensors built from them. One model is built several times (for
 * training, for the last smaller batch, for evaluation); its weights are the same variables in all of them.
 */
import { type Shape, sameShape, scoped, sizeOf, type Tensor, type Update } from "../ir/graph.ts";
import { reshape } from "../ops/view.ts";
import { fail, internal, invariant, type Problem, type SpecPath } from "../support/errors.ts";
import type { Constraint } from "./constraints.ts";
import type { Named } from "./definition.ts";
import type { Initializer } from "./initializers.ts";
import {
  type Layer,
  type LayerContext,
  maskGiven,
  showShape,
  type WeightOptions,
} from "./layers/layer.ts";
import type { Mask } from "./mask.ts";
import { executionOrder } from "./order.ts";
import type { Regularizer } from "./regularizers.ts";
import { Weights } from "./weights.ts";

/** A layer of the model, with the names of the layers it reads. */
export interface ModelLayer {
  readonly name: string;
  readonly layer: Named<Layer>;
  readonly from: readonly string[];
  /** Where it stands in the spec; empty for an input layer that the spec leaves out. */
  readonly path: SpecPath;
  /** If not, its weights stay as they are. */
  readonly trainable: boolean;
  /** The layer whose weights it has: itself, or the one that is applied here once more. */
  readonly owner: string;
}
export interface Model {
  readonly name: string;
  /** Every layer after those it reads. */
  readonly layers: readonly ModelLayer[];
  readonly outputs: readonly string[];
}

export const isInput = (layer: ModelLayer): boolean => layer.layer.definition.takes === "none";
export const inputLayers = (model: Model): readonly ModelLayer[] => model.layers.filter(isInput);

/** A weight as the model knows it; `name` is `<layer>/<weight>`, with the layer that owns it. */
export interface Weight {
  readonly name: string;
  readonly layer: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  readonly initializer: Named<Initializer>;
  readonly regularizer: Named<Regularizer> | undefined;
  readonly constraint: Named<Constraint> | undefined;
  readonly fans?: WeightOptions["fans"];
  /** Its first values, if they come from the training data that its layer reads. */
  readonly observe?: WeightOptions["observe"];
}

/** How a graph obtains what is not computed from its inputs. */
export interface BuildOptions {
  readonly training: boolean;
  /** The examples, [batch, …], by input layer. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Uniform numbers for the n-th request of this graph. */
  readonly uniform: (shape: Shape, request: number) => Tensor;
  /** What is used of a layer's output in its place, of the same shape; absent: itself. */
  readonly tap?: (layer: string, y: Tensor) => Tensor;
}

export interface Built {
  /** What each layer gives, [batch, …]. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** Which of it is there and which is padding, for layers whose output has a mask. */
  readonly masks: ReadonlyMap<string, Tensor>;
  readonly weights: readonly Weight[];
  /** The variables of the weights. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What layers read of each weight: its variable and, in training, what layers made of it, the last at the end. */
  readonly read: ReadonlyMap<string, readonly Tensor[]>;
  /** What weights that are not trained become; none outside training. */
  readonly updates: readonly Update[];
  /** What layers add to the loss, each of shape []. */
  readonly penalties: readonly Tensor[];
}

/** @throws ProblemError with the layer's place, the shapes up to there and what would fit */
export function buildModel(model: Model, options: BuildOptions): Built {
  const outputs = new Map<string, Tensor>();
  const masks = new Map<string, Tensor>();
  const weights = new Weights();
  const penalties: Tensor[] = [];
  let requests = 0;
  for (const layer of executionOrder(model)) {
    const ctx: LayerContext = {
      training: options.training,
      trainable: layer.trainable,
      masks: layer.from.map((name) => masks.get(name)),
      weight: (name, shape, how) => weights.of(layer, name, shape, how, ctx.fail),
      update: (weight, next) => {
        if (options.training) weights.update(weight, next);
      },
      uniform: (shape) => options.uniform(shape, requests++),
      penalise: (penalty) => penalties.push(penalty),
      fail: (problem) => fail(placed(problem, layer, model, outputs)),
    };
    const { y, mask } = scoped(layer.name, () => {
      const made = buildLayer(layer, outputs, options, ctx);
      const y = options.tap?.(layer.name, made) ?? made;
      return { y, mask: maskOf(layer, y, outputs, ctx.masks) };
    });
    outputs.set(layer.name, y);
    if (mask) masks.set(layer.name, mask);
  }
  return { outputs, masks, ...weights.built(model.layers), penalties };
}

function buildLayer(
  { name, layer, from }: ModelLayer,
  outputs: ReadonlyMap<string, Tensor>,
  options: BuildOptions,
  ctx: LayerContext,
): Tensor {
  if (layer.definition.takes === "none") {
    const examples = options.inputs.get(name);
    if (!examples) throw internal(`no examples for input ${name}`);
    return bindInput(examples, layer.options["shape"] as Shape | undefined, ctx);
  }
  const inputs = from.map((other) => outputs.get(other)!);
  return layer.definition.build(inputs, layer.options, ctx);
}

/** The mask of what a layer gave, which must be one over its first dimensions. */
function maskOf(
  { name, layer, from }: ModelLayer,
  y: Tensor,
  outputs: ReadonlyMap<string, Tensor>,
  masks: readonly Mask[],
): Mask {
  const inputs = from.map((other) => outputs.get(other)!);
  const mask = maskGiven(layer, inputs, masks);
  const steps = mask?.type.shape ?? [];
  invariant(
    sameShape(steps, y.type.shape.slice(0, steps.length)),
    () => `the mask [${steps}] of layer ${name} is none of [${y.type.shape}]: see Layer.mask`,
  );
  return mask;
}

/** Examples in the shape an input layer declares, which may differ from the data's in dimensions of 1. */
function bindInput(examples: Tensor, declared: Shape | undefined, ctx: LayerContext): Tensor {
  const [batch, ...own] = examples.type.shape;
  if (!declared || sameShape(own, declared)) return examples;
  const significant = (s: Shape) => s.filter((n) => n !== 1);
  if (!sameShape(significant(own), significant(declared))) {
    ctx.fail({
      path: ["shape"],
      message: "the data's examples have another shape than this input",
      expected: `[${own.join(", ")}]`,
      received: `[${declared.join(", ")}]`,
      fix: `write \`shape: [${own.join(", ")}]\`, and a \`reshape\` after it if you need another`,
    });
  }
  return reshape(examples, [batch!, ...declared]);
}

/** A layer's problem, with its place in the spec and the shapes that led to it. */
function placed(
  problem: Problem,
  { name, layer, from, path }: ModelLayer,
  model: Model,
  outputs: ReadonlyMap<string, Tensor>,
): Problem {
  const shown = (source: string) => `${source}: ${showShape(outputs.get(source)!.type.shape)}`;
  const shapes = model.layers
    .filter((l) => outputs.has(l.name))
    .slice(-4)
    .map((l) => shown(l.name));
  const inputs = from.length > 1 ? ["from"] : [];
  const own = problem.path.length > 0 ? [layer.definition.name, ...problem.path] : inputs;
  return {
    ...problem,
    path: [...path, ...own],
    message: `layer ${name}: ${problem.message}`,
    notes: [
      ...(problem.notes ?? []),
      ...(shapes.length > 0 ? [`shapes up to here: ${shapes.join(" → ")}`] : []),
      ...(from.length > 1 ? [`it reads ${from.map(shown).join(", ")}`] : []),
    ],
  };
}

export const countParameters = (weights: readonly Weight[]): number =>
  weights.reduce((n, w) => n + sizeOf(w.shape), 0);
