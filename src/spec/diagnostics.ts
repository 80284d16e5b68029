/**
 * Problems as frames: what is wrong, the line it is in with carets under it, and what to do.
 *
 *     error: unknown option "unit" of layer dense
 *       --> mlp.yaml:9:14
 *        |
 *      8 |   - flatten
 *      9 |   - dense: { unit: 256 }
 *        |              ^^^^
 *        = expected: one of units, activation
 *        = help: did you mean `units`?
 *
 * Vocabulary: the *gutter* is what stands left of the `|`; an *excerpt* is the lines shown.
 */

import { type Cell, toCells, visible, widthOf } from "./cells.ts";
import { type LocatedProblem, type Place, viaNotes } from "./place.ts";
import type { SpecSource } from "./source.ts";

export interface Style {
  readonly color: boolean;
  /** Columns of the terminal; infinite to cut and wrap nothing. */
  readonly width: number;
}

const MIN_WIDTH = 40;
const SGR = { error: "1;31", bold: "1", frame: "36" } as const;

type Paint = (role: keyof typeof SGR, text: string) => string;

/** What all the frames of one report share. */
interface Sheet {
  readonly file: string;
  readonly lines: readonly string[];
  readonly width: number;
  readonly paint: Paint;
}

/** All the problems, in the order of the spec's text, each once; no newline at the end. */
export function renderProblems(
  problems: readonly LocatedProblem[],
  source: SpecSource,
  style: Style,
): string {
  const sheet: Sheet = {
    file: visible(source.file),
    lines: source.text === "" ? [] : source.text.split(/\r?\n/),
    width: Math.max(MIN_WIDTH, style.width),
    paint: (role, text) => (style.color ? `\x1b[${SGR[role]}m${text}\x1b[0m` : text),
  };
  const placed = problems.map((problem) => {
    const place = problem.place ?? source.locate(problem.path, problem.at);
    return { problem, place };
  });
  placed.sort((a, b) => compare(a.place, b.place));
  const frames = new Set(
    onceEach(placed).map(({ problem, place }) => frame(problem, place, sheet)),
  );
  const total = sheet.paint("bold", `${frames.size} problems in ${sheet.file}`);
  return [...frames, ...(frames.size > 1 ? [total] : [])].join("\n\n");
}

interface Placed {
  readonly problem: LocatedProblem;
  readonly place: Place;
}

/** What is wrong in a block is wrong in each of its uses: it is told of the first, and of how many more. */
function onceEach(all: readonly Placed[]): readonly Placed[] {
  const groups = new Map<string, Placed[]>();
  for (const placed of all) {
    const { via, ...place } = placed.place;
    const { path, place: _, ...says } = placed.problem;
    const key = JSON.stringify([place, says]);
    groups.set(key, [...(groups.get(key) ?? []), placed]);
  }
  return [...groups.values()].map((group) => {
    const { problem, place } = group[0]!;
    const rest = group.length - 1;
    const more = place.via && rest > 0 ? [`the same in ${rest} more of its uses`] : [];
    const notes = [...(problem.notes ?? []), ...viaNotes(place), ...more];
    return { problem: { ...problem, notes }, place };
  });
}

/** By line and column; what an override set comes last, in the order of the overrides' problems. */
function compare(a: Place, b: Place): number {
  if (a.kind === "override" || b.kind === "override")
    return Number(a.kind === "override") - Number(b.kind === "override");
  return a.line - b.line || a.column - b.column;
}

function frame(problem: LocatedProblem, place: Place, sheet: Sheet): string {
  const { paint } = sheet;
  const excerpt = excerptOf(place, sheet);
  const digits = Math.max(1, excerpt?.rows.at(-1)?.label.length ?? 1);
  const gutter = (label: string) => paint("frame", ` ${label.padStart(digits)} |`);
  const head = `${paint("error", "error:")} ${paint("bold", visible(problem.message))}`;
  const out = [head, `${" ".repeat(digits + 1)}${paint("frame", "-->")} ${where(place, sheet)}`];
  if (excerpt) {
    const shown = cut(excerpt, sheet.width - digits - 4);
    out.push(gutter(""));
    shown.rows.forEach((text, i) => {
      out.push(`${gutter(excerpt.rows[i]!.label)} ${text}`.trimEnd());
    });
    out.push(
      `${gutter("")} ${" ".repeat(shown.indent)}${paint("error", "^".repeat(shown.carets))}`,
    );
  }
  return [...out, ...facts(problem, digits + 2, sheet)].join("\n");
}

function where(place: Place, { file, lines }: Sheet): string {
  if (place.kind === "override") return "command line";
  return lines.length === 0 ? file : `${file}:${place.line}:${place.column}`;
}

/** The lines to show, the last of them the one meant, and the stretch of it to underline. */
interface Excerpt {
  readonly rows: readonly { readonly label: string; readonly text: string }[];
  /** Offsets into the last row's text. */
  readonly from: number;
  readonly to: number;
}

function excerptOf(place: Place, { lines }: Sheet): Excerpt | undefined {
  const start = place.column - 1;
  if (place.kind === "override") {
    const option = "--set ";
    const from = option.length + start;
    return {
      rows: [{ label: "", text: option + place.text }],
      from,
      to: from + place.length,
    };
  }
  const text = lines[place.line - 1];
  if (text === undefined) return undefined;
  const row = { label: String(place.line), text };
  const before = lines[place.line - 2];
  const context = before?.trim() ? [{ label: String(place.line - 1), text: before }] : [];
  return { rows: [...context, row], from: start, to: start + place.length };
}

interface Cut {
  readonly rows: readonly string[];
  /** Columns before the carets, and how many carets. */
  readonly indent: number;
  readonly carets: number;
}

/** The excerpt cut to a width: where its line is longer, a window that holds the carets' start. */
function cut({ rows, from, to }: Excerpt, width: number): Cut {
  const cells = rows.map(({ text }) => toCells(text));
  const line = cells.at(-1)!;
  // A caret within a grapheme points at the whole of it.
  const ends = line.map((_, i) => line[i + 1]?.offset ?? rows.at(-1)!.text.length);
  const first = ends.filter((end) => end <= from).length;
  const indent = widthOf(line.slice(0, first));
  const length = widthOf(line.slice(first).filter((cell) => cell.offset < to)) || 1;
  const fits = indent + length < width || widthOf(line) <= width;
  // Two thirds of the window go before the carets, but less where these need more.
  const lead = Math.max(Math.min((width * 2) / 3, width - length - 2), width / 4);
  const left = fits ? 0 : Math.max(0, indent - Math.floor(lead));
  return {
    rows: cells.map((row) => windowOf(row, left, width)),
    indent: indent - left,
    carets: Math.max(1, Math.min(length, width - (indent - left))),
  };
}

/** The columns of a row from `left` on, as many as fit; `…` where something is cut off. */
function windowOf(cells: readonly Cell[], left: number, width: number): string {
  let out = "";
  let column = 0;
  const over = left + width < widthOf(cells);
  const right = left + width - (over ? 1 : 0);
  for (const { shown, width: wide } of cells) {
    const from = column;
    column += wide;
    // A cell that lies across the left edge, or under the ellipsis there, leaves blanks.
    if (left > 0 && from <= left) out = "…".padEnd(Math.max(1, column - left));
    else if (column > right) return `${out}…`;
    else out += shown;
  }
  return left > 0 && column <= left ? "" : out;
}

/** The `= label: text` lines below the excerpt. */
function facts(problem: LocatedProblem, indent: number, { width, paint }: Sheet): string[] {
  const { expected, received, fix, notes = [] } = problem;
  const labelled: (readonly [string, string | undefined])[] = [
    ["expected", expected],
    ["received", received],
    ...notes.map((note) => ["note", note] as const),
    ["help", fix],
  ];
  return labelled.flatMap(([label, text]) => {
    if (text === undefined) return [];
    const hang = " ".repeat(indent + label.length + 4);
    const rows = text.split(/\r?\n/).flatMap((row) => wrap(visible(row), width - hang.length));
    const head = `${" ".repeat(indent)}${paint("frame", "=")} ${paint("bold", `${label}:`)} `;
    return rows.map((row, i) => ((i === 0 ? head : hang) + row).trimEnd());
  });
}

/** Breaks text between words; a word longer than the width stays whole. */
function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (row !== "" && widthOf(toCells(`${row} ${word}`)) > width) {
      rows.push(row);
      row = word;
    } else row = row === "" ? word : `${row} ${word}`;
  }
  return [...rows, row];
}
