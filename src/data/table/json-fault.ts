/** Where a text stops being JSON (RFC 8259), which `JSON.parse` does not tell in every version of Node. */

/** Control characters up to 0x1f are none of a string's; those of category Cc beyond are. */
const CHARACTER = String.raw`[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const TOKEN = new RegExp(
  String.raw`\s*("(?:${CHARACTER})*"|${NUMBER}|true|false|null|[\[\]{},:])`,
  "uy",
);
const BLANK = /\s*/y;

/** @returns the offset of the first thing that cannot stand where it does; the text's length if it only ends early */
export function jsonFault(text: string): number {
  // What is open: `[` or `{`; and what may come next in it.
  const open: string[] = [];
  let wanted: Wanted = "value";
  for (let at = 0; ; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1];
    const end = TOKEN.lastIndex;
    if (token === undefined) {
      BLANK.lastIndex = at;
      BLANK.exec(text);
      return BLANK.lastIndex;
    }
    const next = after(token, wanted, open);
    if (next === undefined) return end - token.length;
    wanted = next;
    at = end;
  }
}

type Wanted = "value" | "value or ]" | "key" | "key or }" | ":" | "next";

/** What may follow a token; undefined if it may not stand here itself. */
function after(token: string, wanted: Wanted, open: string[]): Wanted | undefined {
  const inside = open.at(-1);
  switch (wanted) {
    case "key or }":
    case "key":
      if (token.startsWith('"')) return ":";
      return token === "}" && wanted === "key or }" ? closed(open) : undefined;
    case ":":
      return token === ":" ? "value" : undefined;
    case "next":
      if (inside === undefined) return undefined;
      if (token === ",") return inside === "[" ? "value" : "key";
      return token === (inside === "[" ? "]" : "}") ? closed(open) : undefined;
    case "value or ]":
    case "value":
      if (token === "]" && wanted === "value or ]") return closed(open);
      if (token === "[" || token === "{") {
        open.push(token);
        return token === "[" ? "value or ]" : "key or }";
      }
      return /^[\]},:]$/.test(token) ? undefined : "next";
    default:
      return wanted satisfies never;
  }
}

function closed(open: string[]): "next" {
  open.pop();
  return "next";
}
