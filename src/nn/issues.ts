/** zod's issues in the words of the spec's user. */
import type { z } from "zod";
import { oneOf, suggest } from "../support/suggest.ts";

/** What a custom issue carries for the error message; read by `spec/problems.ts`. */
export interface IssueParams {
  readonly at?: "key" | "value";
  readonly expected?: string;
  readonly received?: string;
  readonly fix?: string;
}

/** That something is not there. */
export const needs = (owner: string, option: PropertyKey): string =>
  `${owner} needs \`${String(option)}\``;

/** What is wrong with an option, in a sentence. */
export function headline(e: z.core.$ZodIssue, owner: string): string {
  const option = e.path.map((p) => (typeof p === "number" ? `[${p}]` : String(p))).join(".");
  const missing = e.code === "invalid_type" && e.message.includes("received undefined");
  return missing ? needs(owner, option) : `\`${option}\` of ${owner} is not right`;
}

/** @param root what the issue's path starts from */
export function describeIssue(e: z.core.$ZodIssue, root: unknown): IssueParams {
  const value = e.path.reduce<unknown>(
    (v, key) => (v as Record<PropertyKey, unknown>)?.[key],
    root,
  );
  const received = value === undefined ? "nothing" : show(value);
  switch (e.code) {
    case "invalid_type":
      return { expected: typeNames[e.expected] ?? e.expected, received };
    case "too_small":
    case "too_big":
      return { expected: limitOf(e), received };
    case "invalid_value":
      return { expected: oneOf(e.values.map(String)), received, ...nearest(value, e.values) };
    case "invalid_key":
      return {
        ...{ at: "key", received: String(e.path.at(-1)) },
        expected: e.issues.map(({ message }) => message).join(", "),
      };
    case "invalid_union":
      return { expected: [...new Set(alternatives(e, value))].join(" or "), received };
    default:
      return { expected: e.message, received };
  }
}

/** What each form of a union expects; of forms the value has already, only what it lacks. */
function alternatives(e: z.core.$ZodIssueInvalidUnion, value: unknown): readonly string[] {
  return e.errors.flatMap((issues) =>
    issues.flatMap((issue) =>
      issue.code === "invalid_union"
        ? alternatives(issue, value)
        : [describeIssue(issue, value).expected ?? issue.message],
    ),
  );
}

function limitOf(e: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const low = e.code === "too_small";
  const limit = low ? e.minimum : e.maximum;
  const units = { array: ["entry", "entries"], string: ["character", "characters"] };
  const unit = units[e.origin as keyof typeof units]?.[Number(limit) === 1 ? 0 : 1];
  const amount = unit === undefined ? `${limit}` : `${limit} ${unit}`;
  if (e.exact) return `exactly ${amount}`;
  if (e.inclusive) return `${low ? "at least" : "at most"} ${amount}`;
  return `${low ? "more than" : "less than"} ${amount}`;
}

function nearest(value: unknown, values: readonly unknown[]): IssueParams {
  const near = typeof value === "string" ? suggest(value, values.map(String)) : undefined;
  return near ? { fix: `did you mean \`${near}\`?` } : {};
}

const typeNames: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

/** A value as a spec would show it, cut to one short line. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
