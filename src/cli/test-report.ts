/** The results of a regression suite as a table, as Markdown, and as JUnit's XML. */
import type { Verdict } from "../spec/expectation.ts";
import { formatGot, formatSeconds } from "./progress.ts";
import { renderTable, type TableOptions } from "./tables.ts";
import type { Paint } from "./terminal.ts";

/** `failed`: something expected did not hold, or the run diverged. `error`: it could not be run. */
export type Status = "passed" | "failed" | "error";

export interface TestResult {
  /** As the command line named it. */
  readonly spec: string;
  readonly status: Status;
  readonly seconds: number;
  readonly expect: readonly Verdict[];
  /** Of the last epoch. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Why, where it did not pass for another reason than an expectation. */
  readonly message?: string;
  /** Its expectations were changed to what came. */
  readonly updated?: boolean;
}

export function renderResults(
  results: readonly TestResult[],
  options: TableOptions,
  paint: Paint,
): string {
  const rows = results.map((result) => [
    result.spec,
    `${marks[result.status]} ${result.status}`,
    formatSeconds(result.seconds),
    findings(result),
  ]);
  const table = renderTable(["spec", "result", "time", "expected"], rows, options, paint);
  return `${table}\n\n${countsOf(results)}`;
}

const marks: Readonly<Record<Status, string>> = { passed: "✓", failed: "✗", error: "✗" };

function countsOf(results: readonly TestResult[]): string {
  const kinds: readonly Status[] = ["passed", "failed", "error"];
  const seconds = results.reduce((sum, r) => sum + r.seconds, 0);
  const shown = kinds
    .map((kind) => ({ kind, count: results.filter((r) => r.status === kind).length }))
    .filter(({ kind, count }) => count > 0 || kind === "passed")
    .map(({ kind, count }) => `${count} ${kind === "error" && count > 1 ? "errors" : kind}`);
  return `${shown.join(", ")} in ${formatSeconds(seconds)}`;
}

function findings({ expect, message, updated }: TestResult): string {
  const verdicts = expect.map((verdict) => `${verdict.ok ? "" : "✗ "}${sentence(verdict)}`);
  const first = message?.split("\n")[0];
  const parts = [...(first === undefined ? [] : [first]), ...verdicts];
  const all = parts.length > 0 ? parts.join("; ") : "nothing expected";
  return updated ? `${all}; recorded` : all;
}

const sentence = ({ metric, want, got }: Verdict): string =>
  `${metric} ${want}, ${formatGot(metric, got)}`;

/**
 * A suite for each spec, a case for the training and one for everything expected.
 * https://github.com/testmoapp/junitxml
 */
export function junit(results: readonly TestResult[]): string {
  const suites = results.map(suiteOf);
  const total = (key: "tests" | "failures" | "errors") =>
    suites.reduce((sum, suite) => sum + suite[key], 0);
  const time = results.reduce((sum, r) => sum + r.seconds, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="nnc" tests="${total("tests")}" failures="${total("failures")}" errors="${total("errors")}" time="${time.toFixed(3)}">`,
    ...suites.map((suite) => suite.xml),
    "</testsuites>",
    "",
  ].join("\n");
}

function suiteOf({ spec, status, seconds, expect, message = "" }: TestResult) {
  const time = seconds.toFixed(3);
  const diverged = status === "failed" && message !== "";
  const kind = status === "error" ? "error" : diverged ? "failure" : undefined;
  const cases = [
    testcase(spec, "trains", ` time="${time}"`, kind, message),
    ...expect.map((verdict) =>
      testcase(
        spec,
        `${verdict.metric} ${verdict.want}`,
        "",
        verdict.ok ? undefined : "failure",
        sentence(verdict),
      ),
    ),
  ];
  const failures = expect.filter((v) => !v.ok).length + (diverged ? 1 : 0);
  const errors = status === "error" ? 1 : 0;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
  const head = `  <testsuite name="${xml(spec)}" ${counts} time="${time}">`;
  return {
    ...{ tests: cases.length, failures, errors },
    xml: [head, ...cases, "  </testsuite>"].join("\n"),
  };
}

function testcase(
  spec: string,
  name: string,
  more: string,
  kind: "failure" | "error" | undefined,
  message: string,
): string {
  const head = `    <testcase classname="${xml(spec)}" name="${xml(name)}"${more}`;
  if (kind === undefined) return `${head}/>`;
  const first = message.split("\n")[0]!;
  return `${head}>\n      <${kind} message="${xml(first)}">${xml(message)}</${kind}>\n    </testcase>`;
}

/** Text for attributes and elements; control characters, which XML 1.0 cannot hold, go. */
const xml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
