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
