/**
 * Where a piece of a spec was written: in its file, or in a `--set` argument.
 * Vocabulary: an *offset* counts UTF-16 units from 0; a line or a *column* counts from 1, the
 * column in UTF-16 units too, as editors do; a place never leaves its line.
 */

import type { Problem } from "../support/errors.ts";

/**
 * Why what stands at a place is in the model: its block is used at another, or a parameter there
 * stands for it.
 */
export interface Via {
  /** `in block residual, used as residual_1`; the other place completes the sentence. */
  readonly says: string;
  readonly place: Place;
}

/** A stretch of one line of the spec's text. */
export interface TextPlace {
  readonly kind: "text";
  readonly line: number;
  readonly column: number;
  /** At least 1: one caret is always drawn. */
  readonly length: number;
  readonly via?: Via;
}

/** A stretch of a `--set` argument: `optimizer.adam.learning_rate=0.01`. */
export interface OverridePlace {
  readonly kind: "override";
  /** The whole argument. */
  readonly text: string;
  readonly column: number;
  readonly length: number;
  readonly via?: Via;
}

export type Place = TextPlace | OverridePlace;

/** A problem that knows its place already, because no path leads there (a syntax error). */
export interface LocatedProblem extends Problem {
  readonly place?: Place;
}

/** The sentences of a place's `via`, the nearest first. */
export function viaNotes({ via }: Place): readonly string[] {
  if (via === undefined) return [];
  const { place } = via;
  const where = place.kind === "text" ? `on line ${place.line}` : `by --set ${place.text}`;
  return [`${via.says} ${where}`, ...viaNotes(place)];
}

/** Turns the offsets of a stretch of text into its place. */
export type Placer = (start: number, end: number) => Place;

/** Places in a file. Of a stretch over several lines, the part on the first. */
export function textPlacer(text: string): Placer {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (start, end) => {
    const line = lastAtMost(starts, start);
    const from = starts[line]!;
    const lineEnd = (starts[line + 1] ?? text.length + 1) - 1;
    const length = Math.max(1, Math.min(end, lineEnd) - start);
    return { kind: "text", line: line + 1, column: start - from + 1, length };
  };
}

/** Places in a `--set` argument, for offsets into that part of it which begins at `shift`. */
export function overridePlacer(text: string, shift: number): Placer {
  return (start, end) => {
    const length = Math.max(1, end - start);
    return { kind: "override", text, column: shift + start + 1, length };
  };
}

/** The index of the last of the ascending numbers that does not exceed the limit. */
function lastAtMost(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ascending[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
