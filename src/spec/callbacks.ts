/** The callbacks of a spec, and the metrics that they watch. */
import type { Callback } from "../nn/callbacks/callback.ts";
import type { Named } from "../nn/definition.ts";
import type { Direction } from "../nn/metrics/metric.ts";
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { directionOf, noMetric, reportedNames } from "./reported.ts";
import type { OutputSpec } from "./spec.ts";

/** A metric of an epoch, and which values of it are better. */
export interface Watched {
  readonly metric: string;
  readonly better: Direction;
}
export interface CallbackSpec extends Named<Callback> {
  readonly path: SpecPath;
  /** Where its options stand. */
  readonly optionsPath: SpecPath;
  /** What it watches, if anything. */
  readonly watched: Watched | undefined;
  /** What it watches says which weights are the best. */
  readonly keepsBest: boolean;
}
type Given = Omit<CallbackSpec, "watched" | "keepsBest">;

/** @throws ProblemError with all that is wrong with them together, or with the metrics they name */
export function resolveCallbacks(
  given: readonly Given[],
  outputs: readonly OutputSpec[],
  scheduled: boolean,
): readonly CallbackSpec[] {
  const problems: Problem[] = [];
  const callbacks = given.map((callback): CallbackSpec => {
    const { definition, options, path } = callback;
    if (definition.setsRate && scheduled) problems.push(rateIsScheduled(definition.name, path));
    const watched = watchedBy(callback, outputs, problems);
    return { ...callback, watched, keepsBest: definition.keepsBest?.(options) ?? false };
  });
  const [first, ...others] = callbacks.filter((c) => c.keepsBest);
  for (const other of others) {
    if (first!.watched?.metric !== other.watched?.metric) problems.push(twoBests(first!, other));
  }
  if (problems.length > 0) throw new ProblemError(problems);
  return callbacks;
}

function watchedBy(
  { definition, options, optionsPath }: Given,
  outputs: readonly OutputSpec[],
  problems: Problem[],
): Watched | undefined {
  const { monitor, mode } = options;
  if (typeof monitor !== "string") return undefined;
  const known = reportedNames(outputs);
  if (!known.includes(monitor)) {
    problems.push({ ...noMetric(monitor, known), path: [...optionsPath, "monitor"] });
    return undefined;
  }
  const better = mode === "auto" ? directionOf(monitor, outputs) : directions[String(mode)];
  if (better) return { metric: monitor, better };
  problems.push({
    path: [...optionsPath, "monitor"],
    message: `${definition.name} cannot know whether more or less ${monitor} is better`,
    expected: "`mode: min` or `mode: max` beside it",
    received: "mode: auto",
    fix: "add the mode",
  });
  return undefined;
}

const directions: Readonly<Record<string, Direction>> = { min: "lower", max: "higher" };

const rateIsScheduled = (name: string, path: SpecPath): Problem => ({
  path,
  message: `${name} sets the learning rate, which a schedule of the optimizer sets too`,
  expected: "a number as `learning_rate`",
  received: "a schedule",
  fix: "keep one of the two",
});

const twoBests = (first: CallbackSpec, other: CallbackSpec): Problem => ({
  path: other.path,
  message: `${other.definition.name} and ${first.definition.name} do not agree on the best weights`,
  expected: `\`monitor: ${first.watched?.metric}\`, as ${first.definition.name} has it`,
  received: `${other.watched?.metric}`,
  fix: "let both watch the same metric, or keep one of them",
});
