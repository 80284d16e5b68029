/**
 * Prints a schedule as C: the nest of loops around its register tiles. Everything is strides and constants
 * here; nothing below knows which operation it prints.
 */

import type { Axis, TensorBuffer } from "../../../ir/expr.ts";
import { CodePrinter } from "../../../support/code-printer.ts";
import type { PointerOf } from "../layout.ts";
import { printGuards } from "./clip.ts";
import type { Loop } from "./operands.ts";
import {
  along,
  type Functions,
  isBlocked,
  parameters,
  plus,
  span,
  tileName,
} from "./print-tile.ts";
import type { Schedule } from "./schedule.ts";
import { extentOf } from "./tiling.ts";

/** The function with this head: thread t's share of the product. */
export function printProduct(
  s: Schedule,
  head: string,
  pointerOf: PointerOf,
  functions: Functions,
): string {
  const tiles = new Map(
    [s.tile.size, ...(s.tile.tall > 0 ? [s.tile.size + 1] : [])].map((rows) => [
      rows,
      tileName(s, rows, functions),
    ]),
  );
  const code = new CodePrinter();
  code.block(head, () => {
    const pointer = (b: { buffer: TensorBuffer; copy?: unknown; base: number }, copyName: string) =>
      plus(b.copy ? copyName : pointerOf(b.buffer), b.base);
    code.line(
      `const float *a0 = ${pointer(s.a, pointerOfCopy(s, "a", pointerOf))}, *b0 = ${pointer(s.b, pointerOfCopy(s, "b", pointerOf))};`,
    );
    for (const [i, arg] of s.args.entries())
      code.line(`float *e${i}_0 = ${plus(pointerOf(arg.buffer), arg.base)};`);
    if (s.packs) code.line("float *packed = x->scratch + self * SCRATCH;");
    new NestPrinter(s, tiles, code).print();
  });
  return code.toString();
}

/** Copies are buffers of their own, which the program has placed. */
function pointerOfCopy(s: Schedule, side: "a" | "b", pointerOf: PointerOf): string {
  const { copy } = s[side];
  return copy ? pointerOf(copy.target) : "";
}
/** The loops around the tiles, outside in: outer and row blocks or these the other way round, k blocks, panels, rows, tiles. */
class NestPrinter {
  readonly #s: Schedule;
  readonly #tiles: ReadonlyMap<number, string>;
  readonly #code: CodePrinter;
  /** What loops are called, by the axis they walk. */
  readonly #names = new Map<Axis, string>();
  #level = 0;
  constructor(s: Schedule, tiles: ReadonlyMap<number, string>, code: CodePrinter) {
    this.#s = s;
    this.#tiles = tiles;
    this.#code = code;
  }

  print(): void {
    const inner = (lo: string, hi: string) => this.#kBlocks(lo, hi);
    if (this.#s.outerInside) this.#rowBlocks((lo, hi) => this.#outer(0, () => inner(lo, hi)));
    else this.#outer(0, () => this.#rowBlocks(inner));
  }

  /** The part of `units` that belongs to thread t, if this is the loop threads share. */
  #share(which: Schedule["parallel"], units: number, together = 1): readonly [string, string] {
    if (this.#s.parallel !== which) return ["0", String(units)];
    const at = (t: string) => `${units / together}L * ${t} / nt`;
    if (together === 1) return [at("t"), at("(t + 1)")];
    return [`${at("t")} * ${together}`, `${at("(t + 1)")} * ${together}`];
  }

  #loop(x: Loop, i: string, lo: string, hi: string, inner: () => void): void {
    this.#code.block(`for (long ${i} = ${lo}; ${i} < ${hi}; ${i}++)`, () => {
      this.#move(x, i);
      if (x.axis) this.#names.set(x.axis, i);
      inner();
      this.#level--;
    });
  }

  #move(x: Loop, i: string): void {
    const l = this.#level++;
    this.#code.line(
      `const float *a${l + 1} = ${along(`a${l}`, i, x.a)}, *b${l + 1} = ${along(`b${l}`, i, x.b)};`,
    );
    for (const n of this.#s.args.keys())
      this.#code.line(`float *e${n}_${l + 1} = ${along(`e${n}_${l}`, i, x.args[n]!)};`);
  }

  #outer(n: number, inner: () => void): void {
    const x = this.#s.outer[n];
    if (!x) {
      inner();
      return;
    }
    const [lo, hi] =
      n === 0 ? this.#share("outer", x.extent, this.#s.together) : ["0", String(x.extent)];
    this.#loop(x, `o${n}`, lo, hi, () => this.#outer(n + 1, inner));
  }

  #rowBlocks(inner: (lo: string, hi: string) => void): void {
    const { tile, rows, rowBlock } = this.#s;
    const units = tile.row === 0 ? tile.tiles : rows[0]!.extent;
    const [lo, hi] = this.#share("rows", units, tile.row === 0 ? tile.perUnit : this.#s.together);
    if (rowBlock >= units) {
      inner(lo, hi);
      return;
    }
    this.#code.line(`const long end = ${hi};`);
    this.#code.block(`for (long m0 = ${lo}; m0 < end; m0 += ${rowBlock})`, () => {
      this.#code.line(`const long m1 = MIN(m0 + ${rowBlock}, end);`);
      inner("m0", "m1");
    });
  }

  #kBlocks(lo: string, hi: string): void {
    const s = this.#s;
    if (!isBlocked(s)) {
      this.#panels(lo, hi);
      return;
    }
    const { extent } = s.k[0]!;
    this.#code.block(`for (long k0 = 0; k0 < ${extent}; k0 += ${s.kBlock})`, () => {
      this.#code.line(
        `const long k1 = MIN(k0 + ${s.kBlock}, ${extent}); const int last = k1 == ${extent};`,
      );
      this.#panels(lo, hi);
    });
  }

  #panels(lo: string, hi: string): void {
    const { panels, packs } = this.#s;
    const [first, end] = this.#share("panels", panels.extent);
    const around = `b${this.#level}`;
    this.#loop(panels, "panel", first, end, () => {
      if (packs) {
        this.#pack();
        this.#nextPanel(first, end, around);
      }
      this.#rows(0, lo, hi);
    });
  }

  /** Puts the columns of B that the panel takes in this block of k side by side. */
  #pack(): void {
    const { k, b, tile, width } = this.#s;
    const code = this.#code;
    const copy = (i: number, from: string): void => {
      const x = k[i];
      if (!x) {
        for (let v = 0; v < tile.vectors; v++)
          code.line(`ST(${plus("to", v * width)}, LD(${plus(from, b.lanes[v]!)}));`);
        code.line(`to += ${span(this.#s)};`);
        return;
      }
      const [lo, hi] = i === 0 && isBlocked(this.#s) ? ["k0", "k1"] : ["0", String(x.extent)];
      code.block(`for (long i${i} = ${lo}; i${i} < ${hi}; i${i}++)`, () => {
        code.line(`const float *b${i}_ = ${along(from, `i${i}`, x.b)};`);
        copy(i + 1, `b${i}_`);
      });
    };
    code.block("", () => {
      code.line("float *to = packed;");
      copy(0, `b${this.#level}`);
    });
  }

  /** Where the columns are that will be put side by side next: of the next panel, or the first in the next block of k. */
  #nextPanel(first: string, end: string, around: string): void {
    const { panels } = this.#s;
    const [next, from] = isBlocked(this.#s)
      ? [`panel + 1 < ${end} ? panel + 1 : ${first}`, `next > panel ? k0 : k1`]
      : [`MIN(panel + 1, ${panels.extent - 1})`, "0"];
    this.#code.line(`const long next = ${next}, from = ${from};`);
    this.#code.line(`const float *ahead = ${along(around, "next", panels.b)};`);
  }

  /** Asks for the part of them that falls to a tile: all at once they would be in the way of what tiles read. */
  #askAhead(tile: string, first: string): void {
    const { k, kBlock, tile: own, rows } = this.#s;
    const code = this.#code;
    const inner = k.slice(1).map((x) => x.extent);
    const total = kBlock * extentOf(inner);
    const each = Math.ceil(total / own.tiles);
    const others = [...rows.keys()].filter((n) => n !== own.row);
    const once = others.map((n) => `m${n + 1}_ == ${n === 0 ? first : "0"}`).join(" && ");
    const place = k.map((x, i) => {
      const below = extentOf(inner.slice(i));
      const turn = below === 1 ? "q" : `q / ${below}`;
      const index = i === 0 ? `(from + ${turn})` : `${turn} % ${x.extent}`;
      return x.b === 0 ? [] : [`${index} * ${x.b}L`];
    });
    const steps = inner.length === 0 ? "" : ` / ${extentOf(inner)}`;
    const isThere = `from + q${steps} < ${k[0]!.extent}`;
    code.block(once === "" ? "" : `if (${once})`, () => {
      code.line(`const long end = MIN((${tile} + 1) * ${each}, ${total});`);
      code.line(
        `for (long q = ${tile} * ${each}; q < end && ${isThere}; q++) __builtin_prefetch(${["ahead", ...place.flat()].join(" + ")}, 0, 2);`,
      );
    });
  }

  #rows(n: number, lo: string, hi: string): void {
    const { rows, tile } = this.#s;
    if (n === rows.length) {
      this.#tileLoop(lo, hi);
      return;
    }
    if (n === tile.row) {
      this.#rows(n + 1, lo, hi);
      return;
    }
    const x = rows[n]!;
    const [first, end] = n === 0 ? [lo, hi] : ["0", String(x.extent)];
    this.#loop(x, `m${n + 1}_`, first, end, () => this.#rows(n + 1, lo, hi));
  }

  #tileLoop(lo: string, hi: string): void {
    const { tile, rows } = this.#s;
    const [first, end] = tile.row === 0 ? [lo, hi] : this.#share("tiles", tile.tiles);
    for (const [i, { guards }] of this.#s.k.entries())
      if (guards) this.#code.lines(printGuards(guards, `lo${i}`, `hi${i}`, this.#names));
    this.#code.block(`for (long i = ${first}; i < ${end}; i++)`, () => {
      const start =
        tile.tall > 0 ? `(i * ${tile.size} + MIN(i, ${tile.tall}))` : `i * ${tile.size}`;
      this.#code.line(`const long r = ${start};`);
      this.#move(rows[tile.row]!, "r");
      if (this.#s.packs) this.#askAhead("i", lo);
      const call = (n: number) => `${this.#tiles.get(n)}(${this.#arguments().join(", ")});`;
      if (tile.tall === 0) this.#code.line(call(tile.size));
      else this.#code.line(`if (i < ${tile.tall}) ${call(tile.size + 1)} else ${call(tile.size)}`);
      this.#level--;
    });
  }

  #arguments(): readonly string[] {
    const s = this.#s;
    const l = this.#level;
    return parameters(s).map(([, name]) => {
      if (name === "b" && s.packs) return "packed";
      if (name === "a" || name === "b") return `${name}${l}`;
      if (/^e\d+$/.test(name)) return `${name}_${l}`;
      return name === "valid" ? `${s.valid} - panel * ${span(s)}` : name;
    });
  }
}
