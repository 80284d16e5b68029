import { distance } from "fastest-levenshtein";

/**
 * The candidate nearest to a misspelt word, if one is near enough to be what was meant; else the only one
 * that the word is the beginning of.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const all = [...candidates];
  return nearest(word, all) ?? begun(word, all);
}

function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (s: string) => s.toLowerCase().replaceAll(/[-_\s]/g, "");
  const near = (candidate: string) => edits(plain(word), plain(candidate));
  let best: string | undefined;
  for (const candidate of candidates) {
    if (best === undefined || near(candidate) < near(best)) best = candidate;
  }
  if (best === undefined) return undefined;
  const most = Math.max(1, Math.floor(plain(best).length * 0.4));
  // Something must be left of the word: `b` is not `a` misspelt, though one letter apart.
  const longer = Math.max(plain(word).length, plain(best).length);
  return near(best) <= Math.min(most, longer - 1) ? best : undefined;
}

/** Fewer than three letters begin too many words to mean one. */
function begun(word: string, candidates: readonly string[]): string | undefined {
  const [only, another] = candidates.filter((c) => c.startsWith(word));
  return word.length >= 3 && another === undefined ? only : undefined;
}

/** Levenshtein's distance, but that two neighbouring letters in the wrong order are one slip. */
function edits(word: string, candidate: string): number {
  const swaps = Array.from({ length: Math.max(0, word.length - 1) }, (_, i) => {
    const swapped = word.slice(0, i) + word[i + 1]! + word[i]! + word.slice(i + 2);
    return 1 + distance(swapped, candidate);
  });
  return Math.min(distance(word, candidate), ...swaps);
}

/** `one of a, b, c`: for the "expected" line of an error. */
export function oneOf(names: Iterable<string>): string {
  const list = [...names];
  return list.length === 1 ? list[0]! : `one of ${list.join(", ")}`;
}
