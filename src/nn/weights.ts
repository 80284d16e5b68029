/**
 * The weights of a model while it is built: made where a layer first asks for one, and the same again for every
 * layer that reuses it.
 */
import { type Shape, sameShape, type Tensor, type Update, variable } from "../ir/graph.ts";
import { fail, invariant, type Problem, type SpecPath } from "../support/errors.ts";
import type { Named } from "./definition.ts";
import type { WeightOptions } from "./layers/layer.ts";
import type { ModelLayer, Weight } from "./model.ts";

export class Weights {
  readonly #all = new Map<string, Weight>();
  readonly #variables = new Map<string, Tensor>();
  /** What layers made of weights in this step, one after the other; what is trained goes on from the last. */
  readonly #made = new Map<string, Tensor[]>();
  readonly #names = new Map<Tensor, string>();

  /**
   * The layer's weight. If it was updated in this step already, by a layer that has the same weights, it is
   * what it became then, so that the updates follow one another.
   */
  of(
    layer: ModelLayer,
    weight: string,
    shape: Shape,
    how: WeightOptions,
    complain: (problem: Problem) => never,
  ): Tensor {
    const name = `${layer.owner}/${weight}`;
    const known = this.#all.get(name);
    if (known === undefined) return this.#make(layer, weight, shape, how);
    if (known.layer !== layer.owner) complain(sameName(known, layer));
    if (!sameShape(known.shape, shape)) complain(otherShape(known, weight, shape));
    return this.#now(name);
  }

  update(weight: Tensor, next: Tensor): void {
    const name = this.#names.get(weight);
    invariant(name !== undefined, "a layer updates what is no weight");
    this.#made.set(name, [...(this.#made.get(name) ?? []), next]);
    this.#names.set(next, name);
  }

  #now(name: string): Tensor {
    return this.#made.get(name)?.at(-1) ?? this.#variables.get(name)!;
  }

  /**
   * All of them, their variables by name, and the updates.
   * @param layers as they are listed: so are their weights, in whatever order they were built
   */
  built(layers: readonly ModelLayer[]) {
    const place = new Map(layers.map(({ name }, i) => [name, i]));
    const listed = [...this.#all.values()].sort(
      (p, q) => place.get(p.layer)! - place.get(q.layer)!,
    );
    const trained = new Set(listed.filter((w) => w.trainable).map((w) => w.name));
    const updates = [...this.#made.keys()]
      .filter((name) => !trained.has(name))
      .map((name) => ({
        variable: this.#variables.get(name) as Update["variable"],
        value: this.#now(name),
      }));
    return {
      weights: listed,
      tensors: this.#variables,
      read: new Map(
        [...this.#variables].map(([name, own]) => [name, [own, ...(this.#made.get(name) ?? [])]]),
      ),
      updates,
    };
  }

  #make(layer: ModelLayer, weight: string, shape: Shape, how: WeightOptions): Tensor {
    const made = makeWeight(layer, weight, shape, how);
    const { name } = made;
    const tensor = variable({ name, shape });
    this.#all.set(name, made);
    this.#variables.set(name, tensor);
    this.#names.set(tensor, name);
    return tensor;
  }
}

const sameName = (known: Weight, { name }: ModelLayer): Problem => ({
  path: [],
  message: `its weight and one of layer ${known.layer} would both be called ${known.name}`,
  fix: `give layer ${name} or layer ${known.layer} another name`,
});

const otherShape = ({ layer, shape }: Weight, weight: string, here: Shape): Problem => ({
  path: [],
  message: `it reuses ${layer}, whose ${weight} does not fit its input`,
  expected: `a ${weight} of shape [${shape.join(", ")}]`,
  received: `one of [${here.join(", ")}] for this input`,
  fix: `let both read inputs of the same shape, or make it a layer of its own`,
});

function makeWeight(layer: ModelLayer, name: string, shape: Shape, how: WeightOptions): Weight {
  const { definition } = how.initializer;
  const expected = definition.unfit?.(shape);
  if (expected !== undefined) {
    fail({
      path: [...layer.path, layer.layer.definition.name, ...pathTo(layer.layer, how.initializer)],
      message: `layer ${layer.name}: ${definition.name} cannot fill ${name}`,
      expected,
      received: `shape [${shape.join(", ")}]`,
      fix: "choose another initializer",
    });
  }
  checkFit(layer, name, shape, how);
  return {
    name: `${layer.owner}/${name}`,
    layer: layer.owner,
    shape,
    trainable: layer.trainable && (how.trainable ?? true),
    initializer: how.initializer,
    // As in Keras, what is not trained is not penalised either.
    regularizer: layer.trainable ? how.regularizer : undefined,
    constraint: layer.trainable ? how.constraint : undefined,
    ...(how.fans ? { fans: how.fans } : {}),
    ...(how.observe ? { observe: how.observe } : {}),
  };
}

/** Where something chosen stands in a layer's options or, in those of a wrapper, in its inner layer's. */
function pathTo({ options }: Named, chosen: Named): SpecPath {
  for (const [option, value] of Object.entries(options)) {
    if (value === chosen) return [option];
    if (typeof value !== "object" || value === null || !("definition" in value)) continue;
    const inner = value as Named;
    const rest = pathTo(inner, chosen);
    if (rest.length > 0) return [option, inner.definition.name, ...rest];
  }
  return [];
}

/** That regularizer and constraint can do something with the weight. */
function checkFit(
  { name, layer, path }: ModelLayer,
  weight: string,
  shape: Shape,
  { regularizer, constraint }: WeightOptions,
): void {
  for (const chosen of [regularizer, constraint]) {
    const problem = chosen?.definition.unfit?.(shape, chosen.options);
    if (!chosen || !problem) continue;
    const place = pathTo(layer, chosen);
    const own = problem.path.length > 0 ? [chosen.definition.name, ...problem.path] : [];
    fail({
      ...problem,
      path: [...path, layer.definition.name, ...place, ...(place.length > 0 ? own : [])],
      message: `layer ${name}, ${weight}: ${problem.message}`,
    });
  }
}
