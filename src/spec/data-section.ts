/** The data section of a spec: which sources it names, where their options stand, and what is done with them. */
import type { PartOptions } from "../data/pipeline.ts";
import { type Named, namesOf } from "../nn/definition.ts";
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import type { AnySource, ParsedSpec } from "./schema.ts";

export interface ChosenSource {
  readonly source: Named<AnySource>;
  /** Where the source's options stand, for problems it reports. */
  readonly sourcePath: SpecPath;
}
export interface DataSpec extends ChosenSource {
  /** How the examples are divided and weighed. */
  readonly parts: PartOptions;
  /** Another source, whose examples validate. */
  readonly validation: ChosenSource | undefined;
}

/** @param raw the data section as it is written */
export function dataOf({ data }: ParsedSpec, raw: unknown): DataSpec {
  const { source, validation, ...parts } = data;
  const isLong = typeof raw === "object" && raw !== null && "source" in raw;
  const written = (isLong ? raw : { source: raw }) as Readonly<Record<string, unknown>>;
  if (validation && (parts.validation_split !== undefined || parts.folds !== undefined)) {
    const problem: Problem = {
      path: ["data", "validation"],
      message: "there are two sets of examples to validate with",
      expected: "`validation`, `validation_split` or `folds`",
      fix: "keep one of them",
    };
    throw new ProblemError([problem]);
  }
  return {
    source,
    sourcePath: sourcePath(source, written["source"], ["data", ...(isLong ? ["source"] : [])]),
    parts,
    validation: validation && {
      source: validation,
      sourcePath: sourcePath(validation, written["validation"], ["data", "validation"]),
    },
  };
}

/** Where a source's options stand: behind the name it goes by there, which may be an alias. */
function sourcePath({ definition }: Named<AnySource>, written: unknown, at: SpecPath): SpecPath {
  if (typeof written !== "object" || written === null) return at;
  return [...at, namesOf(definition).find((n) => n in written) ?? definition.name];
}
