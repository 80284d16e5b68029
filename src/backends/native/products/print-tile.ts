/**
 * Prints the register tile of a schedule: straight-line code that sums a block of outputs in registers and hands
 * each finished vector to the epilogue.
 */
import { walk } from "../../../ir/expr.ts";
import { CodePrinter } from "../../../support/code-printer.ts";
import { printBodies } from "../../printer.ts";
import { vectorDialect } from "../c.ts";
import { argumentNumber } from "./arguments.ts";
import { printDot } from "./dot.ts";
import type { Loop } from "./operands.ts";
import { accumulator } from "./product.ts";
import type { Schedule } from "./schedule.ts";
import { extentOf } from "./tiling.ts";

/** Equal tiles are emitted once. */
export type Functions = Map<string, string>;

/** `base + n` */
export const plus = (base: string, n: number) =>
  n === 0 ? base : n < 0 ? `${base} - ${-n}` : `${base} + ${n}`;
/** `base + i·stride` */
export const along = (base: string, i: string, stride: number) =>
  stride === 0 ? base : `${base} + ${i} * ${stride}L`;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Whether the sum is cut into blocks. */
export const isBlocked = (s: Schedule) => s.kBlock < s.k[0]!.extent;
/** Columns of a tile. */
export const span = (s: Schedule) => s.tile.vectors * s.width;
/** Elements between B's rows as tiles see them, for each loop over k: those of the copy if it is packed. */
const stepsOfB = (s: Schedule): readonly number[] =>
  s.packs
    ? s.k.map((_, i) => span(s) * extentOf(s.k.slice(i + 1).map((x) => x.extent)))
    : s.k.map((x) => x.b);
const lanesOfB = (s: Schedule): readonly number[] =>
  s.packs ? range(s.tile.vectors).map((v) => v * s.width) : s.b.lanes;
/** Parameters of a tile, as declared and as passed. */
export function parameters(s: Schedule): readonly (readonly [type: string, name: string])[] {
  return [
    ["const float *restrict", "a"],
    ["const float *restrict", "b"],
    ...s.args.map((_, i) => ["float *", `e${i}`] as const),
    ...(isBlocked(s)
      ? ([
          ["long", "k0"],
          ["long", "k1"],
          ["int", "last"],
        ] as const)
      : []),
    ...s.k.flatMap((x, i) =>
      x.guards ? [["long", `lo${i}`] as const, ["long", `hi${i}`] as const] : [],
    ),
    ...(s.tail ? ([["long", "valid"]] as const) : []),
  ];
}

/** The tile for a number of rows, as a function's text without its name. */
function tileBody(s: Schedule, rows: number): string {
  const code = new CodePrinter();
  const { vectors } = s.tile;
  const all = range(rows).flatMap((i) => range(vectors).map((v) => [i, v] as const));
  const at = (i: number, v: number) => argumentPlace(s, s.partial.arg, i, v);
  code.block(
    `(${parameters(s)
      .map(([type, name]) => (type.endsWith("*") ? `${type}${name}` : `${type} ${name}`))
      .join(", ")})`,
    () => {
      const start = (i: number, v: number) =>
        isBlocked(s) ? `k0 == 0 ? (vf){} : LD(${at(i, v)})` : "{}";
      code.line(`vf ${all.map(([i, v]) => `c${i}_${v} = ${start(i, v)}`).join(", ")};`);
      prefetch(s, rows, code);
      if (s.dot) {
        const { width, tail, k } = s;
        printDot(s.dot, { width, rows, row: s.rows[s.tile.row]!.a, tail, k }, code);
      } else sumLoops(s, rows, code);
      if (isBlocked(s)) {
        code.block("if (!last)", () => {
          for (const [i, v] of all) code.line(`ST(${at(i, v)}, c${i}_${v});`);
          code.line("return;");
        });
      }
      if (s.tail) {
        code.block(`if (valid < ${span(s)})`, () => {
          for (const [i, v] of all) epilogue(s, i, v, true, code);
          code.line("return;");
        });
      }
      for (const [i, v] of all) epilogue(s, i, v, false, code);
    },
  );
  return code.toString();
}

/** Floats in a cache line. */
const lineFloats = 16;
/** Steps of a sum that are long enough to fetch memory meanwhile. */
const worthFetching = 64;

/** What the epilogue updates (weights, slots) comes from far away: it is asked for before the sum. */
function prefetch(s: Schedule, rows: number, code: CodePrinter): void {
  const depth = s.k.reduce((n, x) => n * x.extent, 1);
  if (depth < worthFetching) return;
  const loaded = new Set<number>();
  for (const { value } of s.stores)
    walk(value, (e) => {
      if (e.kind === "load" && e.buffer !== accumulator) loaded.add(argumentNumber(e.buffer));
    });
  const updated = s.stores.map((x) => x.arg).filter((n) => loaded.has(n));
  const lines = updated.flatMap((n) =>
    range(rows).flatMap((i) =>
      range(s.tile.vectors)
        .filter((v) => (v * s.width) % lineFloats === 0)
        .map((v) => `__builtin_prefetch(${argumentPlace(s, n, i, v)}, 1);`),
    ),
  );
  if (lines.length === 0) return;
  const text = lines.join(" ");
  code.line(isBlocked(s) ? `if (last) { ${text} }` : text);
}

/** A sum of at most this many multiply-adds is printed without any loop. */
const straightLine = 420;

function sumLoops(s: Schedule, rows: number, code: CodePrinter): void {
  const steps = stepsOfB(s);
  const total = s.k.reduce((n, x) => n * x.extent, 1);
  const isFixed = (depth: number) => !s.k[depth]!.guards && (depth > 0 || !isBlocked(s));
  const whole = s.k.every((_, i) => isFixed(i)) && total * rows * s.tile.vectors <= straightLine;
  const visit = (depth: number, a: string, b: string, offA: number, offB: number): void => {
    const x = s.k[depth]!;
    const last = depth === s.k.length - 1;
    const fixed = isFixed(depth);
    if (whole || (last && fixed && x.extent <= 8)) {
      for (const j of range(x.extent)) {
        const [atA, atB] = [offA + j * x.a, offB + j * steps[depth]!];
        if (last) step(s, rows, a, b, atA, atB, code);
        else visit(depth + 1, a, b, atA, atB);
      }
      return;
    }
    const [lo, hi] = x.guards
      ? [`lo${depth}`, `hi${depth}`]
      : fixed
        ? ["0", String(x.extent)]
        : ["k0", "k1"];
    if (last) innermost(s, { ...x, b: steps[depth]! }, rows, { a, b, lo, hi }, fixed, code);
    else {
      code.block(`for (long i${depth} = ${lo}; i${depth} < ${hi}; i${depth}++)`, () => {
        const [p, q] = [`a${depth}_`, `b${depth}_`];
        // A packed block begins with its first row.
        const row = s.packs && lo === "k0" ? `(i${depth} - k0)` : `i${depth}`;
        code.line(
          `const float *${p} = ${along(a, `i${depth}`, x.a)}, *${q} = ${along(b, row, steps[depth]!)};`,
        );
        visit(depth + 1, p, q, 0, 0);
      });
    }
  };
  visit(0, "a", "b", 0, 0);
}

const unroll = 4;

function innermost(
  s: Schedule,
  x: Loop,
  rows: number,
  { a, b, lo, hi }: { a: string; b: string; lo: string; hi: string },
  fixed: boolean,
  code: CodePrinter,
): void {
  code.block("", () => {
    const [fromA, fromB] = [lo === "0" ? 0 : x.a, lo === "0" || (s.packs && lo === "k0") ? 0 : x.b];
    code.line(`const float *p = ${along(a, lo, fromA)}, *q = ${along(b, lo, fromB)};`);
    code.line(`long n = ${lo === "0" ? hi : `${hi} - ${lo}`};`);
    code.block(`for (; n >= ${unroll}; n -= ${unroll})`, () => {
      for (const j of range(unroll)) step(s, rows, "p", "q", j * x.a, j * x.b, code);
      code.line(`p += ${unroll * x.a}; q += ${unroll * x.b};`);
    });
    if (fixed && x.extent % unroll === 0) return;
    code.block("for (; n > 0; n--)", () => {
      step(s, rows, "p", "q", 0, 0, code);
      code.line(`p += ${x.a}; q += ${x.b};`);
    });
  });
}

/** One step of k: the smaller side stays in registers, the other is read as it is used. */
function step(
  s: Schedule,
  rows: number,
  a: string,
  b: string,
  offA: number,
  offB: number,
  code: CodePrinter,
): void {
  const row = s.rows[s.tile.row]!;
  const { vectors } = s.tile;
  const lanes = lanesOfB(s);
  const loadB = (v: number) => `LD(${plus(b, offB + lanes[v]!)})`;
  const loadA = (i: number) => `SPLAT(${a}[${offA + i * row.a}])`;
  if (vectors <= rows) {
    const kept = range(vectors).map((v) => `vf b${v} = ${loadB(v)}; KEEP(b${v});`);
    const work = range(rows).map(
      (i) =>
        `x = ${loadA(i)}; ${range(vectors)
          .map((v) => `c${i}_${v} += x * b${v};`)
          .join(" ")}`,
    );
    code
      .line(`{ ${kept.join(" ")} vf x;`)
      .lines(work.map((w) => `  ${w}`))
      .line("}");
  } else {
    const kept = range(rows).map((i) => `vf a${i} = ${loadA(i)}; KEEP(a${i});`);
    const work = range(vectors).map(
      (v) =>
        `y = ${loadB(v)}; ${range(rows)
          .map((i) => `c${i}_${v} += a${i} * y;`)
          .join(" ")}`,
    );
    code
      .line(`{ ${kept.join(" ")} vf y;`)
      .lines(work.map((w) => `  ${w}`))
      .line("}");
  }
}

/** Where row i and vector v of an argument lie. */
const argumentPlace = (s: Schedule, n: number, i: number, v: number) =>
  plus(`e${n}`, i * s.rows[s.tile.row]!.args[n]! + (s.args[n]!.lanes[v] ?? 0));

/** What happens to one finished vector of sums; `tail`: only `valid` columns exist. */
function epilogue(s: Schedule, i: number, v: number, tail: boolean, code: CodePrinter): void {
  const lanes = `valid - ${v * s.width}`;
  const place = (n: number) => argumentPlace(s, n, i, v);
  const dialect = vectorDialect(({ buffer }) => {
    if (buffer === accumulator) return `c${i}_${v}`;
    const n = argumentNumber(buffer);
    if (s.args[n]!.lanes.length === 0) return `SPLAT(*(${place(n)}))`;
    return tail ? `load_some(${place(n)}, ${lanes})` : `LD(${place(n)})`;
  });
  const { statements, results } = printBodies(
    s.stores.map((x) => x.value),
    new Map(),
    dialect,
  );
  const named = results.map((r, k) => `const vf y${k} = ${r};`);
  const stores = s.stores.map(({ arg }, k) =>
    tail ? `store_some(${place(arg)}, y${k}, ${lanes});` : `ST(${place(arg)}, y${k});`,
  );
  code.block("", () => code.lines([...statements, ...named, ...stores]));
}

/** The name of the tile for a number of rows; equal tiles are one function. */
export function tileName(s: Schedule, rows: number, functions: Functions): string {
  const body = tileBody(s, rows);
  const known = functions.get(body);
  if (known) return known;
  const name = `tile${functions.size}_${rows}x${span(s)}`;
  functions.set(body, name);
  return name;
}
