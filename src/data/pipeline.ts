/**
 * From what a source gives to what is trained on, in this order: shuffled, limited, split, and only then
 * fitted to the part that trains; inputs and targets are chosen, classes are weighed last. The same options for
 * every source.
 */
import { z } from "zod";
import { fail, type Problem } from "../support/errors.ts";
import { randomStream } from "../support/random.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { chooseArrays, chooseOptions } from "./choose.ts";
import type { Dataset, Examples, Form, Loaded, Parts, Samples } from "./dataset.ts";
import {
  checkLimit,
  type Fold,
  foldSplit,
  shuffled,
  stratifiedSplit,
  takeFirst,
  validationSplit,
} from "./split.ts";

export const partOptions = {
  shuffle: z
    .boolean()
    .default(false)
    .describe("Put the examples in a random order, by the seed, before anything is cut off."),
  limit: z
    .int()
    .positive()
    .optional()
    .describe("Use only the first so many examples, training and validation_split together."),
  validation_split: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      "Share of the examples kept for validation: the last ones, before train's shuffling.",
    ),
  stratify: z
    .boolean()
    .default(false)
    .describe("Let validation_split, or a fold, take its share of every class."),
  folds: z
    .int()
    .min(2)
    .optional()
    .describe(
      "k-fold: cut the examples into so many parts, and train as many times, each time validating with " +
        "another part.",
    ),
  fold: z.int().positive().optional().describe("Train only this one of the folds, from 1."),
  class_weight: z
    .union([z.literal("balanced"), z.record(z.string(), z.number().min(0))])
    .optional()
    .describe(
      "How much examples of a class count in training, by its name or number; 1 where nothing is said. " +
        "`balanced`: inversely to how many there are.",
    ),
  standardize: z
    .boolean()
    .default(false)
    .describe(
      "Bring every input to mean 0 and variance 1, for each column or channel, by the examples that train.",
    ),
  stream: z
    .union([z.literal("auto"), z.boolean()])
    .default("auto")
    .describe(
      "Leave the examples in their files and read them while training: csv, npy, npz. auto: where they " +
        "would take more than 512 MB of memory.",
    ),
  window: z
    .union([z.int().positive(), z.string().regex(/^\d+(\.\d+)? ?[KMG]?B$/i, "a size such as 32MB")])
    .default("32MB")
    .describe(
      "How much of streamed data is in memory at a time, once to train and once read ahead. Within it " +
        "train.shuffle mixes examples.",
    ),
  ...chooseOptions,
};
export type PartOptions = z.output<z.ZodObject<typeof partOptions>>;
type ClassWeight = NonNullable<PartOptions["class_weight"]>;

/** @throws ProblemError with paths relative to the options */
export const prepareParts = (loaded: Loaded, options: PartOptions, seed: number): Dataset =>
  finishParts(fitParts(loaded, options, seed), options);

/** Split, and fitted to the part that trains. */
export function fitParts(loaded: Loaded, options: PartOptions, seed: number): Dataset {
  const { fit, ...dataset } = loaded;
  const parts = split(dataset, options, seed);
  return fit ? fit(parts) : { ...dataset, ...parts };
}

/** With the inputs and targets that are asked for, and its classes weighed. */
export function finishParts(dataset: Dataset, options: PartOptions): Dataset {
  const { train, ...rest } = chooseArrays(dataset, options);
  if (options.class_weight === undefined) return { train, ...rest };
  return { ...rest, train: weighed(train, options.class_weight, rest.classes) };
}

function split({ train: all, validation }: Parts, options: PartOptions, seed: number): Parts {
  const { shuffle, limit, validation_split, stratify } = options;
  checkSplit(options);
  const ordered = shuffle ? shuffled(all, randomStream(seed, "data")) : all;
  checkLimit(limit, all.count, "examples");
  const train = limit === undefined ? ordered : takeFirst(ordered, limit);
  const which = foldOf(options);
  if (which) return foldSplit(train, which, stratify ? labelsOf(train, "stratify") : undefined);
  if (validation_split === undefined) return validation ? { train, validation } : { train };
  return stratify
    ? stratifiedSplit(train, labelsOf(train, "stratify"), validation_split)
    : validationSplit(train, validation_split);
}

/** What says how to split must say it once. @throws ProblemError with paths relative to the options */
export function checkSplit({ stratify, validation_split, folds, fold }: PartOptions): void {
  if (stratify && validation_split === undefined && folds === undefined) {
    fail({
      path: ["stratify"],
      message: "stratify says how to split, and nothing is split",
      fix: "add `validation_split: 0.2`, or leave stratify out",
    });
  }
  if (folds !== undefined && validation_split !== undefined) {
    fail({
      path: ["validation_split"],
      message: "folds says already which examples validate",
      fix: "keep one of the two",
    });
  }
  if (fold === undefined || (folds !== undefined && fold <= folds)) return;
  fail({
    path: ["fold"],
    message:
      folds === undefined
        ? "fold says which of the folds, and there are none"
        : "there is no such fold",
    expected: folds === undefined ? "`folds: 5` beside it" : `1 to ${folds}`,
    received: `${fold}`,
    fix: "leave fold out to train them all",
  });
}

/** Where all folds are meant, but one is needed, it is the first. */
export const foldOf = ({ folds, fold = 1 }: PartOptions): Fold | undefined =>
  folds === undefined ? undefined : { folds, fold };

/** The class of each example: its number, or where it has its largest value (one-hot). */
function labelsOf({ count, targets }: Examples, option: string): Int32Array {
  const [target, ...others] = targets.values();
  const labels = target && others.length === 0 ? toLabels(target, count) : undefined;
  return labels ?? fail(labelsProblem(option, targets));
}

/** What is wrong with targets that are no classes. */
export function labelsProblem(option: string, targets: ReadonlyMap<string, Form>): Problem {
  const [target] = targets.values();
  return {
    path: [option],
    message: `${option}: the target is no class`,
    expected: "a single target that has one class an example",
    received: target
      ? `${targets.size} target${targets.size > 1 ? "s" : ""} of shape [${target.shape.join(", ")}]`
      : "a tag for every token",
    fix: `leave ${option} out`,
  };
}

function toLabels({ shape, values }: Samples, count: number): Int32Array | undefined {
  if (shape.length > 1) return undefined;
  const width = shape[0] ?? 1;
  if (width === 1) {
    return values.every((v) => Number.isInteger(v) && v >= 0) ? Int32Array.from(values) : undefined;
  }
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * width, (i + 1) * width);
    labels[i] = row.indexOf(1);
    if (labels[i] === -1 || row.some((v, k) => v !== (k === labels[i] ? 1 : 0))) return undefined;
  }
  return labels;
}

/** The training part with its examples weighed by class; weights of their own are multiplied. */
function weighed(
  train: Examples,
  wanted: ClassWeight,
  classes: readonly string[] | undefined,
): Examples {
  const labels = labelsOf(train, "class_weight");
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const weightOf = classWeights(counts, wanted, classes);
  const own = train.weights?.values;
  const values = Float32Array.from(labels, (l, i) => (weightOf.get(l) ?? 1) * (own?.[i] ?? 1));
  return { ...train, weights: { shape: [], values } };
}

/**
 * What an example of each class counts; 1 for a class that is not named.
 * `balanced` is n / (classes · n of the class), as in scikit-learn.
 * @param counts how many examples each class has
 */
export function classWeights(
  counts: ReadonlyMap<number, number>,
  wanted: ClassWeight,
  classes: readonly string[] | undefined,
): ReadonlyMap<number, number> {
  if (wanted === "balanced") {
    const all = [...counts.values()].reduce((a, b) => a + b, 0);
    return new Map([...counts].map(([label, n]) => [label, all / (counts.size * n)]));
  }
  const names = classes ?? [...counts.keys()].sort((a, b) => a - b).map(String);
  const named = Object.entries(wanted);
  return new Map(named.map(([key, w]) => [classNumber(key, names, classes !== undefined), w]));
}

function classNumber(key: string, names: readonly string[], named: boolean): number {
  const index = names.indexOf(key);
  if (index >= 0) return named ? index : Number(key);
  // Keras names classes by number; where names are words there is no mistaking one for the other.
  if (named && /^\d+$/.test(key) && Number(key) < names.length) return Number(key);
  const near = suggest(key, names);
  return fail({
    path: ["class_weight", key],
    at: "key",
    message: `the data has no class "${key}"`,
    expected: oneOf(names.slice(0, 20)),
    received: key,
    fix: near ? `did you mean \`${near}\`?` : "name one of the classes",
  });
}
