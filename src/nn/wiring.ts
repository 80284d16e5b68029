/**
 * From a list of layers to a model: automatic names, `from` and its default, an input layer where none is
 * written, and an order in which every layer comes after those it reads.
 */
import { fail, type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { Named } from "./definition.ts";
import { input } from "./layers/core.ts";
import type { Layer } from "./layers/layer.ts";
import { isInput, type Model, type ModelLayer } from "./model.ts";

/** A layer as the spec lists it. */
export interface LayerEntry {
  readonly layer: Named<Layer>;
  readonly name: string | undefined;
  readonly from: string | readonly string[] | undefined;
  /** Whether its weights are trained; by default they are. */
  readonly trainable?: boolean;
}

/** @throws ProblemError for unknown, duplicate and cyclic references, all of them at once */
export function wire(
  name: string,
  entries: readonly LayerEntry[],
  outputs?: readonly string[],
): Model {
  const paths = entries.map((_, i): SpecPath => ["model", i]);
  const names = layerNames(entries, paths);
  const implicit = entries.length > 0 && entries.every((e) => e.layer.definition.takes !== "none");
  const first: ModelLayer[] = implicit ? [implicitInput(names)] : [];
  const known = [...first.map((l) => l.name), ...names];
  const problems: Problem[] = [];
  const layers = entries.map((entry, i): ModelLayer => {
    const from = sourcesOf(entry, i, i > 0 ? names[i - 1] : first[0]?.name, known, problems);
    const { layer, trainable = true } = entry;
    return { name: names[i]!, layer, from, path: paths[i]!, trainable };
  });
  for (const [i, output] of (outputs ?? []).entries()) {
    if (!known.includes(output)) problems.push(unknownLayer(["outputs", i], output, known));
  }
  if (problems.length > 0) throw new ProblemError(problems);
  const all = [...first, ...layers];
  const last = outputs ?? [names.at(-1)!];
  return { name, layers: ordered(all, last), outputs: last };
}

const implicitInput = (taken: readonly string[]): ModelLayer => ({
  name: taken.includes("input") ? "input_layer" : "input",
  layer: { definition: input, options: {} },
  from: [],
  path: [],
  trainable: true,
});

/** Given names, and Keras's automatic ones for the rest: dense, dense_1, dense_2 … */
function layerNames(entries: readonly LayerEntry[], paths: readonly SpecPath[]): string[] {
  const given = new Map<string, number>();
  const problems: Problem[] = [];
  for (const [i, { name }] of entries.entries()) {
    if (name === undefined) continue;
    const other = given.get(name);
    if (other !== undefined) {
      problems.push({
        path: [...paths[i]!, "name"],
        message: `two layers are named "${name}"`,
        notes: [`the other one is layer ${other + 1} of the model`],
        fix: "give one of them another name",
      });
    }
    given.set(name, i);
  }
  if (problems.length > 0) throw new ProblemError(problems);
  const taken = new Set(given.keys());
  return entries.map(({ name, layer }) => {
    if (name !== undefined) return name;
    const base = layer.definition.name;
    let automatic = base;
    for (let n = 1; taken.has(automatic); n++) automatic = `${base}_${n}`;
    taken.add(automatic);
    return automatic;
  });
}

/** How many layers a layer reads, in numbers and in words. */
const arity = {
  one: { least: 1, most: 1, says: "exactly one input", form: "`from:` one layer" },
  several: { least: 2, most: Infinity, says: "at least two inputs", form: "`from: [a, b]`" },
  some: { least: 1, most: Infinity, says: "at least one input", form: "`from:` one layer or more" },
} as const;

function sourcesOf(
  { layer, from }: LayerEntry,
  i: number,
  above: string | undefined,
  known: readonly string[],
  problems: Problem[],
): readonly string[] {
  const { definition } = layer;
  const path: SpecPath = ["model", i];
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
  for (const [k, source] of named.entries()) {
    const at = typeof from === "string" ? [...path, "from"] : [...path, "from", k];
    if (!known.includes(source)) problems.push(unknownLayer(at, source, known));
  }
  const sources = from === undefined ? (above === undefined ? [] : [above]) : named;
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

function unknownLayer(path: SpecPath, name: string, known: readonly string[]): Problem {
  const near = suggest(name, known);
  return {
    path,
    message: `there is no layer "${name}"`,
    expected: oneOf(known),
    received: name,
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
