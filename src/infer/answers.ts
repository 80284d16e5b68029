/**
 * What predictions mean: a class and its probability where the model tells classes apart, else numbers.
 * Vocabulary: a *site* is a place of an example that has an answer of its own; most outputs have one, a tagger
 * one a word.
 */
import type { OutputSpec } from "../spec/spec.ts";
import type { OutputType } from "./graphs.ts";
import type { Prediction } from "./predictor.ts";

/** How an output is read. */
export type Reading =
  | {
      readonly kind: "classes";
      readonly classes: readonly string[];
      /** What the numbers are: a model trained on squares of differences gives no probabilities. */
      readonly measure: Measure;
    }
  /** One probability that the second of two classes is meant. */
  | { readonly kind: "either"; readonly classes: readonly string[]; readonly measure: Measure }
  | { readonly kind: "numbers"; readonly names?: readonly string[] };

export type Measure = "probability" | "score";

export interface RankedClass {
  readonly class: string;
  readonly share: number;
}
/** All classes of a site, the one with the largest share first; of equals the first in order. */
export type Ranking = readonly RankedClass[];

export interface OutputAnswers {
  readonly output: string;
  readonly reading: Reading;
  /** Shape of the sites of one example: `[]` for one site. */
  readonly sites: readonly number[];
  /** Probabilities or numbers of example `i`: [sites…, width], row-major. */
  values(i: number): Float32Array;
  /** One ranking a site of example `i`; of numbers none. */
  rankings(i: number): readonly Ranking[];
}

export interface Known {
  /** Names of the classes of the target, in label order. */
  readonly classes?: readonly string[] | undefined;
  /** Names of the target's columns. */
  readonly columns?: readonly string[] | undefined;
}

/** How an output is to be read: its loss says what it predicts, the data what the classes are called. */
export function readingOf({ loss }: OutputSpec, { shape }: OutputType, known: Known): Reading {
  const width = shape.at(-1) ?? 1;
  const { predicts, groups } = loss.definition;
  const named = groups ? undefined : known.classes;
  if (width > 1 && (predicts === "classes" || named?.length === width))
    return {
      kind: "classes",
      classes: named?.length === width ? named : numbered(width),
      measure: predicts === "classes" ? "probability" : "score",
    };
  if (width === 1 && predicts === "truth" && (named === undefined || named.length === 2))
    return { kind: "either", classes: named ?? numbered(2), measure: "probability" };
  const { columns } = known;
  return columns?.length === width ? { kind: "numbers", names: columns } : { kind: "numbers" };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

export function answersOf(
  output: OutputSpec,
  type: OutputType,
  prediction: Prediction,
  known: Known,
): OutputAnswers {
  const { shape } = type;
  const reading = readingOf(output, type, known);
  const width = shape.at(-1) ?? 1;
  const size = shape.reduce((n, d) => n * d, 1);
  const probabilities = squashed(prediction.values, width, output, type);
  const values = (i: number) => probabilities.subarray(i * size, (i + 1) * size);
  const rankings = (i: number): readonly Ranking[] => {
    if (reading.kind === "numbers") return [];
    const own = values(i);
    return Array.from({ length: size / width }, (_, site) =>
      ranked(shares(own.subarray(site * width, (site + 1) * width), reading.kind), reading.classes),
    );
  };
  return { output: output.layer, reading, sites: shape.slice(0, -1), values, rankings };
}

const shares = (values: Float32Array, kind: "classes" | "either"): ArrayLike<number> =>
  kind === "either" ? [1 - values[0]!, values[0]!] : values;

function ranked(shares: ArrayLike<number>, classes: readonly string[]): Ranking {
  const all = classes.map((name, i) => ({ class: name, share: shares[i]! }));
  return all.sort((a, b) => b.share - a.share);
}

/** Logits as the probabilities that the loss sees in them; all else as it is. */
function squashed(
  values: Float32Array,
  width: number,
  { loss }: OutputSpec,
  { squashed: already }: OutputType,
): Float32Array {
  const { predicts } = loss.definition;
  if (predicts === undefined || already || loss.options["from_logits"] !== true) return values;
  if (predicts === "truth") return values.map((z) => 1 / (1 + Math.exp(-z)));
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const powers = Array.from(row, (z) => Math.exp(z - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    result.set(
      powers.map((p) => p / sum),
      at,
    );
  }
  return result;
}
