/** What stays the same from step to step. */
import { type Graph, isDelay, isVariable, type Tensor } from "../ir/graph.ts";

/** Whether a tensor depends on nothing but state that no step changes, such as the weights in inference. */
export type Invariance = (x: Tensor) => boolean;

/**
 * Data does change: it is written between steps. What a delay closes to a loop counts as changing.
 * @param graphs all of the program's, as state that one of them updates changes for the others
 */
export function invarianceIn(graphs: readonly Graph[]): Invariance {
  const updated = new Set(graphs.flatMap((g) => g.updates.map((u) => u.variable.attrs.name)));
  const known = new Map<Tensor, boolean>();
  const isInvariant = (x: Tensor): boolean => {
    const found = known.get(x);
    if (found !== undefined) return found;
    const result = isVariable(x)
      ? x.attrs.kind === "state" && !updated.has(x.attrs.name)
      : !isDelay(x) && x.inputs.every(isInvariant);
    known.set(x, result);
    return result;
  };
  return isInvariant;
}
