/**
 * From a list of layers to a model: `from` and its default, an input layer where none is written, and an order
 * in which every layer comes after those it reads.
 */
import { isDeepStrictEqual } from "node:util";
import { fail, type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { Named } from "./definition.ts";
import { input } from "./layers/core.ts";
import type { Layer, Part } from "./layers/layer.ts";
import { isInput, type Model, type ModelLayer } from "./model.ts";

/** A layer as the spec lists it. */
export interface LayerEntry {
  readonly layer: Named<Layer>;
  /** May have parts: `residual/conv2d` stands in the scope of `residual`, beside what begins like it. */
  readonly name: string;
  readonly from: string | readonly string[] | undefined;
  /** Whether its weights are trained; by default they are. */
  readonly trainable?: boolean | undefined;
  /** The layer whose weights it has. */
  readonly reuse?: string | undefined;
}

/**
 * @param outputs by default the last layer
 * @param aliases other names of layers, and what they stand for: a layer or another alias
 * @throws ProblemError for unknown and cyclic references, all of them at once
 */
export function wire(
  name: string,
  entries: readonly LayerEntry[],
  outputs?: readonly string[],
  aliases: ReadonlyMap<string, string> = new Map(),
): Model {
  const names = entries.map((entry) => entry.name);
  const parts = new Map(entries.map((entry) => [entry.name, partsOf(entry)]));
  const implicit = entries.length > 0 && entries.every((e) => e.layer.definition.takes !== "none");
  const first: ModelLayer[] = implicit ? [implicitInput(names)] : [];
  const own = [...first.map((l) => l.name), ...names];
  const all = [...own, ...[...parts.values()].flat().map((part) => part.name)];
  const scope: Names = { all, aliases, parts };
  const problems: Problem[] = [];
  const layers = entries.flatMap((entry, i): readonly ModelLayer[] => {
    const path: SpecPath = ["model", i];
    const from = sourcesOf(entry, path, own[first.length + i - 1], scope, problems);
    const owner = entries.find((e) => e.name === entry.reuse) ?? entry;
    problems.push(...differences(entry, owner, path));
    const { trainable = true } = owner;
    const whole = { name: entry.name, layer: entry.layer, from, path, trainable };
    const several = parts.get(entry.name)!;
    if (several.length === 0) return [{ ...whole, owner: owner.name }];
    return several.map((part, k) => ({
      ...whole,
      name: part.name,
      layer: part.layer,
      path: [...path, entry.layer.definition.name, ...part.at],
      owner: partsOf(owner)[k]!.name,
    }));
  });
  for (const [i, output] of (outputs ?? []).entries()) {
    const several = resultsOf(output, scope);
    if (several.length > 1) problems.push(severalOutputs(["outputs", i], output, several));
    else if (!all.includes(output)) problems.push(unknownLayer(["outputs", i], output, scope, ""));
  }
  if (problems.length > 0) throw new ProblemError(problems);
  const last = outputs ?? resultsOf(names.at(-1)!, scope);
  return { name, layers: ordered([...first, ...layers], last), outputs: last };
}

/** The layers that an entry stands for, if it gives several results, by the names they have in the model. */
const partsOf = ({ name, layer: { definition, options } }: LayerEntry): readonly Part[] =>
  (definition.parts?.(options) ?? []).map((part) => ({ ...part, name: `${name}/${part.name}` }));

/** The layers that give what a name means: itself, or its parts. */
function resultsOf(name: string, { parts }: Names): readonly string[] {
  const own = parts.get(name) ?? [];
  return own.length > 0 ? own.map((part) => part.name) : [name];
}

const severalOutputs = (path: SpecPath, name: string, own: readonly string[]): Problem => ({
  path,
  message: `${name} gives ${own.length} results`,
  expected: oneOf(own),
  received: name,
  fix: `list ${own.map((part) => `\`${part}\``).join(" and ")}, each of which has a loss`,
});

/** What the input layer is called that a spec leaves out. */
export const implicitInputName = (taken: readonly string[]): string =>
  taken.includes("input") ? "input_layer" : "input";

function implicitInput(taken: readonly string[]): ModelLayer {
  const name = implicitInputName(taken);
  const layer = { definition: input, options: {} };
  return { name, layer, from: [], path: [], trainable: true, owner: name };
}

/** Options in which a layer contradicts the one whose weights it has. */
function differences(entry: LayerEntry, owner: LayerEntry, path: SpecPath): readonly Problem[] {
  const { definition, options } = entry.layer;
  return Object.entries(options).flatMap(([option, value]): Problem[] =>
    isDeepStrictEqual(value, owner.layer.options[option])
      ? []
      : [
          {
            path: [...path, definition.name, option],
            message: `${option} is not what it is for ${owner.name}, which this layer reuses`,
            expected: "the same value, or none",
            fix: `write \`- reuse: ${owner.name}\` alone`,
          },
        ],
  );
}

/** How many layers a layer reads, in numbers and in words. */
const arity = {
  one: { least: 1, most: 1, says: "exactly one input", form: "`from:` one layer" },
  several: { least: 2, most: Infinity, says: "at least two inputs", form: "`from: [a, b]`" },
  some: { least: 1, most: Infinity, says: "at least one input", form: "`from:` one layer or more" },
} as const;

/** The names that `from` may say. */
interface Names {
  readonly all: readonly string[];
  readonly aliases: ReadonlyMap<string, string>;
  /** The layers that each entry stands for; none where it is one itself. */
  readonly parts: ReadonlyMap<string, readonly Part[]>;
}

/** The layer that a name means; undefined if there is none. */
function layerOf(name: string, { all, aliases }: Names): string | undefined {
  const seen = new Set<string>();
  let found = name;
  for (let next = aliases.get(found); next !== undefined; next = aliases.get(found)) {
    if (seen.has(found)) return undefined;
    seen.add(found);
    found = next;
  }
  return all.includes(found) ? found : undefined;
}

function sourcesOf(
  { name, layer, from }: LayerEntry,
  path: SpecPath,
  above: string | undefined,
  known: Names,
  problems: Problem[],
): readonly string[] {
  const { definition } = layer;
  if (definition.takes === "none") {
    if (from !== undefined) {
      problems.push({
        path: [...path, "from"],
        message: "an input reads no other layer",
        fix: "remove `from`",
      });
    }
    return [];
  }
  const named = from === undefined ? [] : typeof from === "string" ? [from] : from;
  const found = named.map((source, k) => {
    const meant = layerOf(source, known);
    const at = typeof from === "string" ? [...path, "from"] : [...path, "from", k];
    if (meant === undefined) problems.push(unknownLayer(at, source, known, scopeOf(name)));
    return meant ?? source;
  });
  const meant = from === undefined ? (above === undefined ? [] : [above]) : found;
  const sources = meant.flatMap((source) => resultsOf(source, known));
  const { least, most, says, form } = arity[definition.takes];
  if (sources.length < least || sources.length > most) {
    problems.push({
      path: from === undefined ? path : [...path, "from"],
      message: `${definition.name} takes ${says}`,
      expected: form,
      received: sources.length === 0 ? "none" : sources.join(", "),
      ...(from === undefined ? { fix: `name them beside it: ${form}` } : {}),
    });
  }
  return sources;
}

/** `residual/` for `residual/conv2d`, nothing for `dense`. */
const scopeOf = (name: string): string => name.slice(0, name.lastIndexOf("/") + 1);

/** @param scope where the name is said; what stands there is called by the rest of its name */
function unknownLayer(path: SpecPath, name: string, names: Names, scope: string): Problem {
  const local = [...names.all, ...names.aliases.keys()]
    .filter((known) => known.startsWith(scope))
    .map((known) => known.slice(scope.length));
  const word = name.startsWith(scope) ? name.slice(scope.length) : name;
  const near = suggest(word, local);
  return {
    path,
    message: `there is no layer "${word}"${scope === "" ? "" : ` in ${scope.slice(0, -1)}`}`,
    expected: oneOf(local.filter((known) => !known.includes("/"))),
    received: word,
    ...(near ? { fix: `did you mean \`${near}\`?` } : {}),
  };
}

/** Layers after those they read. What no output needs is a mistake, and so is a cycle. */
function ordered(layers: readonly ModelLayer[], outputs: readonly string[]): readonly ModelLayer[] {
  const byName = new Map(layers.map((l) => [l.name, l]));
  const done = new Set<string>();
  const order: ModelLayer[] = [];
  const visit = (layer: ModelLayer, trail: readonly string[]) => {
    if (done.has(layer.name)) return;
    const start = trail.indexOf(layer.name);
    if (start >= 0) {
      const cycle = [...trail.slice(start), layer.name];
      const culprit = byName.get(cycle[0]!)!;
      fail({
        path: [...culprit.path, "from"],
        message: `layers read each other in a circle: ${cycle.toReversed().join(" → ")}`,
        fix: "a layer can only read layers that do not depend on it",
      });
    }
    for (const source of layer.from) visit(byName.get(source)!, [...trail, layer.name]);
    done.add(layer.name);
    order.push(layer);
  };
  for (const layer of layers) visit(layer, []);
  checkUsed(layers, outputs);
  return order;
}

function checkUsed(layers: readonly ModelLayer[], outputs: readonly string[]): void {
  const used = new Set([...outputs, ...layers.flatMap((l) => l.from)]);
  const unused = layers.filter((l) => !used.has(l.name));
  if (unused.length === 0) return;
  throw new ProblemError(
    unused.map((l) => ({
      path: l.path,
      message: isInput(l) ? `no layer reads the input ${l.name}` : `nothing reads layer ${l.name}`,
      fix: `name it in the \`from\` of another layer, or list it in \`outputs\``,
    })),
  );
}
