/** Graph-level clean-up: each op's own identities (x·1, x+0, nested views, constants), then sharing. */
import { exactNumbers } from "../ir/fingerprint.ts";
import { type Graph, mapGraph, scoped, type Tensor } from "../ir/graph.ts";

/** Applies every op's `simplify` until none has anything to say. */
export function simplify(graph: Graph): Graph {
  return mapGraph(graph, simplest);
}

function simplest(y: Tensor): Tensor {
  for (let current = y; ; ) {
    // What takes a tensor's place belongs to the same layer.
    const next = scoped(current.scope, () => current.op.simplify?.(current));
    if (!next || next === current) return current;
    current = next;
  }
}

/** Common-subexpression elimination: tensors with the same op, attributes and inputs become one. */
export const share = (graph: Graph): Graph => shareAll([graph])[0]!;

/** The same across several graphs: what they have in common becomes the same tensors in all of them. */
export function shareAll(graphs: readonly Graph[]): readonly Graph[] {
  const ids = new Map<unknown, number>();
  const idOf = (x: unknown) => {
    if (!ids.has(x)) ids.set(x, ids.size);
    return ids.get(x)!;
  };
  const first = new Map<string, Tensor>();
  const unique = (y: Tensor) => {
    const inputs = y.inputs.map(idOf).join(",");
    const key = `${idOf(y.op)}(${inputs})${JSON.stringify(y.attrs ?? null, exactNumbers)}`;
    const known = first.get(key);
    if (known) return known;
    first.set(key, y);
    return y;
  };
  return graphs.map((graph) => mapGraph(graph, unique));
}
