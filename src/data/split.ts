/** Which examples train and which validate. Contiguous parts are views; other choices are copies. */
import { fail, invariant } from "../support/errors.ts";
import type { RandomStream } from "../support/random.ts";
import { permutation } from "../support/random.ts";
import { type Examples, mapArrays, type Parts, type Samples } from "./dataset.ts";
import { partOf, type Stored, sizeOf, without } from "./stream/stored.ts";

/**
 * Keeps the last part of the examples for validation, as Keras does: of n examples the first
 * ⌊n·(1 − fraction)⌋ train, in the order of the file, before any shuffling.
 * https://keras.io/api/models/model_training_apis/ (`validation_split`)
 *
 * @param fraction part to validate with, in (0, 1)
 * @throws ProblemError at `["validation_split"]` if either part would be empty
 */
export function validationSplit<S extends Samples | Stored>(
  examples: Examples<S>,
  fraction: number,
): Required<Parts<S>> {
  const { count } = examples;
  const kept = Math.floor(count * (1 - fraction));
  if (!(fraction > 0 && fraction < 1) || kept === 0 || kept === count) {
    fail({
      path: ["validation_split"],
      message: `validation_split: ${fraction} of ${count} examples leaves ${
        kept <= 0 ? "none to train on" : "none to validate with"
      }`,
      expected: "a fraction between 0 and 1 that leaves an example in both parts",
      received: `${fraction}`,
      fix: count < 2 ? "give more examples" : "try 0.2, or leave validation_split out",
    });
  }
  return { train: part(examples, 0, kept), validation: part(examples, kept, count) };
}

/**
 * Keeps the last part of every class for validation, so that both parts have the classes in the same shares,
 * up to rounding: of all n examples as many as `validationSplit` would keep. Both parts keep the order.
 * @param labels the class of each example
 * @throws ProblemError at `["stratify"]` if a class has a single example
 */
export function stratifiedSplit(
  examples: Examples,
  labels: ArrayLike<number>,
  fraction: number,
): Required<Parts> {
  const { count } = examples;
  const groups = [...byClass(labels, count)];
  for (const [label, group] of groups) {
    if (group.length > 1) continue;
    fail({
      path: ["stratify"],
      message: `stratify: class ${label} has a single example, which cannot be in both parts`,
      expected: "two examples or more of every class",
      received: `1 of ${count}, in row ${group[0]! + 1} of the data`,
      fix: "give more examples of that class, or leave stratify out",
    });
  }
  const validating = groups.flatMap(([, group]) => {
    const kept = Math.min(group.length - 1, Math.max(1, Math.round(group.length * fraction)));
    return group.slice(group.length - kept);
  });
  return divided(examples, validating);
}

/** One of several ways to cut examples into a part that validates and the rest, from 1. */
export interface Fold {
  readonly folds: number;
  readonly fold: number;
}

/**
 * k-fold: of n examples, or of those of each class, the first n mod k parts have one more than the others, as in
 * scikit-learn's KFold. Both parts keep the order.
 * @param labels the class of each example, if every part shall have its share of each
 * @throws ProblemError at `["folds"]` if there are fewer examples than folds
 */
export function foldSplit<S extends Samples | Stored>(
  examples: Examples<S>,
  { folds, fold }: Fold,
  labels?: ArrayLike<number>,
): Required<Parts<S>> {
  const { count } = examples;
  if (count < folds) {
    fail({
      path: ["folds"],
      message: `${folds} folds of ${count} examples leave some with none to validate with`,
      expected: `at most ${count}`,
      received: `${folds}`,
      fix: "give more examples, or fewer folds",
    });
  }
  const from = (n: number, k: number) => Math.floor(n / folds) * k + Math.min(k, n % folds);
  if (!labels) {
    const [start, end] = [from(count, fold - 1), from(count, fold)];
    const train = mapArrays(examples, count - end + start, (s) => without(s, start, end, count));
    return { train, validation: part(examples, start, end) };
  }
  const groups = byClass(labels, count);
  const validating = [...groups.values()].flatMap((rows) =>
    rows.slice(from(rows.length, fold - 1), from(rows.length, fold)),
  );
  return divided(examples as Examples, validating) as Required<Parts<S>>;
}

/** The rows of each class, classes in the order of their numbers. */
function byClass(labels: ArrayLike<number>, count: number): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (let row = 0; row < count; row++) {
    const own = found.get(labels[row]!);
    if (own) own.push(row);
    else found.set(labels[row]!, [row]);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** Some rows validate, the rest trains. */
function divided(examples: Examples, validating: readonly number[]): Required<Parts> {
  const chosen = new Set(validating);
  const all = Int32Array.from({ length: examples.count }, (_, row) => row);
  return {
    train: pick(
      examples,
      all.filter((row) => !chosen.has(row)),
    ),
    validation: pick(examples, Int32Array.from(validating).sort()),
  };
}

/** The first `n` examples; all of them if there are fewer. */
export function takeFirst<S extends Samples | Stored>(
  examples: Examples<S>,
  n: number,
): Examples<S> {
  invariant(Number.isInteger(n) && n > 0, `takeFirst of ${n} examples`);
  return n >= examples.count ? examples : part(examples, 0, n);
}

/** @throws ProblemError at `["limit"]` if there are fewer */
export function checkLimit(limit: number | undefined, count: number, noun: string): void {
  if (limit === undefined || limit <= count) return;
  fail({
    path: ["limit"],
    message: `the data has fewer than ${limit} ${noun}`,
    expected: `at most ${count}`,
    received: `${limit}`,
    fix: "leave limit out, or make it smaller",
  });
}

/** All examples in a random order. */
export const shuffled = (examples: Examples, random: RandomStream): Examples =>
  pick(examples, permutation(examples.count, random));

/** A copy of some examples, in the order of `rows`. */
export function pick(examples: Examples, rows: Int32Array): Examples {
  return mapArrays(examples, rows.length, ({ values, at, ...form }): Samples => {
    const size = sizeOf(form);
    const make = values.constructor as new (n: number) => typeof values;
    const copy = new make(rows.length * size);
    rows.forEach((row, i) => {
      copy.set(values.subarray(row * size, (row + 1) * size), i * size);
    });
    return { ...form, values: copy, ...(at ? { at: (i: number) => at(rows[i]!) } : {}) };
  });
}

/** Examples `from` up to, not including, `to`. */
const part = <S extends Samples | Stored>(
  examples: Examples<S>,
  from: number,
  to: number,
): Examples<S> => mapArrays(examples, to - from, (samples) => partOf(samples, from, to));
