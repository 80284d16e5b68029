/**
 * Writes a list of entries out as layers.
 *
 * Vocabulary: a *scope* is a list of entries, the model's or a block's; names in a block's begin with the name
 * of its use and a slash. An *alias* is another name of a layer: the name of a block's use stands for its last
 * layer, `input` within it for what the use reads, the name of a repeated entry for the last of them. A use is
 * *shared* if its layers have the weights of another's; these bear the names of their *owner*.
 */
import { isDeepStrictEqual } from "node:util";
import { implicitInputName } from "../nn/wiring.ts";
import { fail, ProblemError } from "../support/errors.ts";
import { argumentsOf, type Block } from "./blocks.ts";
import { type Entry, isSet, layerNamed, nameEntries, readEntry, withBeside } from "./entry.ts";
import * as problem from "./expansion-problems.ts";
import { type Budget, instantiate } from "./instantiate.ts";
import type { LocatedProblem } from "./place.ts";
import { emptyMap, type MapTree, type Tree, toPlain } from "./tree.ts";

interface Scope {
  /** Of every name in it; empty for the model's. */
  readonly prefix: string;
  /** What the first entry reads unless it says; undefined for the model's, which may have input layers. */
  readonly inputs: readonly string[] | undefined;
  /** What the entries call these. */
  readonly words: readonly string[];
  /** The blocks that are being written out, the outermost first. */
  readonly open: readonly string[];
  readonly frozen: boolean;
  /** The prefix of the owner of its weights, if that is another use. */
  readonly owner: string | undefined;
}

/** One repetition of an entry. */
interface Use extends Entry {
  /** From the root of the model. */
  readonly full: string;
  /** What it reads if it does not say, from the root of the model. */
  readonly above: readonly string[] | undefined;
  /** What stands above it is not the layer above. */
  readonly first: boolean;
}

/** What can be reused. */
type Known = KnownLayer | KnownBlock;
interface KnownLayer {
  readonly kind: "layer";
  readonly key: string;
  readonly options: Tree;
  readonly owner: string;
}
interface KnownBlock {
  readonly kind: "block";
  readonly block: Block;
  readonly values: Values;
  readonly owner: string;
}
type Values = ReadonlyMap<string, Tree>;

const maxLayers = 10_000;
const maxValues = 1_000_000;

export class Expander {
  readonly #blocks: ReadonlyMap<string, Block>;
  readonly #items: Tree[] = [];
  readonly #aliases = new Map<string, string>();
  readonly #known = new Map<string, Known>();
  readonly #problems: LocatedProblem[] = [];
  readonly #budget: Budget = { left: maxValues };
  /** The layer above. */
  #last: string | undefined;

  constructor(blocks: ReadonlyMap<string, Block>) {
    this.#blocks = blocks;
  }

  expand(items: readonly Tree[]) {
    const root = { prefix: "", inputs: undefined, words: [], open: [], frozen: false };
    this.#scope(items, { ...root, owner: undefined });
    if (this.#problems.length > 0) throw new ProblemError(this.#problems);
    return { items: this.#items, aliases: this.#aliases };
  }

  #scope(items: readonly Tree[], scope: Scope): void {
    const entries = items.map(readEntry);
    const large = entries.find((entry) => (entry?.repeat ?? 1) > maxLayers);
    if (large) fail(problem.tooLarge(large.place));
    const names = nameEntries(entries, scope.words, this.#problems);
    const inputs = scope.inputs ?? implicitInput(entries, names.flat());
    for (const [i, entry] of entries.entries()) {
      // What is no entry is left to the schema.
      if (entry === undefined) this.#items.push(items[i]!);
      else {
        for (const [copy, name] of names[i]!.entries()) {
          const first = i + copy === 0;
          const above = first ? inputs : this.#last === undefined ? undefined : [this.#last];
          const one = copy === 0 ? entry : { ...entry, ...withoutFrom(entry.tree) };
          this.#use({ ...one, full: scope.prefix + name, above, first }, scope);
        }
        this.#nameWhole(entry, names[i]!, scope);
      }
    }
  }

  /** The name of a repeated entry means the last of them. */
  #nameWhole({ name }: Entry, names: readonly string[], { prefix }: Scope): void {
    const last = names.at(-1)!;
    if (name !== undefined && name.value !== last)
      this.#aliases.set(prefix + name.value, prefix + last);
  }

  #use(use: Use, scope: Scope): void {
    if (this.#items.length >= maxLayers) fail(problem.tooLarge(use.place));
    try {
      const block = this.#blocks.get(use.key ?? "");
      if (use.reuse !== undefined) this.#reuse(use, use.reuse.value, scope);
      else if (block === undefined) this.#layer(use, use.key!, scope);
      else this.#block(use, block, argumentsOf(block, use.tree), scope, ownerIn(scope, use));
    } catch (error) {
      if (!(error instanceof ProblemError) || this.#budget.left < 0) throw error;
      this.#problems.push(...error.problems);
    }
  }

  #layer(use: Use, key: string, scope: Scope): void {
    const takes = layerNamed(key)?.takes;
    if (takes === undefined && this.#blocks.size > 0)
      fail(problem.unknownEntry(use.place, key, this.#blocks.keys()));
    if (takes === "none" && scope.inputs) fail(problem.inputInBlock(use.place, scope.words));
    const options = use.tree.entries.get(key)!.value;
    const owner = ownerIn(scope, use);
    this.#known.set(use.full, { kind: "layer", key, options, owner });
    this.#push(use, use.tree, scope, owner);
  }

  #push(use: Use, tree: MapTree, scope: Scope, owner: string): void {
    const own = owner === use.full;
    const item = withBeside(use, tree, {
      name: use.full,
      from: readsIn(scope, use) ?? (use.first ? scope.inputs : undefined),
      reuse: own ? undefined : owner,
      // What has another's weights is trained if the other is.
      trainable: own ? (scope.frozen ? false : undefined) : null,
    });
    this.#items.push(item);
    this.#last = use.full;
  }

  #block(use: Use, block: Block, values: Values, scope: Scope, owner: string): void {
    const { full, place } = use;
    if (scope.open.includes(block.name))
      fail(problem.recursion(place, [...scope.open, block.name]));
    const reads = readsIn(scope, use) ?? use.above ?? [];
    if (reads.length !== block.inputs.length) fail(problem.wrongArity(use, block, reads));
    const own = readsIn(scope, use)?.findIndex((name) => `${name}/`.startsWith(`${full}/`)) ?? -1;
    if (own >= 0) fail(problem.readsItself(use, own));
    for (const [i, word] of block.inputs.entries()) this.#aliases.set(`${full}/${word}`, reads[i]!);
    this.#known.set(full, { kind: "block", block, values, owner });
    const via = { says: `in block ${block.name}, used as ${full}`, place };
    this.#scope(instantiate(block, values, via, this.#budget), {
      prefix: `${full}/`,
      inputs: block.inputs.map((word) => `${full}/${word}`),
      words: block.inputs,
      open: [...scope.open, block.name],
      frozen: scope.frozen || isSet(use.tree, "trainable", false),
      owner: owner === full ? undefined : `${owner}/`,
    });
    if (this.#last !== undefined) this.#aliases.set(full, this.#last);
  }

  #reuse(use: Use, name: string, scope: Scope): void {
    const target = this.#known.get(scope.prefix + name);
    if (target === undefined) fail(problem.unknownReuse(use, scope.prefix, this.#known.keys()));
    const key = target.kind === "layer" ? target.key : target.block.name;
    if (use.key !== undefined && use.key !== key) fail(problem.otherKind(use, use.key, name, key));
    if (use.tree.entries.has("trainable")) fail(problem.trainableBeside(use, name));
    const written = use.tree.entries.get(key)?.value ?? emptyMap(use.place);
    if (target.kind === "block") {
      const own = isEmpty(written) ? [] : [...argumentsOf(target.block, use.tree)];
      const other = own.find(([parameter, value]) => !sameValue(value, target, parameter));
      if (other) fail(problem.otherValue(name, other));
      this.#block(use, target.block, target.values, scope, target.owner);
      return;
    }
    if (layerNamed(key)?.takes === "none") fail(problem.reusedInput(use, name));
    this.#known.set(use.full, target);
    const options = merged(target.options, written);
    const entries = new Map(use.tree.entries).set(key, { key: use.place, value: options });
    this.#push(use, { ...use.tree, entries }, scope, target.owner);
  }
}

/** What owns the weights of an entry that reuses nothing itself. */
const ownerIn = ({ owner, prefix }: Scope, { full }: Use): string =>
  owner === undefined ? full : owner + full.slice(prefix.length);

const readsIn = ({ prefix }: Scope, { from }: Use): readonly string[] | undefined =>
  from?.map(({ value }) => prefix + value);

/** A model without input layers reads one that is left out. */
const implicitInput = (entries: readonly (Entry | undefined)[], names: readonly string[]) =>
  entries.some((entry) => layerNamed(entry?.key)?.takes === "none")
    ? undefined
    : [implicitInputName(names)];

function withoutFrom(tree: MapTree): Pick<Entry, "tree" | "from"> {
  const entries = new Map(tree.entries);
  entries.delete("from");
  return { tree: { ...tree, entries }, from: undefined };
}

const isEmpty = (tree: Tree): boolean =>
  tree.kind === "scalar" ? tree.value === null : tree.kind === "map" && tree.entries.size === 0;

/** The options of the layer that is reused, and those written once more: they must say the same. */
function merged(options: Tree, own: Tree): Tree {
  if (isEmpty(own)) return options;
  if (own.kind !== "map" || options.kind !== "map") return own;
  return { ...own, entries: new Map([...options.entries, ...own.entries]) };
}

function sameValue(value: Tree, { block, values }: KnownBlock, parameter: string): boolean {
  const other = values.get(parameter) ?? block.parameters.get(parameter);
  return other !== undefined && isDeepStrictEqual(toPlain(value), toPlain(other));
}
