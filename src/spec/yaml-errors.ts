/**
 * YAML's syntax errors in words for people. The parser says which rule of its grammar broke; what
 * the writer got wrong is mostly plain from the line. Each rule here hands some of the parser's
 * messages to a function that knows the slip; the first that has something to say is taken.
 */

import type { Document, YAMLError } from "yaml";
import type { LocatedProblem, Placer } from "./place.ts";
import * as slips from "./yaml-slips.ts";

type Explain = (slip: slips.Slip) => slips.Finding | undefined;
type Rule = readonly [pattern: RegExp, explain: Explain];

const RULES: readonly Rule[] = [
  [/^TAB_AS_INDENT/, slips.tab],
  [/^(MULTILINE_IMPLICIT_KEY|BAD_INDENT|MISSING_CHAR: Implicit)/, slips.noSpace],
  [/closing ["']quote/, slips.openQuote],
  [/end with a [\]}]/, slips.openBracket],
  [/^(BAD_INDENT|BLOCK_AS_IMPLICIT_KEY: A block)/, slips.indentation],
  [/^BLOCK_AS_IMPLICIT_KEY|Unexpected block-seq-ind/, slips.nested],
  [/^(BLOCK_IN_FLOW|MISSING_CHAR: Missing ,)|KEY: .* in flow/, slips.comma],
  [/^(MULTILINE_IMPLICIT_KEY|MISSING_CHAR: (Implicit|Sequence))/, slips.noKey],
  [/^BAD_SCALAR_START|Block scalar header/, slips.valueStart],
  [/^BAD_DQ_ESCAPE/, slips.badEscape],
  [/Comments must be/, slips.comment],
  [/^TAG_RESOLVE_FAILED|^BAD_COLLECTION_TYPE/, slips.tag],
  [/Unexpected (,|empty item)/, slips.emptyItem],
  [/Unexpected flow-(map|seq)-end|Unexpected [\]}] in/, slips.strayBracket],
  [/at node end|in YAML stream/, slips.tail],
  [/Not a YAML token/, slips.blockText],
  [/DIRECTIVE|directives-end/i, slips.directive],
  [/^(BAD_ALIAS|ALIAS_PROPS|MULTIPLE_|BAD_PROP|MISSING_CHAR: Tags)/, slips.mark],
  [/^UNEXPECTED_TOKEN/, slips.unexpected],
];

/** A problem for the first error of a document that has any: the others mostly follow from it. */
export function syntaxProblem(
  document: Document.Parsed,
  text: string,
  place: Placer,
): LocatedProblem | undefined {
  const found = [...document.errors, ...document.warnings].filter(isWrong);
  const [first] = found;
  if (first === undefined) return undefined;
  // Where a comma is missing, the parser speaks of keys before it speaks of brackets.
  const within = found.find(({ code, pos }) => code === "BLOCK_IN_FLOW" && pos[0] === first.pos[0]);
  const error = within ?? first;
  const slip = slipAt(error, document, text);
  for (const [pattern, explain] of RULES) {
    const finding = pattern.test(`${error.code}: ${error.message}`) ? explain(slip) : undefined;
    if (finding === undefined) continue;
    const { start, end, ...wording } = finding;
    return { path: [], place: place(start, end), ...wording };
  }
  const said = slip.raw.charAt(0).toLowerCase() + slip.raw.slice(1);
  return { path: [], place: place(...error.pos), message: `this is not valid YAML: ${said}` };
}

/** All but the warning at a closing bracket that stands below its key: everybody writes it so. */
function isWrong(error: YAMLError): boolean {
  return !error.message.startsWith("Flow end indicator should be more indented");
}

function slipAt(error: YAMLError, document: Document.Parsed, text: string): slips.Slip {
  const at = Math.max(0, Math.min(error.pos[0], text.length - 1));
  const newline = text.indexOf("\n", at);
  const whole = text.slice(text.lastIndexOf("\n", at - 1) + 1, newline < 0 ? text.length : newline);
  const line = whole.trim();
  const lineStart = (at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1) + whole.search(/\S|$/);
  return {
    text,
    document,
    at,
    line,
    lineStart,
    lineEnd: lineStart + line.length,
    raw: error.message,
  };
}
