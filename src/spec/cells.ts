/**
 * Text as a terminal shows it: a row of *cells*, each a character as a reader sees it (a grapheme,
 * a tab, an escaped control character) with its width in columns and its offset in the text.
 */

export interface Cell {
  readonly shown: string;
  /** Columns of the terminal: 2 for East Asian characters and emoji. */
  readonly width: number;
  /** Where in the text it begins, in UTF-16 units from 0. */
  readonly offset: number;
}

const TAB = "    ";
let segmenter: Intl.Segmenter | undefined;
/** Made when first asked for: its tables take 10 ms to load, and few specs need them. */
const graphemes = () => {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter;
};

/** What would move the cursor, reorder the line or not show at all: controls, bidi marks, … */
const UNSEEN =
  /[\p{Cc}\p{Zl}\p{Zp}\u00AD\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]|\p{Cs}/gu;
/** East Asian Width W and F (Unicode's EastAsianWidth.txt, in whole blocks), and emoji. */
const WIDE = new RegExp(
  [
    "^[\\u1100-\\u115F\\u2E80-\\u303E\\u3041-\\uA4CF\\uA960-\\uA97F\\uAC00-\\uD7A3]",
    "^[\\uF900-\\uFAFF\\uFE30-\\uFE6F\\uFF01-\\uFF60\\uFFE0-\\uFFE6]",
    "^[\\u{17000}-\\u{18CFF}\\u{1B000}-\\u{1B2FF}\\u{20000}-\\u{3FFFD}]",
    "^\\p{Emoji_Presentation}|^\\p{Extended_Pictographic}\\uFE0F",
  ].join("|"),
  "u",
);

/** The cells of a line; tabs are shown as four spaces. */
export function toCells(line: string): Cell[] {
  // Most lines are plain ASCII, and a long one need not be segmented.
  if (/^[ -~]*$/.test(line))
    return Array.from(line, (shown, offset) => ({ shown, width: 1, offset }));
  return [...graphemes().segment(line)].map(({ segment, index }) => {
    const shown = segment === "\t" ? TAB : visible(segment);
    const changed = shown !== segment;
    return { shown, width: changed ? shown.length : WIDE.test(segment) ? 2 : 1, offset: index };
  });
}

/** Text with everything unseen written as an escape, `\u001b`: safe to print, and honest. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (char) => {
    const code = char.codePointAt(0)!.toString(16);
    return `\\u${code.length > 4 ? `{${code}}` : code.padStart(4, "0")}`;
  });
}

/** The columns a row of cells takes. */
export function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0);
}
