/**
 * The order in which Keras's functional models compute their layers. It matters where a layer that keeps statistics is
 * applied several times: each application goes on from what the one before it left in the weights.
 */
import type { Model, ModelLayer } from "./model.ts";

/** The layers in the order they are computed: as they are listed, if no layer is applied twice. */
export function executionOrder({ layers, outputs }: Model): readonly ModelLayer[] {
  if (layers.every((layer) => layer.owner === layer.name)) return layers;
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const depths = new Map<string, number>();
  const depthsOfOwners = new Map<string, number>();
  // Depths are distances from the outputs, of layers with the same weights the largest one so far.
  for (const name of fromInputs(byName, outputs).reverse()) {
    const { owner, from } = byName.get(name)!;
    const depth = Math.max(depths.get(name) ?? 0, depthsOfOwners.get(owner) ?? 0);
    depths.set(name, depth);
    depthsOfOwners.set(owner, depth);
    for (const source of from) depths.set(source, Math.max(depths.get(source) ?? 0, depth + 1));
  }
  // Of equal ones, as in Keras, that which was met first on the way back from the outputs.
  const met = [...depths].sort(([, a], [, b]) => b - a).map(([name]) => byName.get(name)!);
  return [...met, ...layers.filter((layer) => !depths.has(layer.name))];
}

/** Depth-first from the outputs: every layer after those it reads. */
function fromInputs(byName: ReadonlyMap<string, ModelLayer>, outputs: readonly string[]): string[] {
  const order = new Set<string>();
  // By a stack of its own, as models may be deeper than calls can be.
  const open = [...outputs].reverse().map((name) => ({ name, left: false }));
  while (open.length > 0) {
    const { name, left } = open.pop()!;
    if (order.has(name)) continue;
    if (left) {
      order.add(name);
      continue;
    }
    open.push({ name, left: true });
    for (const source of [...byName.get(name)!.from].reverse())
      if (!order.has(source)) open.push({ name: source, left: false });
  }
  return [...order];
}
