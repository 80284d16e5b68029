/** A copy of a block's layers for one use of it: parameters replaced, every place with its `via`. */
import { fail, invariant } from "../support/errors.ts";
import { type Block, parameterOf } from "./blocks.ts";
import { tooLarge } from "./expansion-problems.ts";
import type { Place, Via } from "./place.ts";
import type { Entry, Tree } from "./tree.ts";

type Values = ReadonlyMap<string, Tree>;
const none: Values = new Map();

/** How many values may still be copied: parameters in parameters can grow without bound. */
export interface Budget {
  left: number;
}

/**
 * The block's layers, for the values that a use gives; the defaults for the rest.
 * @throws ProblemError when the budget is spent
 */
export function instantiate(
  block: Block,
  given: Values,
  via: Via,
  budget: Budget,
): readonly Tree[] {
  const values = new Map<string, Tree>();
  for (const [name, fallback] of block.parameters) {
    const value = given.get(name) ?? (fallback && copy(fallback, values, via, budget));
    invariant(value, `block ${block.name}: no value for ${name}`);
    values.set(name, value);
  }
  return block.layers.map((tree) => copy(tree, values, via, budget));
}

function copy(tree: Tree, values: Values, via: Via, budget: Budget): Tree {
  if (budget.left-- <= 0) fail(tooLarge(via.place));
  const place: Place = { ...tree.place, via };
  const parameter = parameterOf(tree);
  const value = parameter === undefined ? undefined : values.get(parameter);
  // What is wrong with the value here is shown where it was written.
  if (value) return copy(value, none, { says: `this is $${parameter}`, place }, budget);
  switch (tree.kind) {
    case "scalar":
      return { ...tree, place };
    case "list":
      return { ...tree, place, items: tree.items.map((item) => copy(item, values, via, budget)) };
    case "map": {
      const entry = ([name, { key, value }]: readonly [string, Entry]): [string, Entry] => [
        name,
        { key: { ...key, via }, value: copy(value, values, via, budget) },
      ];
      return { ...tree, place, entries: new Map([...tree.entries].map(entry)) };
    }
  }
  tree satisfies never;
}
