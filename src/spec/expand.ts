/**
 * The spec with its model as a plain list of layers: blocks, `repeat` and `reuse` written out, every layer with
 * its name. What comes after knows of layers only.
 */
import { identity } from "../nn/layers/core.ts";
import { readBlocks } from "./blocks.ts";
import { Expander } from "./expander.ts";
import type { Place } from "./place.ts";
import { type Entry, emptyMap, type MapTree, type Tree } from "./tree.ts";

export interface Expanded {
  readonly tree: MapTree;
  /** Other names of layers, and what they stand for: a layer, or another alias. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** @throws ProblemError whose problems are `LocatedProblem`s */
export function expandModel(root: MapTree): Expanded {
  const blocks = readBlocks(root);
  const model = root.entries.get("model");
  if (model?.value.kind !== "list") return { tree: root, aliases: new Map() };
  const { items, aliases } = new Expander(blocks).expand(model.value.items);
  // An output bears the name of its target: what an alias stands for gets a layer of that name.
  const named = [...outputsOf(root)].filter(([name]) => aliases.has(name));
  const value = { ...model.value, items: [...items, ...named.map(standIn)] };
  const entries = new Map(root.entries).set("model", { ...model, value });
  entries.delete("blocks");
  return { tree: { ...root, entries }, aliases };
}

/** Where the names of the model's outputs are written. */
function outputsOf(root: MapTree): ReadonlyMap<string, Place> {
  const outputs = root.entries.get("outputs")?.value;
  const items = outputs?.kind === "list" ? outputs.items : [];
  const words = items.filter((item) => item.kind === "scalar");
  return new Map(words.map(({ value, place }) => [`${value}`, place]));
}

function standIn([name, place]: readonly [string, Place]): Tree {
  const word = { key: place, value: { kind: "scalar", place, value: name } } satisfies Entry;
  const layer = { key: place, value: emptyMap(place) };
  const entries = { [identity.name]: layer, name: word, from: word };
  return { ...emptyMap(place), entries: new Map<string, Entry>(Object.entries(entries)) };
}
