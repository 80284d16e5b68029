/** Inputs brought to mean 0 and variance 1, by the data that trains: found here, applied where the model reads. */
import { fail } from "../support/errors.ts";
import type { AnySamples, Dataset, Examples, Standard } from "./dataset.ts";
import type { Description } from "./description.ts";
import type { Encoding } from "./encoding.ts";
import { momentsOf } from "./stream/survey.ts";

/**
 * The dataset with a mean and a deviation for each position of the last dimension of its inputs: a column of a
 * table, a channel of a picture. One-hot columns stay as they are, and so does what never changes.
 * @throws ProblemError at `["standardize"]` where an input is tokens
 */
export function standardised(dataset: Dataset<AnySamples>): Dataset<AnySamples> {
  const found = new Map(
    [...dataset.train.inputs].map(([name, samples]) => [
      name,
      standardOf(name, samples, dataset.encodings?.get(name)),
    ]),
  );
  return withStandards(dataset, (name) => found.get(name));
}

/** The same with what a model was trained on: its own means and deviations. */
export const standardisedAs = (
  dataset: Dataset<AnySamples>,
  { inputs }: Description,
): Dataset<AnySamples> => withStandards(dataset, (name) => inputs[name]?.standard);

function withStandards(
  { train, validation, ...rest }: Dataset<AnySamples>,
  standardFor: (input: string) => Standard | undefined,
): Dataset<AnySamples> {
  const apply = (examples: Examples<AnySamples>): Examples<AnySamples> => ({
    ...examples,
    inputs: new Map(
      [...examples.inputs].map(([name, samples]) => {
        const standard = standardFor(name);
        return [name, standard ? { ...samples, standard } : samples];
      }),
    ),
  });
  return { ...rest, train: apply(train), ...(validation ? { validation: apply(validation) } : {}) };
}

function standardOf(name: string, samples: AnySamples, encoding: Encoding | undefined): Standard {
  if (encoding?.kind === "text") {
    fail({
      path: ["standardize"],
      message: `standardize: input ${name} is tokens, whose numbers are names`,
      expected: "inputs that are quantities",
      fix: "leave standardize out",
    });
  }
  const { mean, variance } = momentsOf(samples);
  const width = samples.shape.at(-1) ?? 1;
  const times = mean.length / width;
  const average = (term: (i: number, c: number) => number) => {
    const sums = new Float64Array(width);
    for (let i = 0; i < mean.length; i++) sums[i % width]! += term(i, i % width) / times;
    return sums;
  };
  const centre = average((i) => mean[i]!);
  const spread = average((i, c) => variance[i]! + (mean[i]! - centre[c]!) ** 2);
  const isNumber = numberColumns(encoding, width);
  return {
    mean: Array.from(centre, (m, c) => (isNumber[c] ? m : 0)),
    deviation: Array.from(spread, (v, c) => (isNumber[c] && v > 0 ? Math.sqrt(v) : 1)),
  };
}

/** Which positions are numbers, and not of a category. */
function numberColumns(encoding: Encoding | undefined, width: number): readonly boolean[] {
  if (encoding?.kind !== "table") return Array.from({ length: width }, () => true);
  const each = encoding.features.flatMap(({ categories }) =>
    categories ? categories.map(() => false) : [true],
  );
  // A column may be a list of numbers.
  return each.length === width ? each : Array.from({ length: width }, () => true);
}
