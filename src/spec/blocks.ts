/**
 * The `blocks:` of a spec: named lists of layers, with parameters. In a block's layers the text `$filters` is
 * the value of its parameter filters, whatever that is: a number, a list, a mapping, the name of a layer.
 */
import { z } from "zod";
import { type Definition, named } from "../nn/definition.ts";
import { needs, show } from "../nn/issues.ts";
import { ProblemError, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { layerNamed } from "./entry.ts";
import type { LocatedProblem, Place } from "./place.ts";
import { problemsFrom } from "./problems.ts";
import { blocksOption, layerExtras } from "./schema.ts";
import { locateIn, type MapTree, type Tree, toPlain } from "./tree.ts";

export interface Block {
  readonly name: string;
  /** What its layers call what it reads. */
  readonly inputs: readonly string[];
  /** Defaults by parameter, in the order of the spec; undefined where a use must give the value. */
  readonly parameters: ReadonlyMap<string, Tree | undefined>;
  readonly layers: readonly Tree[];
}

/** @throws ProblemError with everything that is wrong with the blocks, used or not */
export function readBlocks(root: MapTree): ReadonlyMap<string, Block> {
  const value = root.entries.get("blocks")?.value;
  if (value === undefined) return new Map();
  const plain = toPlain(value);
  if (value.kind !== "map") throw new ProblemError([noMapping(value.place, plain)]);
  const result = blocksOption.safeParse(plain);
  if (!result.success) throw new ProblemError(placed(result.error, plain, "blocks", value));
  const problems: LocatedProblem[] = [];
  const blocks = [...value.entries].map(
    ([name, { key, value: tree }]): readonly [string, Block] => {
      problems.push(...nameProblems(name, key));
      const { inputs } = result.data[name]!;
      const block = { name, inputs, ...(tree.kind === "list" ? bare(tree.items) : parts(tree)) };
      problems.push(...parameterProblems(block));
      return [name, block];
    },
  );
  if (problems.length > 0) throw new ProblemError(problems);
  return new Map(blocks);
}

const noMapping = (place: Place, received: unknown): LocatedProblem => ({
  path: [],
  place,
  message: "`blocks` is no mapping",
  expected: "a mapping of names to lists of layers",
  received: show(received),
});

const bare = (items: readonly Tree[]) => ({
  layers: items,
  parameters: new Map<string, Tree | undefined>(),
});

/** The trees of a block that the schema has found to be as they should. */
function parts(tree: Tree): Pick<Block, "layers" | "parameters"> {
  const part = (key: string) => (tree.kind === "map" ? tree.entries.get(key)?.value : undefined);
  const [list, mapping] = [part("layers"), part("parameters")];
  const defaults = mapping?.kind === "map" ? [...mapping.entries] : [];
  return {
    layers: list?.kind === "list" ? list.items : [],
    parameters: new Map(defaults.map(([name, { value }]) => [name, given(value)])),
  };
}

/** An empty value is none. */
const given = (tree: Tree): Tree | undefined =>
  tree.kind === "scalar" && tree.value === null ? undefined : tree;

function nameProblems(name: string, place: Place): readonly LocatedProblem[] {
  const problem = (message: string): LocatedProblem => {
    return { path: [], place, message, fix: "give the block another name" };
  };
  if (layerNamed(name) !== undefined)
    return [problem(`there is a layer "${name}" already, which a block cannot replace`)];
  if (Object.hasOwn(layerExtras, name))
    return [problem(`"${name}" means something beside a layer, and cannot name a block`)];
  return [];
}

/** The parameter that a value stands for: `filters` for `$filters`. */
export const parameterOf = (tree: Tree): string | undefined =>
  tree.kind === "scalar" && typeof tree.value === "string" && tree.value.startsWith("$")
    ? tree.value.slice(1)
    : undefined;

/** Uses of parameters that the block has not; a default may use those before it. */
function parameterProblems({ name, parameters, layers }: Block): readonly LocatedProblem[] {
  const names = [...parameters.keys()];
  const defaults = [...parameters.values()].flatMap((tree, i) =>
    tree === undefined ? [] : unknownIn(tree, name, names.slice(0, i)),
  );
  return [...defaults, ...layers.flatMap((tree) => unknownIn(tree, name, names))];
}

function unknownIn(tree: Tree, block: string, known: readonly string[]): readonly LocatedProblem[] {
  if (tree.kind === "list") return tree.items.flatMap((item) => unknownIn(item, block, known));
  if (tree.kind === "map")
    return [...tree.entries.values()].flatMap(({ value }) => unknownIn(value, block, known));
  const parameter = parameterOf(tree);
  if (parameter === undefined || known.includes(parameter)) return [];
  const near = suggest(parameter, known);
  return [
    {
      path: [],
      place: tree.place,
      message: `block ${block} has no parameter "${parameter}"`,
      expected: known.length > 0 ? oneOf(known.map((word) => `$${word}`)) : "no parameters here",
      received: `$${parameter}`,
      fix: near
        ? `did you mean \`$${near}\`?`
        : `add it to the block: \`parameters: { ${parameter} }\``,
    },
  ];
}

/**
 * What a use of the block sets, by parameter.
 * @param use the entry, with what stands beside the block's name
 * @throws ProblemError for unknown and missing parameters, and for what is wrong beside them
 */
export function argumentsOf(block: Block, use: MapTree): ReadonlyMap<string, Tree> {
  const options = [...block.parameters.keys()].map((name) => [name, z.unknown().optional()]);
  const definition: Definition = {
    name: block.name,
    doc: "",
    options: Object.fromEntries(options),
  };
  const plain = toPlain(use);
  const result = named("block", () => [definition], layerExtras).safeParse(plain);
  if (!result.success) throw new ProblemError(placed(result.error, plain, "a block", use));
  const { key, value } = use.entries.get(block.name)!;
  const written = value.kind === "map" ? [...value.entries] : [];
  const found = new Map(
    written.flatMap(([name, entry]) => (given(entry.value) ? [[name, entry.value]] : [])),
  );
  const missing = [...block.parameters].filter(([name, value]) => !value && !found.has(name));
  if (missing.length > 0) throw new ProblemError(missing.map(([name]) => unset(block, name, key)));
  return found;
}

const unset = (block: Block, parameter: string, place: Place): LocatedProblem => ({
  path: [],
  place,
  message: needs(`block ${block.name}`, parameter),
  expected: "a value, as the parameter has no default",
  received: "nothing",
});

/** The problems of a value, each with its place in the value's tree. */
const placed = (
  error: z.ZodError,
  value: unknown,
  owner: string,
  tree: Tree,
): readonly LocatedProblem[] =>
  problemsFrom(error, value, owner).map((problem) => ({
    ...problem,
    path: [] satisfies SpecPath,
    place: locateIn(tree, problem.path, problem.at ?? "value"),
  }));
