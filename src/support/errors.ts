/**
 * What can go wrong, in three kinds: a problem in the user's spec or data (exit 2), a run that failed
 * (exit 1), and a fault of ours (`internal:`). Nothing here knows YAML or terminals; a problem names its
 * place as a path into the spec, and the spec's reader turns that into file, line and column.
 */

/** Keys and list positions from the root of the spec: `["model", 2, "dense", "units"]`. */
export type SpecPath = readonly (string | number)[];

/** One thing that is wrong, said so that a person can mend it. */
export interface Problem {
  /** The place in the spec; empty when the spec as a whole is meant. */
  readonly path: SpecPath;
  /** Point at the key itself (a misspelt option) or at its value (the default). */
  readonly at?: "key" | "value";
  /** One sentence: what is wrong. */
  readonly message: string;
  readonly expected?: string;
  readonly received?: string;
  /** What to do about it, as an imperative. */
  readonly fix?: string;
  /** Further facts, one a line (shapes up to here, the row of a data file …). */
  readonly notes?: readonly string[];
}

/** The spec or its data is wrong: exit code 2. Carries every problem that was found. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => p.message).join("\n"));
    this.problems = problems;
  }
}

/** Throws a single problem. */
export function fail(problem: Problem): never {
  throw new ProblemError([problem]);
}

/** The command line is wrong (a missing file, a bad option): exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly fix: string | undefined;
  constructor(message: string, fix?: string) {
    super(message);
    this.fix = fix;
  }
}

/** The run failed though the spec was fine (diverged, backend gone, disk full): exit code 1. */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly fix: string | undefined;
  constructor(message: string, fix?: string) {
    super(message);
    this.fix = fix;
  }
}

/** A broken invariant of nnc itself. */
export function internal(message: string): Error {
  return new Error(`internal: ${message}`);
}

/** Throws `internal: message` unless the condition holds. */
export function invariant(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw internal(typeof message === "string" ? message : message());
}
