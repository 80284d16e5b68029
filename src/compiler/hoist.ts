/**
 * Hoisting: what depends only on state that no step changes is computed once, by a graph of its own, into
 * state of its own, which the other graphs read. It has to run again whenever that state is written.
 */
import {
  type Graph,
  graphTensors,
  isVariable,
  Retied,
  sizeOf,
  type Tensor,
  type Update,
  variable,
  withInputs,
} from "../ir/graph.ts";
import { invarianceIn } from "./invariance.ts";
import { shareAll } from "./simplify.ts";

export interface Hoisted {
  /** Absent where there is nothing to prepare. */
  readonly prepare: Graph | undefined;
  readonly graphs: readonly Graph[];
}

/** @param name of the new graph, and prefix of its variables */
export function hoist(graphs: readonly Graph[], name: string): Hoisted {
  const shared = shareAll(graphs);
  const isInvariant = invarianceIn(shared);
  const prepared = new Prepared(name);
  const bodies = shared.map((graph): Graph => {
    const images = new Map<Tensor, Tensor>();
    const image = (x: Tensor) => (isInvariant(x) ? prepared.get(x) : images.get(x)!);
    const retied = new Retied();
    for (const y of graphTensors(graph)) {
      if (!isInvariant(y)) images.set(y, retied.over(y, y.inputs.map(image)));
    }
    retied.tie(image);
    const updates = graph.updates.map((u) => ({ variable: u.variable, value: image(u.value) }));
    return { name: graph.name, updates };
  });
  const { updates } = prepared;
  return { prepare: updates.length > 0 ? { name, updates } : undefined, graphs: bodies };
}

/** From this many operations an element on, one is read rather than computed again, however many there are. */
const worthReading = 4;

/** The invariants that are kept, by variables that hold them. */
class Prepared {
  readonly updates: Update[] = [];
  readonly #name: string;
  readonly #known = new Map<Tensor, Tensor>();
  readonly #taken = new Map<string, number>();
  constructor(name: string) {
    this.#name = name;
  }

  /** An invariant as the graphs see it: a variable, or what is cheap to compute from variables. */
  get(x: Tensor): Tensor {
    if (isVariable(x) || x.inputs.length === 0) return x;
    const known = this.#known.get(x);
    if (known) return known;
    const made = this.#pays(x)
      ? this.#keep(x)
      : withInputs(
          x,
          x.inputs.map((i) => this.get(i)),
        );
    this.#known.set(x, made);
    return made;
  }

  /** Views cost nothing; what is larger than all that it is made of takes longer to read than to make. */
  #pays(x: Tensor): boolean {
    const work = x.op.work?.(x) ?? 1;
    if (work === 0) return false;
    const size = sizeOf(x.type.shape);
    const read = x.inputs.reduce((n, i) => n + originSize(i), 0);
    return size <= read || work >= worthReading;
  }

  #keep(x: Tensor): Tensor {
    const base = `${this.#name}/${x.scope}.${x.op.name}`;
    const n = this.#taken.get(base) ?? 0;
    this.#taken.set(base, n + 1);
    const { shape, dtype } = x.type;
    const kept = variable({ name: n === 0 ? base : `${base}${n + 1}`, shape, dtype });
    this.updates.push({ variable: kept, value: x });
    return kept;
  }
}

/** Elements in memory behind a tensor that may only be a view of them. */
function originSize(x: Tensor): number {
  if (isVariable(x) || (x.op.work?.(x) ?? 1) > 0) return sizeOf(x.type.shape);
  return x.inputs.reduce((n, i) => n + originSize(i), 0);
}
