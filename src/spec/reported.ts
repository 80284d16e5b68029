/** What an epoch reports, by name: the losses and metrics of the outputs, with and without `val_`. */
import type { Problem } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { OutputSpec } from "./spec.ts";

/** What the prefix of numbers on validation data is. */
export const onValidation = "val_";

/** What the metrics of one part of the data are called. */
export function metricNames(outputs: readonly OutputSpec[]): readonly string[] {
  return [
    "loss",
    ...(outputs.length > 1 ? outputs.map((o) => `${o.layer}_loss`) : []),
    ...outputs.flatMap((o) => o.metrics.map(({ name }) => name)),
  ];
}

/** What the metrics of an epoch are called. */
export function reportedNames(outputs: readonly OutputSpec[]): readonly string[] {
  const names = metricNames(outputs);
  return [...names, ...names.map((name) => `${onValidation}${name}`)];
}

/** That a name is none of those; its place is for the caller to add. */
export function noMetric(name: string, known: readonly string[]): Omit<Problem, "path"> {
  const near = suggest(name, known);
  return {
    message: `this spec has no metric "${name}"`,
    expected: oneOf(known),
    received: name,
    fix: near ? `did you mean \`${near}\`?` : "list it under `metrics`",
  };
}
