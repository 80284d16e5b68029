/** What an epoch reports, by name: the losses and metrics of the outputs, with and without `val_`. */
import type { Direction } from "../nn/metrics/metric.ts";
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

/** Which values of a metric of an epoch are better; undefined where neither is. */
export function directionOf(
  reported: string,
  outputs: readonly OutputSpec[],
): Direction | undefined {
  const name = reported.startsWith(onValidation) ? reported.slice(onValidation.length) : reported;
  const found = outputs.flatMap((o) => o.metrics).find((m) => m.name === name);
  return found ? found.metric.definition.better : "lower";
}

/** What the prefix of the best of all epochs is. */
export const ofBest = "best_";

/** What a spec may expect of a run: also the best of all epochs, and facts of the run as a whole. */
export function expectableNames(outputs: readonly OutputSpec[]): readonly string[] {
  const names = reportedNames(outputs);
  const best = names.filter((name) => directionOf(name, outputs)).map((name) => `${ofBest}${name}`);
  return [...names, ...best, "parameters", "seconds"];
}

/** The better of two values of every metric; one that is no number is never better. */
export function better(
  best: Readonly<Record<string, number>>,
  metrics: Readonly<Record<string, number>>,
  outputs: readonly OutputSpec[],
): Readonly<Record<string, number>> {
  const result = { ...best };
  for (const [name, value] of Object.entries(metrics)) {
    const direction = directionOf(name, outputs);
    if (!direction || Number.isNaN(value)) continue;
    const before = best[name] ?? value;
    result[name] = direction === "lower" ? Math.min(before, value) : Math.max(before, value);
  }
  return result;
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
