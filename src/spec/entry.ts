/**
 * Entries of a list of layers as trees: what stands beside the key, and the names they get. A *key* is the
 * name of a layer or block; an entry that only says `reuse` has none.
 */
import { namesOf } from "../nn/definition.ts";
import { layers } from "../nn/layers/index.ts";
import type { Layer } from "../nn/layers/layer.ts";
import type { Problem } from "../support/errors.ts";
import type { LocatedProblem, Place } from "./place.ts";
import { layerExtras } from "./schema.ts";
import { emptyMap, type MapTree, type Tree } from "./tree.ts";

export interface Entry {
  readonly tree: MapTree;
  readonly place: Place;
  readonly key: string | undefined;
  readonly name: Written<string> | undefined;
  /** Every name it reads; undefined if that is not written, or not as it should be. */
  readonly from: readonly Written<string>[] | undefined;
  readonly reuse: Written<string> | undefined;
  readonly repeat: number | undefined;
}

/** A value and where it is written. */
export interface Written<T> {
  readonly value: T;
  readonly place: Place;
}

/**
 * Undefined for what is no entry: the schema says what is wrong with it. The same goes for an option beside
 * the key that is not as it should be: it is left where it stands.
 */
export function readEntry(item: Tree): Entry | undefined {
  const tree = asMap(item);
  if (tree === undefined) return undefined;
  const keys = [...tree.entries.keys()].filter((key) => !Object.hasOwn(layerExtras, key));
  const reuse = wordAt(tree, "reuse");
  if (keys.length > 1 || (keys.length === 0 && reuse === undefined)) return undefined;
  const [key] = keys;
  return {
    tree,
    place: tree.entries.get(key ?? "reuse")!.key,
    key,
    name: wordAt(tree, "name"),
    from: wordsAt(tree, "from"),
    reuse,
    repeat: countAt(tree, "repeat"),
  };
}

/** `flatten` is short for `flatten: {}`. */
function asMap(item: Tree): MapTree | undefined {
  if (item.kind === "map") return item;
  if (item.kind !== "scalar" || typeof item.value !== "string") return undefined;
  const { place, value } = item;
  return {
    ...emptyMap(place),
    entries: new Map([[value, { key: place, value: emptyMap(place) }]]),
  };
}

function countAt(tree: MapTree, key: string): number | undefined {
  const count = tree.entries.get(key)?.value;
  if (count?.kind !== "scalar" || typeof count.value !== "number") return undefined;
  return Number.isInteger(count.value) && count.value > 0 ? count.value : undefined;
}

const wordAt = (tree: MapTree, key: string): Written<string> | undefined =>
  wordOf(tree.entries.get(key)?.value);

function wordOf(tree: Tree | undefined): Written<string> | undefined {
  if (tree?.kind !== "scalar" || typeof tree.value !== "string") return undefined;
  return { value: tree.value, place: tree.place };
}

function wordsAt(tree: MapTree, key: string): readonly Written<string>[] | undefined {
  const value = tree.entries.get(key)?.value;
  const items = value?.kind === "list" ? value.items.map(wordOf) : [wordOf(value)];
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** Asked for when a spec is read: plug-ins add to them. */
export const layerNames = (): readonly string[] => layers.flatMap(namesOf);
export const layerNamed = (key: string | undefined): Layer | undefined =>
  key === undefined ? undefined : layers.find((layer) => namesOf(layer).includes(key));

export function isSet(tree: MapTree, key: string, to: boolean): boolean {
  const value = tree.entries.get(key)?.value;
  return value?.kind === "scalar" && value.value === to;
}

/** What stands beside a layer's key once it is written out. */
export interface Beside {
  readonly name: string;
  readonly from: readonly string[] | undefined;
  readonly reuse: string | undefined;
  /** Undefined: as it is written; null: not at all. */
  readonly trainable: boolean | undefined | null;
}

/** @param tree the entry's own, or another for its layer */
export function withBeside(entry: Entry, tree: MapTree, beside: Beside): MapTree {
  const entries = new Map(tree.entries);
  const put = (key: string, value: Tree) =>
    entries.set(key, { key: tree.entries.get(key)?.key ?? entry.place, value });
  const { place } = entry;
  if (entry.repeat !== undefined) entries.delete("repeat");
  if (entry.name !== undefined || !entries.has("name"))
    put("name", scalar(beside.name, entry.name?.place ?? place));
  if (beside.from) put("from", fromTree(beside.from, tree.entries.get("from")?.value, place));
  if (beside.reuse !== undefined) put("reuse", scalar(beside.reuse, entry.reuse?.place ?? place));
  if (beside.trainable === null) entries.delete("trainable");
  else if (beside.trainable !== undefined) put("trainable", scalar(beside.trainable, place));
  return { ...tree, entries };
}

const scalar = (value: string | boolean, place: Place): Tree => ({ kind: "scalar", place, value });

/** Names where others were written, or none. */
function fromTree(names: readonly string[], written: Tree | undefined, place: Place): Tree {
  if (written?.kind === "list") {
    const items = names.map((name, i) => scalar(name, written.items[i]?.place ?? written.place));
    return { ...written, items };
  }
  const items = names.map((name) => scalar(name, written?.place ?? place));
  return items.length === 1 ? items[0]! : { kind: "list", place, spread: false, items };
}

/**
 * A name for each repetition of each entry: the given ones, and Keras's automatic ones for the rest (dense,
 * dense_1, dense_2 …), which layers within others use up too. What is applied once more is no new layer there and uses
 * up none: it is dense_again, dense_again_1 … Repeated, x is x_1, x_2 …
 * @param reserved words that mean something else in this list
 */
export function nameEntries(
  entries: readonly (Entry | undefined)[],
  reserved: readonly string[],
  problems: LocatedProblem[],
): readonly (readonly string[])[] {
  const given = entries.map((entry) => (entry?.name ? givenNames(entry, entry.name.value) : []));
  const taken = new Map<string, Place | undefined>(reserved.map((word) => [word, undefined]));
  for (const [i, entry] of entries.entries()) {
    const own = entry?.name;
    if (own === undefined) continue;
    for (const name of new Set([own.value, ...given[i]!])) {
      if (taken.has(name)) problems.push(twice(name, own.place, taken.get(name)));
      taken.set(name, own.place);
    }
  }
  const tried = new Map<string, number>();
  const automatic = (base: string, place: Place): string => {
    for (let n = tried.get(base) ?? 0; ; n++) {
      const name = n === 0 ? base : `${base}_${n}`;
      if (taken.has(name)) continue;
      taken.set(name, place);
      tried.set(base, n + 1);
      return name;
    }
  };
  return entries.map((entry, i) => {
    if (entry === undefined) return [];
    const options = entry.tree.entries.get(entry.key ?? "")?.value;
    const inner = entry.reuse === undefined ? innerNames(entry.key, options) : [];
    const base = baseName(entry);
    return Array.from({ length: entry.repeat ?? 1 }, (_, copy) => {
      for (const name of inner) tried.set(name, (tried.get(name) ?? 0) + 1);
      return given[i]![copy] ?? automatic(base, entry.place);
    });
  });
}

/** What the layers among a layer's options would be called, were each the only one; the innermost first. */
function innerNames(key: string | undefined, options: Tree | undefined): readonly string[] {
  const entries = options?.kind === "map" ? options.entries : undefined;
  return (layerNamed(key)?.inner ?? []).flatMap((option) => {
    const value = entries?.get(option)?.value;
    const one = value && readEntry(value);
    if (one?.key === undefined) return [];
    return [...innerNames(one.key, one.tree.entries.get(one.key)?.value), baseName(one)];
  });
}

const baseName = ({ key = "", reuse }: Entry): string =>
  reuse === undefined ? (layerNamed(key)?.name ?? key) : appliedAgain(reuse.value);

/** `dense_again` for `pair/dense`, and for what is that layer once more. */
const appliedAgain = (name: string): string =>
  `${name.replace(/^.*\//, "").replace(/_again(_\d+)?$/, "")}_again`;

function givenNames({ repeat }: Entry, name: string): readonly string[] {
  if (repeat === undefined) return [name];
  return Array.from({ length: repeat }, (_, i) => `${name}_${i + 1}`);
}

function twice(name: string, place: Place, other: Place | undefined): LocatedProblem {
  if (other === undefined) {
    const problem: Problem = {
      path: [],
      message: `"${name}" is what the block reads, and cannot name a layer`,
      fix: "give the layer another name",
    };
    return { ...problem, place };
  }
  return {
    path: [],
    place,
    message: `two layers are named "${name}"`,
    ...(other.kind === "text" ? { notes: [`the other one is on line ${other.line}`] } : {}),
    fix: "give one of them another name",
  };
}
