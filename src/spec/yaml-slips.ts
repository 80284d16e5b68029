/**
 * What people get wrong in YAML, and what to do about it: one function a slip. Each is given the
 * place the parser complains of and looks for where the writer went wrong; undefined means it has
 * nothing to say.
 */

import { type Document, isCollection, isScalar, visit } from "yaml";

export interface Wording {
  readonly message: string;
  readonly expected?: string;
  readonly received?: string;
  readonly fix?: string;
}

/** What is wrong, and from which offset to which. */
export interface Finding extends Wording {
  readonly start: number;
  readonly end: number;
}

export interface Slip {
  readonly text: string;
  readonly document: Document.Parsed;
  /** The offset the parser complains of, and the bounds of what is written on its line. */
  readonly at: number;
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly line: string;
  /** The parser's own words. */
  readonly raw: string;
}

/** The missing space in `epochs:3` or `-dense`, if a plain text reads as if one was meant. */
export function missingSpace(text: string): Wording | undefined {
  const line = text.split("\n", 1)[0]!.trimEnd();
  // A scheme or a drive (`https://…`, `C:\…`) has its colon on purpose.
  const colon = /^([A-Za-z_][\w-]*):((?!\/\/|\\)\S.*)$/.exec(line);
  const dash = /^-([A-Za-z_].*)$/.exec(line);
  if (!colon && !dash) return undefined;
  const plain = /^[\w.+-]*$/.test(colon?.[2] ?? "");
  const written = colon ? `${colon[1]}: ${plain ? colon[2] : "…"}` : `- ${dash![1]}`;
  const sign = colon ? "colon" : "dash";
  return {
    message: `a space is missing after the ${sign}`,
    received: line,
    fix: `write \`${written}\``,
  };
}

function onLine({ lineStart, lineEnd }: Slip, wording: Wording): Finding {
  return { start: lineStart, end: lineEnd, ...wording };
}

function onMark({ at }: Slip, wording: Wording, length = 1): Finding {
  return { start: at, end: at + length, ...wording };
}

export function tab(slip: Slip): Finding {
  const tabs = /^\t*/.exec(slip.text.slice(slip.at))![0].length;
  const message = "a tab is used as indentation";
  const fix = "indent with spaces (two a level): YAML does not allow tabs there";
  return onMark(slip, { message, fix }, tabs);
}

export function noSpace(slip: Slip): Finding | undefined {
  const dashes = /^(- +)*/.exec(slip.line)![0].length;
  const wording = missingSpace(slip.line.slice(dashes));
  return wording && { start: slip.lineStart + dashes, end: slip.lineEnd, ...wording };
}

export function openQuote(slip: Slip): Finding {
  const quote = slip.raw.includes('"') ? '"' : "'";
  let start = slip.at;
  visit(slip.document, {
    Scalar: (_, node) => {
      const opens = slip.text[node.range?.[0] ?? -1] === quote;
      if (isScalar(node) && opens && node.range![0] <= slip.at) start = node.range![0];
    },
  });
  const message = `the text that begins here has no closing quote ${quote}`;
  const apostrophe = "; an apostrophe within single quotes is written twice";
  const fix = `add ${quote} at its end${quote === "'" ? apostrophe : ""}`;
  return { start, end: start + 1, message, fix };
}

export function openBracket(slip: Slip): Finding {
  const close = slip.raw.endsWith("]") ? "]" : "}";
  const open = close === "]" ? "[" : "{";
  let start = slip.at;
  visit(slip.document, {
    Collection: (_, node) => {
      if (!isCollection(node) || !node.flow || !node.range || node.range[0] >= slip.at) return;
      const [from, to] = node.range;
      if (slip.text[from] === open && slip.text[to - 1] !== close) start = from;
    },
  });
  const message = `this \`${open}\` is never closed`;
  return {
    start,
    end: start + 1,
    message,
    fix: `add \`${close}\` where the ${open === "[" ? "list" : "mapping"} ends`,
  };
}

export function indentation(slip: Slip): Finding {
  const item = slip.line.startsWith("- ");
  return onLine(slip, {
    message: "this line's indentation fits nothing above it",
    expected: `as many spaces as the other ${item ? "items of its list" : "keys of its mapping"}`,
    fix: "align it with the line it belongs beside, or indent it below the one it belongs under",
  });
}

export function nested(slip: Slip): Finding {
  const start = slip.at;
  const value = slip.text.slice(start, slip.lineEnd);
  if (/^- /.test(value))
    return {
      ...{ start, end: slip.lineEnd, message: "a list cannot begin on the line of its key" },
      fix: "put each `- item` on a line of its own below, or write `[item, item]`",
    };
  if (/: /.test(value))
    return {
      ...{ start, end: slip.lineEnd, message: "one line holds two keys" },
      fix: "write `{ key: value }` or go on in the next line; a text with a colon needs quotes",
    };
  return {
    ...{
      start,
      end: slip.lineEnd,
      message: "this key has a value, and lines indented under it too",
    },
    fix: "align the next line with this key, or remove the value here",
  };
}

export function comma(slip: Slip): Finding {
  const end = Math.max(slip.at + 1, slip.lineEnd);
  const message = "a comma is missing within these brackets";
  return { start: slip.at, end, message, fix: "separate the entries by commas: `{ a: 1, b: 2 }`" };
}

export function noKey(slip: Slip): Finding {
  if (/^-( |$)/.test(slip.line))
    return onLine(slip, {
      message: "a list item stands among keys",
      fix: "put the list under a key of its own, or remove the dash",
    });
  const word = /^[\w-]+$/.test(slip.line);
  return onLine(slip, {
    message: "this line is no `key: value`",
    received: slip.line,
    fix: word
      ? `give it a value: \`${slip.line}: …\``
      : "add the key, or put the whole text in quotes",
  });
}

export function valueStart(slip: Slip): Finding {
  // A block header is complained of after its sign; a comma or bracket ends a value in brackets.
  const start = /[>|]/.test(slip.text[slip.at - 1] ?? "") ? slip.at - 1 : slip.at;
  const before = slip.text.slice(slip.lineStart, start);
  const stop = /[{[]/.test(before) ? /\s*[,\]}].*$/ : /\s+#.*$/;
  const value = slip.text.slice(start, slip.lineEnd).replace(stop, "");
  return {
    ...{
      start,
      end: start + value.length,
      message: `a value cannot begin with ${quoted(value[0])}`,
    },
    fix: `put it in quotes: "${value.replaceAll(/["`]/g, "")}"`,
  };
}

export function badEscape(slip: Slip): Finding {
  const sequence = slip.text.slice(slip.at, slip.at + 2);
  return onMark(
    slip,
    {
      message: `\`${sequence}\` means nothing within double quotes`,
      fix: "use single quotes, or write a backslash as `\\\\`",
    },
    2,
  );
}

export function comment(slip: Slip): Finding {
  return onMark(slip, { message: "a comment needs a space before its `#`", fix: "add the space" });
}

export function tag(slip: Slip): Finding {
  const [written] = /^[^\s,[\]{}]+/.exec(slip.text.slice(slip.at)) ?? ["!"];
  const fix = `remove \`${written}\`, or put the text in quotes`;
  return onMark(slip, { message: `the tag \`${written}\` does not fit here`, fix }, written.length);
}

export function emptyItem(slip: Slip): Finding {
  return onMark(slip, { message: "nothing stands before this comma", fix: "remove the comma" });
}

export function strayBracket(slip: Slip): Finding {
  const message = `this \`${slip.text[slip.at]}\` closes nothing`;
  return onMark(slip, { message, fix: "remove it, or add the bracket that opens it" });
}

export function tail(slip: Slip): Finding {
  return {
    ...{
      start: slip.at,
      end: slip.lineEnd,
      message: "this stands behind a value that is complete",
    },
    fix: "put the whole value in one pair of quotes, or remove this",
  };
}

export function blockText(slip: Slip): Finding {
  return {
    ...{ start: slip.at, end: slip.lineEnd, message: "text follows `|` or `>` on its own line" },
    fix: "begin the text on the next line, indented; or put the whole value in quotes",
  };
}

export function unexpected(slip: Slip): Finding {
  return {
    ...{ start: slip.at, end: slip.lineEnd, message: "this does not fit here" },
    fix: "look at the quotes, brackets and colons just before it",
  };
}

export function directive(slip: Slip): Finding {
  return onLine(slip, {
    message: "a spec has no use for YAML directives",
    fix: "remove the line that begins with `%`",
  });
}

export function mark(slip: Slip): Finding {
  return onMark(slip, {
    message: "this anchor, alias or tag does not fit here",
    fix: "put a text that begins with `&`, `*` or `!` in quotes",
  });
}

function quoted(sign = ""): string {
  return sign === "`" ? "a backtick" : `\`${sign}\``;
}
