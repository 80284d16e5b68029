/**
 * Layers as options of layers: what wrappers have in common. The inner layer builds in its wrapper's context: it
 * has the wrapper's name, its weights a prefix if there are several inner layers, and its problems their place.
 */
import type { Tensor } from "../../ir/graph.ts";
import type { SpecPath } from "../../support/errors.ts";
import { type Named, named } from "../definition.ts";
import type { Mask } from "../mask.ts";
import type { Layer, LayerContext } from "./layer.ts";

/** The layers that there are; wrappers, which are among them, ask only when a spec is read. */
export type Catalogue = () => readonly Layer[];

/** An option that is a layer, written as everywhere: its name, or `name: {options}`. */
export const layerOption = (catalogue: Catalogue) => named<Layer>("layer", catalogue);

export interface InnerLayer {
  readonly layer: Named<Layer>;
  /** Where it stands in the options of the wrapper. */
  readonly at: SpecPath;
  /** In front of its weights' names: `forward/` makes `bidirectional/forward/kernel`; none for an only one. */
  readonly prefix?: string;
}

/** What an inner layer makes of inputs that have these masks. */
export function buildInner(
  { layer, at, prefix = "" }: InnerLayer,
  inputs: readonly Tensor[],
  masks: readonly Mask[],
  ctx: LayerContext,
): Tensor {
  const own: LayerContext = {
    ...ctx,
    masks,
    weight: (name, shape, options) => ctx.weight(`${prefix}${name}`, shape, options),
    fail: (problem) =>
      ctx.fail({ ...problem, path: [...at, layer.definition.name, ...problem.path] }),
  };
  return layer.definition.build(inputs, layer.options, own);
}

/**
 * A context for building the same layer several times, one after the other: it has its weights once, and what a
 * weight becomes in one building is what the next one reads. `finish` hands on what they became in the end.
 */
export function inTurn(ctx: LayerContext): { readonly ctx: LayerContext; finish(): void } {
  const weights = new Map<string, { readonly first: Tensor; now: Tensor }>();
  const own: LayerContext = {
    ...ctx,
    weight(name, shape, options) {
      const known = weights.get(name);
      if (known) return known.now;
      const first = ctx.weight(name, shape, options);
      weights.set(name, { first, now: first });
      return first;
    },
    update(weight, next) {
      for (const entry of weights.values()) if (entry.now === weight) entry.now = next;
    },
  };
  const finish = () => {
    for (const { first, now } of weights.values()) if (now !== first) ctx.update(first, now);
  };
  return { ctx: own, finish };
}
