/** The passes that a program has in addition when its weights stay as they are while it runs. */
import type { Graph } from "../ir/graph.ts";
import { optimise } from "./compile.ts";
import { fold } from "./fold.ts";
import { type Hoisted, hoist } from "./hoist.ts";
import { invarianceIn } from "./invariance.ts";

/**
 * Graphs that give the same results with less work a step, and the graph that has to run once before them, and
 * again whenever the state changes that none of them updates.
 * @param name of that graph
 */
export function forInference(graphs: readonly Graph[], name: string): Hoisted {
  const isInvariant = invarianceIn(graphs);
  const folded = graphs.map((graph) => optimise(fold(optimise(graph), isInvariant)));
  return hoist(folded, name);
}
