/**
 * `--set path=value`: changes one value of a spec. The path is dotted (`train.epochs`,
 * `model.2.dense.units`), the value is YAML. As in the spec, a name stands for `name: {}`, so a
 * path may lead on through it.
 */

import { fail, UsageError } from "../support/errors.ts";
import { visible } from "./cells.ts";
import { type LocatedProblem, type OverridePlace, overridePlacer } from "./place.ts";
import { emptyMap, type ListTree, type MapTree, type Tree } from "./tree.ts";
import { readTree } from "./yaml-tree.ts";

/** More steps than any path into a spec has; keeps the recursion below shallow. */
const MAX_STEPS = 100;

interface Override {
  readonly argument: string;
  readonly steps: readonly string[];
  readonly value: Tree;
}

/**
 * The spec with one value set: a new tree, the given one is left as it is.
 * @throws UsageError if the path leads nowhere; ProblemError if the value is no YAML, or the path
 *   names an option of a thing (`optimizer.adam.…`) where the spec has another (`optimizer: sgd`)
 */
export function applyOverride(root: Tree, argument: string): Tree {
  return put(root, parseOverride(argument), 0);
}

function parseOverride(argument: string): Override {
  const equals = argument.indexOf("=");
  const path = equals < 0 ? argument : argument.slice(0, equals);
  const steps = path.split(".");
  if (equals < 0) usage(argument, "has no value", `write --set ${argument || "path"}=VALUE`);
  if (steps.some((step) => step.trim() === "" || step.trim() !== step))
    usage(
      argument,
      "has an empty step in its path",
      "write a path such as train.epochs or model.0",
    );
  if (steps.includes("__proto__")) usage(argument, "names `__proto__`, which cannot be a key");
  if (steps.length > MAX_STEPS) usage(argument, `has more than ${MAX_STEPS} steps`);
  return { argument, steps, value: parseValue(argument, equals + 1) };
}

function parseValue(argument: string, start: number): Tree {
  const text = argument.slice(start);
  const place = overridePlacer(argument, start);
  // `expect.loss=>= 0.9` arrives without its quotes: signs that begin no value here begin a text.
  if (/^[>|@%*`]/.test(text)) return { kind: "scalar", place: place(0, text.length), value: text };
  const tree = readTree(text, place);
  return tree ?? { kind: "scalar", place: place(0, text.length), value: null };
}

/** The tree with the override's value put in, from its given step on. */
function put(tree: Tree | undefined, override: Override, step: number): Tree {
  if (step === override.steps.length) return override.value;
  const parent = opened(tree, override, step);
  return parent.kind === "list"
    ? putItem(parent, override, step)
    : putEntry(parent, override, step);
}

function putEntry(map: MapTree, override: Override, step: number): MapTree {
  const key = override.steps[step]!;
  const old = map.entries.get(key);
  const value = put(old?.value, override, step + 1);
  const last = step === override.steps.length - 1;
  const keyPlace = old === undefined || last ? stepPlace(override, step) : old.key;
  return { ...map, entries: new Map(map.entries).set(key, { key: keyPlace, value }) };
}

function putItem(list: ListTree, override: Override, step: number): ListTree {
  const { argument, steps } = override;
  const index = /^\d+$/.test(steps[step]!) ? Number(steps[step]) : Number.NaN;
  const old = list.items[index];
  if (old === undefined) {
    const { length } = list.items;
    const what =
      length === 0 ? "an empty list" : `a list of ${length}, with indexes 0 to ${length - 1}`;
    const where = pathTo(override, step);
    usage(
      argument,
      `names \`${steps[step]}\` in ${where}, which is ${what}`,
      `set all of ${where} instead`,
    );
  }
  return { ...list, items: list.items.with(index, put(old, override, step + 1)) };
}

/** What a path can lead on into: a list or map as it is, a name or nothing as a map. */
function opened(tree: Tree | undefined, override: Override, step: number): ListTree | MapTree {
  if (tree === undefined) return emptyMap(stepPlace(override, step));
  if (tree.kind !== "scalar") return tree;
  const { value, place } = tree;
  const name = override.steps[step]!;
  if (value === null) return emptyMap(place);
  if (value === name) {
    const entries = new Map([[name, { key: place, value: emptyMap(place) }]]);
    return { ...emptyMap(place), entries };
  }
  if (typeof value === "string") fail(otherName(override, step, value, tree));
  const where = pathTo(override, step);
  const remedy = `set ${where} itself`;
  return usage(override.argument, `leads on through ${where}, which is ${value}`, remedy);
}

function otherName(override: Override, step: number, has: string, at: Tree): LocatedProblem {
  const name = override.steps[step]!;
  const where = pathTo(override, step);
  const line = at.place.kind === "text" ? ` (line ${at.place.line})` : "";
  return {
    path: override.steps.slice(0, step),
    place: stepPlace(override, step),
    message: `this sets an option of ${name}, but ${where} is ${has}`,
    expected: `${where}.${has}, as the spec has it${line}`,
    received: pathTo(override, step + 1),
    fix: `to change to ${name}, put \`--set ${where}=${name}\` before this`,
  };
}

/** Where a step stands in the argument. */
function stepPlace({ argument, steps }: Override, step: number): OverridePlace {
  const before = steps.slice(0, step).reduce((sum, earlier) => sum + earlier.length + 1, 0);
  return { kind: "override", text: argument, column: before + 1, length: steps[step]!.length };
}

/** The path up to, not including, a step; `the spec` for none. */
function pathTo({ steps }: Override, step: number): string {
  return step === 0 ? "the spec" : steps.slice(0, step).join(".");
}

function usage(argument: string, what: string, fix?: string): never {
  const long = argument.length > 80 ? `${argument.slice(0, 79)}…` : argument;
  throw new UsageError(visible(`--set ${long} ${what}`), fix && visible(fix));
}
