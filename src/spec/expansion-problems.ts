/** What can be wrong with blocks, `repeat` and `reuse`, in the words of the spec's user. */
import { elsewhere } from "../nn/definition.ts";
import { insteadOfName } from "../nn/keras-names.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { Block } from "./blocks.ts";
import { type Entry, layerNames } from "./entry.ts";
import type { LocatedProblem, Place } from "./place.ts";
import type { Tree } from "./tree.ts";

type Rest = Omit<LocatedProblem, "path" | "place" | "message">;
const at = (place: Place, message: string, rest: Rest): LocatedProblem => ({
  path: [],
  place,
  message,
  ...rest,
});

const nearest = (word: string, candidates: readonly string[], otherwise?: string): Rest => {
  const near = suggest(word, candidates);
  if (near !== undefined) return { fix: `did you mean \`${near}\`?` };
  return otherwise === undefined ? {} : { fix: otherwise };
};

export const tooLarge = (place: Place): LocatedProblem =>
  at(place, "blocks and repetitions make this model too large", {
    expected: "at most 10,000 layers",
    fix: "repeat less, or use fewer blocks within blocks",
  });

export function unknownEntry(place: Place, key: string, blocks: Iterable<string>): LocatedProblem {
  const names = [...blocks, ...layerNames()];
  const keras = insteadOfName("layer", key);
  return at(place, `there is no layer or block "${key}"`, {
    expected: oneOf(names),
    received: key,
    ...(keras === undefined ? nearest(key, names, elsewhere) : { fix: keras }),
  });
}

export const inputInBlock = (place: Place, words: readonly string[]): LocatedProblem =>
  at(place, "an input cannot stand in a block", {
    expected: `layers that read ${words.join(", ")}, as the block calls what it reads`,
    fix: "put the input into the model, and let the block's use read it",
  });

export const recursion = (place: Place, open: readonly string[]): LocatedProblem =>
  at(place, `a block contains itself: ${open.join(" → ")}`, {
    fix: "for several in a row write `repeat: 3` beside the block",
  });

export function wrongArity(
  use: Pick<Entry, "place" | "from">,
  { name, inputs }: Block,
  reads: readonly string[],
): LocatedProblem {
  const only = inputs.length === 1;
  const some = inputs.map(() => "…").join(", ");
  return at(
    use.from?.[0]?.place ?? use.place,
    `block ${name} takes ${only ? "exactly one input" : `${inputs.length} inputs: ${inputs.join(", ")}`}`,
    {
      expected: only ? "`from:` one layer" : `\`from: [${some}]\``,
      received: reads.length === 0 ? "none" : reads.join(", "),
    },
  );
}

export const readsItself = ({ from, place }: Pick<Entry, "from" | "place">, i: number) =>
  at(from?.[i]?.place ?? place, "this block reads what it gives itself", {
    fix: "a block can only read layers that do not depend on it",
  });

export function unknownReuse(
  { reuse, place }: Entry,
  prefix: string,
  known: Iterable<string>,
): LocatedProblem {
  const name = reuse?.value ?? "";
  const inScope = [...known].filter((full) => full.startsWith(prefix));
  const names = inScope.map((full) => full.slice(prefix.length));
  const direct = names.filter((word) => !word.includes("/"));
  return at(reuse?.place ?? place, `there is no layer or block "${name}" above to be reused`, {
    expected: direct.length > 0 ? oneOf(direct) : "the name of a layer or block above",
    received: name,
    ...nearest(name, names, "only what stands above can be reused"),
  });
}

export const otherKind = (
  { place }: Entry,
  key: string,
  name: string,
  wanted: string,
): LocatedProblem =>
  at(place, `${name} is no ${key}`, {
    expected: `${wanted}, or \`reuse: ${name}\` alone`,
    received: key,
    fix: `write \`- reuse: ${name}\``,
  });

export const trainableBeside = ({ tree, place }: Entry, name: string): LocatedProblem =>
  at(tree.entries.get("trainable")?.key ?? place, `whether ${name} is trained stands beside it`, {
    fix: `move \`trainable\` to ${name}: what reuses it has the same weights`,
  });

export const otherValue = (
  name: string,
  [parameter, value]: readonly [string, Tree],
): LocatedProblem =>
  at(value.place, `${name} has another value of ${parameter}`, {
    expected: "the same value, or none",
    fix: `write \`- reuse: ${name}\` alone`,
  });

export const reusedInput = ({ reuse, place }: Entry, name: string): LocatedProblem =>
  at(reuse?.place ?? place, `${name} is an input, which has nothing to reuse`, {
    fix: `name it in the \`from\` of every layer that reads it`,
  });
