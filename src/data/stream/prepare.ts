/**
 * From data that stays in files to what is trained on: limited, split by row number, and each part looked
 * through once. What needs all examples in another order than that of their files is refused.
 */
import { type Problem, ProblemError } from "../../support/errors.ts";
import { chooseArrays } from "../choose.ts";
import type { Dataset, Examples, SampleValues } from "../dataset.ts";
import { checkSplit, classWeights, foldOf, labelsProblem, type PartOptions } from "../pipeline.ts";
import { checkLimit, foldSplit, takeFirst, validationSplit } from "../split.ts";
import { makeValues, type Stored, type Surveyed } from "./stored.ts";
import { type survey, surveyed } from "./survey.ts";

/**
 * @param look looks through examples; its problems are the source's
 * @throws ProblemError with paths relative to the options
 */
export async function prepareStream(
  dataset: Dataset<Stored>,
  options: PartOptions,
  look: typeof survey,
): Promise<Dataset<Surveyed>> {
  const { train: all, validation: own, ...rest } = chooseArrays(dataset, options);
  const { limit, validation_split: fraction, class_weight } = options;
  checkSplit(options);
  refuse(options);
  checkLimit(limit, all.count, "examples");
  const limited = limit === undefined ? all : takeFirst(all, limit);
  const which = foldOf(options);
  const parts = which
    ? foldSplit(limited, which)
    : fraction === undefined
      ? { train: limited, ...(own ? { validation: own } : {}) }
      : validationSplit(limited, fraction);
  const train = await look(parts.train);
  const validation = parts.validation && (await look(parts.validation));
  return {
    ...rest,
    train: class_weight === undefined ? train : await weighed(train, class_weight, rest.classes),
    ...(validation ? { validation } : {}),
    summary: `${rest.summary}; streamed, ${options.window} at a time`,
  };
}

function refuse(options: PartOptions): void {
  const problems = (["shuffle", "stratify"] as const).flatMap((option): Problem[] =>
    options[option]
      ? [
          {
            path: [option],
            message: `${option}: streamed data stays in the order of its files`,
            expected: "data that fits into memory",
            fix:
              option === "shuffle"
                ? "leave it out: train.shuffle mixes streamed examples; or write `stream: false`"
                : "leave it out, or write `stream: false`",
          },
        ]
      : [],
  );
  if (problems.length > 0) throw new ProblemError(problems);
}

/** As of data in memory, but each weight is found when its example is read. */
async function weighed(
  train: Examples<Surveyed>,
  wanted: NonNullable<PartOptions["class_weight"]>,
  classes: readonly string[] | undefined,
): Promise<Examples<Surveyed>> {
  const [labels, ...others] = train.targets.values();
  const counts = others.length === 0 ? labels?.facts.counts : undefined;
  if (!labels || !counts || labels.facts.least < 0)
    throw new ProblemError([labelsProblem("class_weight", train.targets)]);
  const weightOf = classWeights(counts, wanted, classes);
  const own = train.weights;
  const read = async (from: number, into: SampleValues): Promise<void> => {
    const found = makeValues(labels.type, into.length);
    await labels.read(from, found);
    if (own) await own.read(from, into);
    else into.fill(1);
    for (let i = 0; i < into.length; i++) into[i]! *= weightOf.get(found[i]!) ?? 1;
  };
  const { place, first } = labels;
  const weights: Stored = { shape: [], type: "float32", read, place, first };
  return { ...train, weights: await surveyed(weights, train.count) };
}
