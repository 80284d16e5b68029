/** Whether the values of a target are such that a loss can be computed of them. */
import type { AnySamples } from "../data/dataset.ts";
import { extremesOf } from "../data/extremes.ts";
import { isStored, sizeOf } from "../data/stream/stored.ts";
import type { Tensor } from "../ir/graph.ts";
import type { OutputSpec } from "../spec/spec.ts";
import { fail } from "../support/errors.ts";

/**
 * Class numbers must be smaller than the number of outputs, those of groups whole; values must lie where the loss has them.
 * @throws ProblemError with the first that does not, and where it stands in its file
 */
export function checkTargets(output: OutputSpec, prediction: Tensor, samples: AnySamples): void {
  const { targets, groups } = output.loss.definition;
  if (groups) checkWhole(output, samples);
  else if (targets === "labels") checkLabels(output, prediction, samples);
  else checkRange(output, prediction, samples);
}

function checkLabels(output: OutputSpec, prediction: Tensor, samples: AnySamples): void {
  const classes = prediction.type.shape.at(-1)!;
  const ignored = output.loss.definition.ignored?.(output.loss.options);
  const fits = (v: number) => (Number.isInteger(v) && v >= 0 && v < classes) || v === ignored;
  const odd = firstOdd(samples, fits);
  if (odd === undefined) return;
  const most = odd.most();
  const beyond = Number.isInteger(odd.value) && odd.value >= classes;
  fail({
    path: output.lossPath,
    message: `the data's class numbers do not fit the ${classes} outputs of ${output.layer}`,
    expected: `whole numbers from 0 to ${classes - 1}`,
    received: beyond ? `numbers up to ${most}, ${odd.value} ${odd.at}` : `${odd.value} ${odd.at}`,
    fix:
      beyond && classes > 1
        ? `give layer ${output.layer} ${Math.floor(most) + 1} units`
        : "check the target column",
  });
}

/** Labels of groups. */
function checkWhole(output: OutputSpec, samples: AnySamples): void {
  const odd = firstOdd(samples, Number.isInteger);
  if (odd === undefined) return;
  fail({
    path: output.lossPath,
    message: `${output.loss.definition.name} needs to know which examples belong together`,
    expected: "whole numbers, the same for such",
    received: `${odd.value} ${odd.at}`,
    fix: "check the target column",
  });
}

/** What rounding may have made of the bounds. */
const tolerance = 1e-6;

function checkRange(output: OutputSpec, prediction: Tensor, samples: AnySamples): void {
  const { name, range } = output.loss.definition;
  if (!range || samples.standard) return;
  const { scale = 1 } = samples;
  const [least, most] = range;
  const fits = (v: number) => v * scale >= least - tolerance && v * scale <= most + tolerance;
  const odd = firstOdd(samples, fits);
  if (odd === undefined) return;
  const several = prediction.type.shape.at(-1) === 1 && Number.isInteger(odd.value);
  fail({
    path: output.lossPath,
    message: `the data has targets that ${name} cannot be computed of`,
    expected: `numbers from ${least} to ${most}`,
    received: `${odd.value * scale} ${odd.at}`,
    fix:
      several && odd.value > 0
        ? "for more than two classes use `sparse_categorical_crossentropy`, and a unit for each"
        : "check the target column, or choose another loss",
  });
}

interface Odd {
  readonly value: number;
  /** `at iris.csv:36`, as far as it is known. */
  readonly at: string;
  /** The greatest value there is. */
  most(): number;
}

/** The first value that does not fit; of streamed ones that are many, one of the extremes. */
function firstOdd(samples: AnySamples, fits: (v: number) => boolean): Odd | undefined {
  if (isStored(samples)) {
    const { counts, least, most, whole } = samples.facts;
    const known = counts?.keys() ?? [least, most, ...(whole ? [] : [least + 0.5])];
    const value = [...known].find((v) => !fits(v));
    return value === undefined
      ? undefined
      : { value, at: `in ${samples.place.name}`, most: () => most };
  }
  const { values, at } = samples;
  const index = values.findIndex((v) => !fits(v));
  if (index < 0) return undefined;
  const example = Math.floor(index / sizeOf(samples));
  return {
    value: values[index]!,
    at: at?.(example) ?? `in example ${example}`,
    most: () => extremesOf(samples).most,
  };
}
