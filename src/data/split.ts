/** Parts of a set of examples, as views: nothing is copied. */
import { fail, invariant } from "../support/errors.ts";
import type { Examples, Samples } from "./dataset.ts";

/**
 * Keeps the last part of the examples for validation, as Keras does: of n examples the first
 * ⌊n·(1 − fraction)⌋ train, in the order of the file, before any shuffling.
 * https://keras.io/api/models/model_training_apis/ (`validation_split`)
 *
 * @param fraction part to validate with, in (0, 1)
 * @throws ProblemError at `["validation_split"]` if either part would be empty
 */
export function validationSplit(
  examples: Examples,
  fraction: number,
): { readonly train: Examples; readonly validation: Examples } {
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

/** The first `n` examples; all of them if there are fewer. */
export function takeFirst(examples: Examples, n: number): Examples {
  invariant(Number.isInteger(n) && n > 0, `takeFirst of ${n} examples`);
  return n >= examples.count ? examples : part(examples, 0, n);
}

/** Examples `from` up to, not including, `to`. */
function part(examples: Examples, from: number, to: number): Examples {
  const slice = (samples: ReadonlyMap<string, Samples>): ReadonlyMap<string, Samples> =>
    new Map([...samples].map(([name, s]) => [name, sliceSamples(s, from, to)]));
  return { count: to - from, inputs: slice(examples.inputs), targets: slice(examples.targets) };
}

function sliceSamples(samples: Samples, from: number, to: number): Samples {
  const size = samples.shape.reduce((product, extent) => product * extent, 1);
  return { ...samples, values: samples.values.subarray(from * size, to * size) };
}
