/**
 * What a run came to, written into its spec as what is expected from now on. Only values change, or a line is
 * added: comments and layout stay as they are.
 */
import { isMap, isScalar, parseDocument } from "yaml";
import { parseExpectation, type Verdict } from "./expectation.ts";

/** Digits of a recorded number that count. */
const digits = 4;

/** `>= 0.97` with what was measured in place of 0.97, rounded so that the measured value still holds. */
export function recorded(metric: string, want: string | number, got: number): string {
  const { relation } = parseExpectation(metric, want);
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(got) || 1)) - digits + 1);
  const written = (steps: number) => String(Number((steps * unit).toPrecision(digits + 1)));
  const below = Math.floor(got / unit);
  const above = Math.ceil(got / unit);
  switch (relation) {
    case ">=":
      return `>= ${written(below)}`;
    case "<=":
      return `<= ${written(above)}`;
    case ">":
      return `> ${written(below < got / unit ? below : below - 1)}`;
    case "<":
      return `< ${written(above > got / unit ? above : above + 1)}`;
    case "~":
      return `~ ${written(Math.round(got / unit))}`;
    case "==":
      return `== ${got}`;
    default:
      return relation satisfies never;
  }
}

/** A spec's text with the expectations that failed set to what was measured. */
export function updateExpectations(text: string, verdicts: readonly Verdict[]): string {
  const document = parseDocument(text);
  const edits = verdicts.flatMap(({ metric, want, got, ok }) => {
    const node: unknown = document.getIn(["expect", metric], true);
    if (ok || got === undefined || !isScalar(node) || !node.range) return [];
    const [start, end] = node.range;
    return [{ start, end, value: JSON.stringify(recorded(metric, want, got)) }];
  });
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((all, { start, end, value }) => all.slice(0, start) + value + all.slice(end), text);
}

/** A spec's text that expects, where it expected nothing, what was measured, within a percent. */
export function addExpectations(text: string, measured: Readonly<Record<string, number>>): string {
  const entries = Object.entries(measured).map(
    ([metric, got]) => `${metric}: ${JSON.stringify(recorded(metric, "~ 0", got))}`,
  );
  const root = parseDocument(text).contents;
  // A spec in braces, as JSON is, takes another entry before the closing one.
  if (isMap(root) && root.flow && root.range) {
    const at = text.lastIndexOf("}", root.range[1]);
    const quoted = Object.entries(measured).map(([metric, got]) => [
      metric,
      recorded(metric, "~ 0", got),
    ]);
    const comma = /,\s*$/.test(text.slice(0, at)) ? "" : ", ";
    const entry = `${comma}"expect": ${JSON.stringify(Object.fromEntries(quoted))}`;
    return `${text.slice(0, at).trimEnd()}${entry} ${text.slice(at)}`;
  }
  return `${text.replace(/\n*$/, "\n")}expect: { ${entries.join(", ")} }\n`;
}
