import { distance } from "fastest-levenshtein";

/** The candidate nearest to a misspelt word, if one is near enough to be what was meant. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const plain = (s: string) => s.toLowerCase().replaceAll(/[-_\s]/g, "");
  const near = (candidate: string) => distance(plain(word), plain(candidate));
  let best: string | undefined;
  for (const candidate of candidates) {
    if (best === undefined || near(candidate) < near(best)) best = candidate;
  }
  return best !== undefined && near(best) <= Math.max(1, Math.floor(plain(best).length * 0.4))
    ? best
    : undefined;
}

/** `one of a, b, c`: for the "expected" line of an error. */
export function oneOf(names: Iterable<string>): string {
  const list = [...names];
  return list.length === 1 ? list[0]! : `one of ${list.join(", ")}`;
}
