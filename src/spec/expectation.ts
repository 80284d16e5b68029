/** What a regression run asserts: a metric, a relation and a number. */
export type Relation = ">=" | "<=" | ">" | "<" | "==" | "~";
export interface Expectation {
  readonly metric: string;
  readonly relation: Relation;
  readonly value: number;
  /** As written in the spec. */
  readonly want: string;
}
export interface Verdict {
  readonly metric: string;
  readonly want: string;
  /** Absent if the run never measured it. */
  readonly got: number | undefined;
  readonly ok: boolean;
}

/** ">= 0.97"; a bare number means "==". The schema has checked the form. */
export function parseExpectation(metric: string, want: string | number): Expectation {
  const [, relation = "==", number] = /^\s*(>=|<=|==|~|>|<)?\s*(\S+)\s*$/.exec(String(want))!;
  return { metric, relation: relation as Relation, value: Number(number), want: String(want) };
}

/** `~` means within one percent. */
const holds: Readonly<Record<Relation, (got: number, want: number) => boolean>> = {
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "==": (a, b) => a === b,
  "~": (a, b) => Math.abs(a - b) <= 0.01 * Math.abs(b),
};

export function judge(
  expectations: readonly Expectation[],
  metrics: Readonly<Record<string, number>>,
): readonly Verdict[] {
  return expectations.map(({ metric, relation, value, want }) => {
    const got = metrics[metric];
    return { metric, want, got, ok: got !== undefined && holds[relation](got, value) };
  });
}
