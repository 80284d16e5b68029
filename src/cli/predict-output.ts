/** Predictions as a table for people, as JSON, one object a line, or as CSV. */
import type { OutputAnswers, Ranking } from "../infer/answers.ts";
import { columns } from "./columns.ts";
import { hasColor, painter, print } from "./terminal.ts";

export interface OutputOptions {
  readonly topK?: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** Classes shown to people where nothing is asked for. */
const usualTop = 3;
/** Numbers of one example shown to people; files get all. */
const mostNumbers = 8;

export function printAnswers(
  names: readonly string[],
  answers: readonly OutputAnswers[],
  options: OutputOptions,
): void {
  if (options.json) {
    for (const [i, name] of names.entries())
      print(JSON.stringify({ input: name, ...asJson(answers, i, options) }));
  } else if (options.csv) printCsv(names, answers, options);
  else printTable(names, answers, options);
}

/** One output's fields stand beside `input`; several stand under their names. */
function asJson(answers: readonly OutputAnswers[], i: number, options: OutputOptions): object {
  const [first, ...others] = answers;
  if (others.length === 0) return fieldsOf(first!, i, options);
  return { outputs: Object.fromEntries(answers.map((a) => [a.output, fieldsOf(a, i, options)])) };
}

function fieldsOf(answers: OutputAnswers, i: number, { topK }: OutputOptions): object {
  const { reading, sites } = answers;
  const values = Array.from(answers.values(i), Number);
  const width = values.length / sites.reduce((n, d) => n * d, 1);
  if (reading.kind === "numbers") {
    if (reading.names && sites.length === 0)
      return { values: Object.fromEntries(reading.names.map((name, k) => [name, values[k]])) };
    return values.length === 1
      ? { value: values[0] }
      : { values: nested(values, [...sites, width]) };
  }
  const rankings = answers.rankings(i);
  const { classes, measure } = reading;
  const ranks = (r: Ranking) =>
    r.slice(0, topK).map(({ class: name, share }) => ({ class: name, [measure]: share }));
  return {
    class: siteWise(rankings, sites, (r) => r[0]!.class),
    [measure]: siteWise(rankings, sites, (r) => r[0]!.share),
    ...(topK === undefined ? {} : { top: siteWise(rankings, sites, ranks) }),
    [plural[measure]]: siteWise(rankings, sites, (r) => inOrder(r, classes)),
  };
}

const plural = { probability: "probabilities", score: "scores" } as const;

/** Shares in the order of the classes. */
function inOrder(ranking: Ranking, classes: readonly string[]): object {
  const found = new Map(ranking.map((r) => [r.class, r.share]));
  return Object.fromEntries(classes.map((name) => [name, found.get(name)!]));
}

const siteWise = <T>(
  rankings: readonly Ranking[],
  sites: readonly number[],
  show: (ranking: Ranking) => T,
): unknown => nested(rankings.map(show), sites);

/** A flat list as nested ones; for shape [] its only element. */
function nested<T>(list: readonly T[], shape: readonly number[]): unknown {
  const [extent, ...rest] = shape;
  if (extent === undefined) return list[0];
  const size = list.length / extent;
  return Array.from({ length: extent }, (_, k) =>
    nested(list.slice(k * size, (k + 1) * size), rest),
  );
}

function printCsv(
  names: readonly string[],
  answers: readonly OutputAnswers[],
  options: OutputOptions,
): void {
  const prefix = (a: OutputAnswers) => (answers.length > 1 ? `${a.output}_` : "");
  const head = answers.flatMap((a) => headOf(a, options).map((name) => `${prefix(a)}${name}`));
  print(csvLine(["input", ...head]));
  for (const [i, name] of names.entries())
    print(csvLine([name, ...answers.flatMap((a) => cellsOf(a, i, options))]));
}

function headOf(answers: OutputAnswers, { topK }: OutputOptions): readonly string[] {
  const { reading, sites } = answers;
  const { length } = answers.values(0);
  if (reading.kind === "numbers")
    return reading.names ?? (length === 1 ? ["value"] : numbered("value", length));
  const spots = sites.reduce((n, d) => n * d, 1);
  const ranks = topK === undefined ? 1 : Math.min(topK, reading.classes.length);
  const own = (end: string) =>
    Array.from({ length: ranks }, (_, k) => (k === 0 ? "" : `_${k + 1}`)).flatMap((rank) => [
      `class${rank}${end}`,
      `${reading.measure}${rank}${end}`,
    ]);
  if (spots > 1) return Array.from({ length: spots }, (_, s) => own(`_${s}`)).flat();
  const all = topK === undefined ? reading.classes.map((name) => `${reading.measure}_${name}`) : [];
  return [...own(""), ...all];
}

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, k) => `${name}_${k}`);

function cellsOf(answers: OutputAnswers, i: number, { topK }: OutputOptions): readonly string[] {
  const { reading } = answers;
  if (reading.kind === "numbers") return Array.from(answers.values(i), String);
  const rankings = answers.rankings(i);
  const ranks = rankings.flatMap((ranking) =>
    ranking.slice(0, topK ?? 1).flatMap((r) => [r.class, String(r.share)]),
  );
  if (topK !== undefined || rankings.length > 1) return ranks;
  return [...ranks, ...Object.values(inOrder(rankings[0]!, reading.classes)).map(String)];
}

/** RFC 4180: quotes around what holds a comma, a quote or the end of a line. */
const csvLine = (cells: readonly string[]): string =>
  cells.map((c) => (/[",\r\n]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c)).join(",");

function printTable(
  names: readonly string[],
  answers: readonly OutputAnswers[],
  { topK = usualTop }: OutputOptions,
): void {
  const several = answers.length > 1;
  const head = answers.flatMap((a) => {
    const { reading } = a;
    if (reading.kind === "numbers") return [several ? a.output : titleOf(a)];
    return [several ? a.output : "class", reading.measure, topK > 1 ? "then" : ""];
  });
  const rows = names.map((name, i) => [name, ...answers.flatMap((a) => shownCells(a, i, topK))]);
  const paint = painter(hasColor(process.stdout));
  const [title, ...body] = columns([["input", ...head], ...rows]);
  print([paint("bold", title!), ...body].join("\n"));
}

const titleOf = ({ reading }: OutputAnswers) =>
  reading.kind === "numbers" && reading.names ? reading.names.join(", ") : "value";

function shownCells(answers: OutputAnswers, i: number, topK: number): readonly string[] {
  if (answers.reading.kind === "numbers") {
    const values = answers.values(i);
    const some = Array.from(values.subarray(0, mostNumbers), (v) =>
      String(Number(v.toPrecision(5))),
    );
    return [`${some.join(", ")}${values.length > mostNumbers ? ", …" : ""}`];
  }
  const rankings = answers.rankings(i);
  if (rankings.length > 1) return [rankings.map((r) => r[0]!.class).join(" "), "", ""];
  const [best, ...others] = rankings[0]!.slice(0, topK);
  const { measure } = answers.reading;
  const shown = (share: number) =>
    measure === "probability" ? `${(100 * share).toFixed(1)} %` : share.toFixed(3);
  const rest = others.map((r) => `${r.class} ${shown(r.share)}`);
  return [best!.class, shown(best!.share), rest.join(", ")];
}
