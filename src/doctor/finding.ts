/** What the doctor knows of a spec before it looks, and what a check says. */
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Backend, Values } from "../ir/program.ts";
import type { Weight } from "../nn/model.ts";
import type { Spec } from "../spec/spec.ts";

export interface Patient {
  readonly spec: Spec;
  readonly dataset: Dataset<AnySamples>;
  readonly backend: Backend;
  /** Computes in double precision. */
  readonly interpreter: Backend;
  readonly threads: number | undefined;
  /** The model's weights, with what those that observe data saw. */
  readonly weights: readonly Weight[];
  /** Their first values. */
  readonly first: ReadonlyMap<string, Values>;
  /** The weights after some steps of training, and how many; found once, when a check asks. */
  readonly trained: () => Promise<Trained>;
}
export interface Trained {
  readonly weights: ReadonlyMap<string, Values>;
  readonly steps: number;
}

/** `skipped`: it does not apply here, and `found` says why. */
export type Verdict = "ok" | "warning" | "problem" | "skipped";

export interface Finding {
  readonly verdict: Verdict;
  /** What was seen, with figures: one sentence. */
  readonly found: string;
  /** What to change, as an imperative; of `warning` and `problem`. */
  readonly advice?: string;
  /** Further facts, one a line. */
  readonly details?: readonly string[];
}

export interface Check {
  readonly name: string;
  readonly doc: string;
  examine(patient: Patient): Promise<Finding>;
}

const severity: readonly Verdict[] = ["skipped", "ok", "warning", "problem"];

/** One finding of several: the gravest, with the others' words as details. */
export function gravest(findings: readonly Finding[]): Finding {
  const sorted = [...findings].sort(
    (p, q) => severity.indexOf(q.verdict) - severity.indexOf(p.verdict),
  );
  const [first, ...others] = sorted;
  const details = [...(first!.details ?? []), ...others.map((f) => f.found)];
  return { ...first!, ...(details.length > 0 ? { details } : {}) };
}

export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
/** Four digits are enough for a person. */
export const short = (x: number): string =>
  x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(1) : `${Number(x.toPrecision(4))}`;
export const plural = (n: number, what: string): string =>
  `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
/** The first of a list, and how many more there are. */
export const some = (names: readonly string[], most = 3): string =>
  names.length <= most
    ? names.join(", ")
    : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
