/** The data of a spec: loaded or opened, split, and its problems given their place in the spec. */
import type { AnySamples, Dataset, Parts, SourceContext } from "../data/dataset.ts";
import type { Description } from "../data/description.ts";
import { prepareParts } from "../data/pipeline.ts";
import { sources } from "../data/sources/index.ts";
import { prepareStream } from "../data/stream/prepare.ts";
import type { Stored } from "../data/stream/stored.ts";
import { survey } from "../data/stream/survey.ts";
import { onValidation } from "../spec/reported.ts";
import type { Spec } from "../spec/spec.ts";
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";

/**
 * Loads the spec's data; problems of the source get their place in the spec.
 * @param earlier what the data of a run looked like, where its model is to be used
 */
export async function loadData(spec: Spec, earlier?: Description): Promise<Dataset<AnySamples>> {
  const { data, directory, seed, sourcePath } = spec;
  const { source, parts } = data;
  const context = { directory, seed, ...(earlier ? { earlier } : {}) };
  const streamed = await openStream(spec, context).catch((error) => placed(error, sourcePath));
  if (streamed) {
    const look: typeof survey = (examples) =>
      survey(examples).catch((error) => placed(error, sourcePath));
    const dataset = prepareStream(streamed, parts, look).catch((error) => placed(error, ["data"]));
    return watchable(spec, await dataset);
  }
  const loaded = await source.definition
    .load(source.options, context)
    .catch((error: unknown) => placed(error, sourcePath));
  const { fit } = loaded;
  const fitted = fit && ((found: Parts) => within(sourcePath, () => fit(found)));
  const dataset = within(["data"], () =>
    prepareParts({ ...loaded, ...(fitted ? { fit: fitted } : {}) }, parts, seed),
  );
  return watchable(spec, dataset);
}

/** Data that stays in its files, if the spec asks for it or it is large. */
async function openStream(
  { data: { source, parts }, sourcePath }: Spec,
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
