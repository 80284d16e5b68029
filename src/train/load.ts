/** The data of a spec: loaded or opened, split, and its problems given their place in the spec. */
import { z } from "zod";
import type { AnySamples, Dataset, Parts, SourceContext } from "../data/dataset.ts";
import { type Description, describe } from "../data/description.ts";
import type { Encodings } from "../data/encoding.ts";
import { finishParts, fitParts, type PartOptions, partOptions } from "../data/pipeline.ts";
import { sources } from "../data/sources/index.ts";
import { standardised, standardisedAs } from "../data/standardize.ts";
import { prepareStream } from "../data/stream/prepare.ts";
import type { Stored } from "../data/stream/stored.ts";
import { survey } from "../data/stream/survey.ts";
import type { ChosenSource } from "../spec/data-section.ts";
import { onValidation } from "../spec/reported.ts";
import type { Spec } from "../spec/spec.ts";
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";

/**
 * Loads the spec's data; problems of a source get their place in the spec.
 * @param earlier what the data of a run looked like, where its model is to be used
 */
export async function loadData(spec: Spec, earlier?: Description): Promise<Dataset<AnySamples>> {
  const { data } = spec;
  const own = await loadSource(spec, data, earlier);
  const dataset = within(["data"], () => {
    if (earlier) return standardisedAs(own.dataset, earlier);
    return data.parts.standardize ? standardised(own.dataset) : own.dataset;
  });
  const whole = data.validation ? await withValidation(spec, dataset, own) : dataset;
  return watchable(spec, whole);
}

/** What comes of a source. */
interface FromSource {
  readonly dataset: Dataset<AnySamples>;
  /** How the source's own inputs were encoded, before others were made of them. */
  readonly encodings: Encodings;
  readonly classes: readonly string[] | undefined;
}

async function loadSource(
  spec: Spec,
  chosen: ChosenSource & { readonly parts: PartOptions },
  earlier: Description | undefined,
): Promise<FromSource> {
  const { directory, seed } = spec;
  const { source, sourcePath, parts } = chosen;
  const context = { directory, seed, ...(earlier ? { earlier } : {}) };
  const streamed = await openStream(chosen, context).catch((error) => placed(error, sourcePath));
  if (streamed) {
    const look: typeof survey = (examples) =>
      survey(examples).catch((error) => placed(error, sourcePath));
    const dataset = prepareStream(streamed, parts, look).catch((error) => placed(error, ["data"]));
    return { dataset: await dataset, ...knownOf(streamed) };
  }
  const loaded = await source.definition
    .load(source.options, context)
    .catch((error: unknown) => placed(error, sourcePath));
  const { fit } = loaded;
  const fitted = fit && ((found: Parts) => within(sourcePath, () => fit(found)));
  return within(["data"], () => {
    const split = fitParts({ ...loaded, ...(fitted ? { fit: fitted } : {}) }, parts, seed);
    return { dataset: finishParts(split, parts), ...knownOf(split) };
  });
}

const knownOf = ({ encodings = new Map(), classes }: Pick<Dataset, "encodings" | "classes">) => ({
  encodings,
  classes,
});

/** The dataset with all examples of another source to validate with, encoded as those that train. */
async function withValidation(
  spec: Spec,
  dataset: Dataset<AnySamples>,
  { encodings, classes }: FromSource,
): Promise<Dataset<AnySamples>> {
  const { validation, parts } = spec.data;
  const { classes: _, ...described } = describe(dataset, ".");
  const known: Description = {
    ...described,
    ...(classes ? { classes: [...classes] } : {}),
    encodings: Object.fromEntries(encodings),
  };
  const { inputs, targets, stream, window } = parts;
  const own = { ...noParts, inputs, targets, stream: stream === true ? "auto" : stream, window };
  const other = await loadSource(spec, { ...validation!, parts: own }, known);
  const { train, summary } = standardisedAs(other.dataset, known);
  for (const side of ["inputs", "targets"] as const)
    checkAlike(dataset.train[side], train[side], side);
  return {
    ...dataset,
    validation: train,
    summary: `${dataset.summary}; to validate: ${summary}`,
  };
}

const noParts = z.object(partOptions).parse({});

type Side = ReadonlyMap<string, AnySamples>;

function checkAlike(train: Side, validation: Side, side: "inputs" | "targets"): void {
  const shown = (arrays: Side) =>
    [...arrays]
      .map(([name, s]) => `${name} [${s.shape.join(", ")}]`)
      .sort()
      .join(", ");
  if (shown(train) === shown(validation)) return;
  throw new Placed([
    {
      path: ["data", "validation"],
      message: `the validation data has other ${side} than the data that trains`,
      expected: shown(train),
      received: shown(validation),
      fix: "give the source the options that the other one has",
    },
  ]);
}

/** Data that stays in its files, if the spec asks for it or it is large. */
async function openStream(
  { source, sourcePath, parts }: ChosenSource & { readonly parts: PartOptions },
  context: SourceContext,
): Promise<Dataset<Stored> | undefined> {
  const { stream, name } = source.definition;
  if (parts.stream === false) return undefined;
  if (stream) return stream(source.options, context, parts.stream === true ? 0 : largestInMemory);
  if (parts.stream === "auto") return undefined;
  throw new Placed([
    {
      path: ["data", "stream"],
      message: `data of ${name} cannot be streamed`,
      expected: `one of ${sources.flatMap((s) => (s.stream ? [s.name] : [])).join(", ")}`,
      received: `${sourcePath.at(-1)}`,
      fix: "leave stream out, or convert the data to one of these",
    },
  ]);
}

/** Bytes from which on data is streamed, if nothing else is said. */
const largestInMemory = 512e6;

/** Runs `body`; its problems' paths start at `path`, unless they have their place already. */
function within<T>(path: SpecPath, body: () => T): T {
  try {
    return body();
  } catch (error) {
    return placed(error, path);
  }
}

class Placed extends ProblemError {}

function placed(error: unknown, path: SpecPath): never {
  if (!(error instanceof ProblemError) || error instanceof Placed) throw error;
  throw new Placed(error.problems.map((p) => ({ ...p, path: [...path, ...p.path] })));
}

/** Checks that what callbacks watch on validation data will be there. */
function watchable({ callbacks }: Spec, dataset: Dataset<AnySamples>): Dataset<AnySamples> {
  const problems = callbacks.flatMap(({ definition, watched, path }): Problem[] => {
    if (dataset.validation || !watched?.metric.startsWith(onValidation)) return [];
    return [
      {
        path,
        message: `${definition.name} watches ${watched.metric}, and there is no validation data`,
        expected: "data with a part for validation",
        received: dataset.summary,
        fix: `write \`validation_split: 0.2\` beside the data's source, or \`monitor: ${watched.metric.slice(onValidation.length)}\``,
      },
    ];
  });
  if (problems.length > 0) throw new ProblemError(problems);
  return dataset;
}
