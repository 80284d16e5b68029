/**
 * A spec as a tree of values that remember their places. Trees are immutable: an override makes a
 * new tree that shares what it leaves alone, and an alias shares the tree of its anchor.
 */

import type { SpecPath } from "../support/errors.ts";
import type { Place } from "./place.ts";

export type Tree = ScalarTree | ListTree | MapTree;

export interface ScalarTree {
  readonly kind: "scalar";
  readonly place: Place;
  readonly value: string | number | boolean | null;
}

export interface ListTree {
  readonly kind: "list";
  readonly place: Place;
  /** Written without brackets or over several lines: what is missing in it is shown at its key. */
  readonly spread: boolean;
  readonly items: readonly Tree[];
}

export interface MapTree {
  readonly kind: "map";
  readonly place: Place;
  readonly spread: boolean;
  /** Never holds the key `__proto__`: the readers refuse it. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A key's own place, and the value under it. */
export interface Entry {
  readonly key: Place;
  readonly value: Tree;
}

/** A mapping with nothing in it. */
export const emptyMap = (place: Place): MapTree => ({
  kind: "map",
  place,
  spread: false,
  entries: new Map(),
});

/** The plain JS value of a tree; fresh objects, none shared. */
export function toPlain(tree: Tree): unknown {
  switch (tree.kind) {
    case "scalar":
      return tree.value;
    case "list":
      return tree.items.map(toPlain);
    case "map": {
      const plain: Record<string, unknown> = {};
      for (const [key, entry] of tree.entries) plain[key] = toPlain(entry.value);
      return plain;
    }
  }
  tree satisfies never;
}

/**
 * Where a path's key or value was written. A path that was not written stands at the nearest value
 * around it; where that has neither brackets nor an end on its line, at that value's key.
 */
export function locateIn(root: Tree, path: SpecPath, at: "key" | "value"): Place {
  let here: Entry = { key: root.place, value: root };
  for (const step of path) {
    const next = child(here, step);
    if (next === undefined) return nearest(here);
    here = next;
  }
  return at === "key" ? here.key : here.value.place;
}

function child(parent: Entry, step: string | number): Entry | undefined {
  const tree = parent.value;
  switch (tree.kind) {
    case "scalar":
      // `adam` is short for `adam: {}`, so the path `optimizer.adam` stands at the word.
      return tree.value === step ? { key: tree.place, value: tree } : undefined;
    case "list": {
      const item = tree.items[Number(step)];
      return item && { key: item.place, value: item };
    }
    case "map":
      return tree.entries.get(String(step));
  }
  tree satisfies never;
}

function nearest(entry: Entry): Place {
  const tree = entry.value;
  return tree.kind !== "scalar" && tree.spread ? entry.key : tree.place;
}
