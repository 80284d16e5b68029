/** Generated C in lines that can be read: white space only, so the compiler sees the same. */

/** Columns that no line exceeds, but for names and numbers longer than that. */
const columns = 110;

/** Cuts long lines at spaces, after a statement or an argument where possible. There are no strings in them. */
export const wrapLines = (source: string): string =>
  source
    .split("\n")
    .flatMap((line) => (line.length > columns ? wrapLine(line) : [line]))
    .join("\n");

function wrapLine(line: string): readonly string[] {
  const own = line.length - line.trimStart().length;
  const isMacro = line.startsWith("#");
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const cut = placeToCut(rest, own + 4);
    if (cut === undefined) break;
    lines.push(rest.slice(0, cut) + (isMacro ? " \\" : ""));
    rest = " ".repeat(own + 4) + rest.slice(cut + 1);
  }
  return [...lines, rest];
}

/** The last space that follows `;`, `,` or `{` and leaves no short line, else the last of all. */
function placeToCut(text: string, least: number): number | undefined {
  const before = (mark: string) => text.lastIndexOf(mark, columns - 1) + 1;
  const good = Math.max(before("; "), before(", "), before("{ "));
  if (good > Math.max(least, columns / 2)) return good;
  const any = text.lastIndexOf(" ", columns);
  if (any > least) return any;
  const next = text.indexOf(" ", columns);
  return next < 0 ? undefined : next;
}
