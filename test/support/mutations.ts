/** Schedules with one decision changed so that the result would be wrong: for tests of the verifier. */

import { addressOf, type Layout, plain } from "../../src/backends/native/layout.ts";
import type { Guard } from "../../src/backends/native/products/clip.ts";
import type { Dot } from "../../src/backends/native/products/dot.ts";
import type { Loop } from "../../src/backends/native/products/operands.ts";
import { isBlocked } from "../../src/backends/native/products/print-tile.ts";
import type { Schedule } from "../../src/backends/native/products/schedule.ts";
import { mostPacked, packedSize } from "../../src/backends/native/products/tiling.ts";

export interface Mutation {
  readonly name: string;
  /** @returns nothing where it does not apply, or would do no harm */
  readonly change: (s: Schedule) => Schedule | undefined;
}

type Nest = "outer" | "rows" | "k";

/** One of the loops that move at all, changed. */
const loop = (
  name: string,
  nest: Nest,
  change: (x: Loop, s: Schedule) => Loop | undefined,
): Mutation => ({
  name: `${nest} ${name}`,
  change(s) {
    const i = s[nest].findLastIndex((x) => x.extent > 1);
    const x = s[nest][i];
    const made = x && change(x, s);
    return made && { ...s, [nest]: s[nest].map((old, j) => (j === i ? made : old)) };
  },
});
const tile = (name: string, change: (t: Schedule["tile"]) => Partial<Schedule["tile"]>) => ({
  name: `tile ${name}`,
  change: (s: Schedule) => ({ ...s, tile: { ...s.tile, ...change(s.tile) } }),
});
/** Of a sum in lanes. */
const dot = (name: string, change: (d: Dot) => Partial<Dot>): Mutation => ({
  name: `dot ${name}`,
  change: (s) => (s.dot ? { ...s, dot: { ...s.dot, ...change(s.dot) } } : undefined),
});
/** The first bounds changed. */
const guard = (name: string, change: (g: Guard) => Partial<Guard>): Mutation => ({
  name: `bounds ${name}`,
  change: (s) =>
    s.k.some((x) => x.guards)
      ? {
          ...s,
          k: s.k.map((x) =>
            x.guards ? { ...x, guards: x.guards.map((g) => ({ ...g, ...change(g) })) } : x,
          ),
        }
      : undefined,
});
const field = <K extends keyof Schedule>(
  name: string,
  key: K,
  change: (s: Schedule) => Schedule[K] | undefined,
): Mutation => ({
  name: `${key} ${name}`,
  change(s) {
    const value = change(s);
    return value === undefined ? undefined : { ...s, [key]: value };
  },
});

/** Whether some element lies elsewhere than in rows. */
const isMoved = (layout: Layout, shape: readonly number[]): boolean =>
  shape.some((n, d) => {
    const at = shape.map((_, i) => (i === d ? n - 1 : 0));
    return addressOf(layout, at) !== addressOf(plain(shape), at);
  });

const nests: readonly Nest[] = ["outer", "rows", "k"];

export const mutations: readonly Mutation[] = [
  ...nests.flatMap((n) => [
    loop("longer", n, (x) => ({ ...x, extent: x.extent + 1 })),
    loop("shorter", n, (x) => ({ ...x, extent: x.extent - 1 })),
    loop("moves A too far", n, (x) => ({ ...x, a: x.a + 1 })),
    loop("moves B too far", n, (x) => ({ ...x, b: x.b + 1 })),
    loop("does not move A", n, (x) => (x.a === 0 ? undefined : { ...x, a: 0 })),
    loop("moves backwards", n, (x) => ({ ...x, a: -x.a - 1, b: -x.b })),
  ]),
  loop("moves results too far", "rows", (x) => ({ ...x, args: x.args.map((s) => s + 1) })),
  loop("moves results too far", "outer", (x) => ({ ...x, args: x.args.map((s) => s + 1) })),
  loop("moves results not far enough", "rows", (x) => ({ ...x, args: x.args.map((s) => s - 1) })),
  loop("moves results with the sum", "k", (x, s) => ({ ...x, args: s.args.map(() => 1) })),
  {
    name: "rows lost",
    change: (s) =>
      s.rows.length > 1 && s.tile.row > 0 ? { ...s, rows: s.rows.slice(1) } : undefined,
  },
  {
    name: "rows and sum exchanged",
    change: (s) =>
      [...s.rows, ...s.k].some((x) => x.extent > 1)
        ? { ...s, rows: [...s.rows.slice(1), ...s.k], k: [...s.rows.slice(0, 1)] }
        : undefined,
  },
  tile("too high", (t) => ({ size: t.size + 1 })),
  tile("shared by parts of a tile", (t) => ({ perUnit: t.tiles + 1 })),
  tile("one tall tile more", (t) => ({ tall: t.tall + 1 })),
  tile("all tall", (t) => ({ tall: t.tiles })),
  tile("one tile more", (t) => ({ tiles: t.tiles + 1 })),
  tile("twice as wide", (t) => ({ vectors: t.vectors * 2 })),
  {
    name: "tile on another loop",
    change: (s) => {
      // One of the same length would do as well.
      const [own, next] = [s.tile.row, s.tile.row + 1].map((row) => s.rows[row]?.extent);
      return own === next ? undefined : { ...s, tile: { ...s.tile, row: s.tile.row + 1 } };
    },
  },
  {
    name: "tile in one piece",
    change: (s) => {
      const { extent } = s.rows[s.tile.row]!;
      const fits = extent * s.tile.vectors + Math.min(extent, s.tile.vectors) + 3 <= 16;
      if (fits || extent === 1) return undefined;
      return { ...s, tile: { ...s.tile, tiles: 1, size: extent, tall: 0 } };
    },
  },
  field("one more", "panels", (s) => ({ ...s.panels, extent: s.panels.extent + 1 })),
  field("one less", "panels", (s) => ({ ...s.panels, extent: s.panels.extent - 1 })),
  field("move B elsewhere", "panels", (s) =>
    s.panels.extent > 1 ? { ...s.panels, b: s.panels.b + s.width } : undefined,
  ),
  field("move results elsewhere", "panels", (s) =>
    s.panels.extent > 1 ? { ...s.panels, args: s.panels.args.map((n) => n + s.width) } : undefined,
  ),
  field("one column more", "valid", (s) => s.valid + 1),
  field("one column less", "valid", (s) => s.valid - 1),
  // Blocks have room for the columns that are too many.
  field("forgotten", "tail", (s) =>
    s.tail &&
    s.args[s.stores[0]!.arg]!.buffer.shape.filter((n) => n > 1).length > 1 &&
    s.stores.every(({ arg }) => s.panels.args[arg] === s.tile.vectors * s.width)
      ? false
      : undefined,
  ),
  field("none", "rowBlock", () => 0),
  field("none", "kBlock", () => 0),
  field("too long", "kBlock", (s) => s.k[0]!.extent + 1),
  {
    name: "more packed than there is room for",
    change: (s) => {
      const [{ extent }] = s.k as [Loop];
      const floats = packedSize(s.k, extent, s.tile.vectors * s.width);
      return floats > mostPacked ? { ...s, packs: true, kBlock: s.k[0]!.extent } : undefined;
    },
  },
  {
    name: "blocks of a clipped sum",
    change: (s) => (s.k[0]!.guards ? { ...s, kBlock: s.k[0]!.extent - 1 } : undefined),
  },
  {
    name: "blocks with a rest of columns",
    change: (s) => (s.tail && s.k[0]!.extent > 1 ? { ...s, kBlock: 1 } : undefined),
  },
  {
    name: "sums wait where the old value is read",
    change: (s) =>
      isBlocked(s) && s.partial.scratch ? { ...s, partial: { arg: s.stores[0]!.arg } } : undefined,
  },
  field("of a sum's memory forgotten", "args", (s) =>
    isBlocked(s) && s.partial.scratch ? s.args.slice(0, -1) : undefined,
  ),
  field("of a loop that is not there", "parallel", (s) =>
    s.outer.length === 0 ? "outer" : undefined,
  ),
  field("of tiles along the first rows", "parallel", (s) =>
    s.tile.row === 0 ? "tiles" : undefined,
  ),
  field("of the sum", "parallel", () => "k" as never),
  field("begins too late", "a", (s) => ({ ...s.a, base: s.a.base + 1 })),
  field("begins too early", "b", (s) => ({ ...s.b, base: s.b.base - 1 })),
  field("is not copied", "a", ({ a: { buffer, base, copy } }) =>
    copy ? { buffer, base } : undefined,
  ),
  field("is not copied", "b", ({ b: { buffer, base, lanes, copy } }) =>
    copy && isMoved(copy.layout, buffer.shape) ? { buffer, base, lanes } : undefined,
  ),
  field("lies elsewhere", "b", (s) => ({ ...s.b, lanes: s.b.lanes.map((l, i) => l + (i || 1)) })),
  field("begin elsewhere", "args", (s) => s.args.map((x) => ({ ...x, base: x.base + 1 }))),
  field("are other vectors", "args", (s) =>
    s.args.map((x) => ({ ...x, lanes: x.lanes.map((l) => l + 1) })),
  ),
  field("are the same for all columns", "args", (s) => s.args.map((x) => ({ ...x, lanes: [] }))),
  field("lost", "stores", (s) => s.stores.slice(1)),
  field("elsewhere", "stores", (s) =>
    s.args.length > 1
      ? s.stores.map((x) => ({ ...x, arg: (x.arg + 1) % s.args.length }))
      : undefined,
  ),
  guard("of a larger operand", (g) => ({ size: g.size + 1 })),
  guard("of a smaller operand", (g) => ({ size: g.size - 1 })),
  guard("moved", (g) => ({ base: g.base + 1 })),
  guard("scaled", (g) => ({ scale: g.scale * 2 })),
  guard("of a longer loop", (g) => ({ count: g.count + 1 })),
  guard("turned round", (g) => ({ coefficient: -g.coefficient })),
  guard("of no rows", (g) => ({
    terms: g.terms.size > 0 ? new Map() : new Map([[{ name: "z", extent: 2 }, 1]]),
  })),
  field("forgotten", "dot", (s) => (s.dot ? (null as never) : undefined)),
  dot("has its columns elsewhere", ({ step }) => ({ step: step + 1 })),
  dot("has a column more", ({ columns }) => ({ columns: columns + 1 })),
  dot("has other blocks", ({ block }) => ({ block: { ...block, width: block.width * 2 } })),
  dot("has its blocks elsewhere", ({ block }) => ({
    block: { ...block, stride: block.stride + 1 },
  })),
  {
    name: "dot has its panels elsewhere",
    change: (s) =>
      s.dot && s.panels.extent > 1
        ? { ...s, panels: { ...s.panels, b: s.panels.b + 1 } }
        : undefined,
  },
  {
    name: "dot reads columns that are not there",
    change: (s) => (s.dot && s.panels.extent > 1 && s.tail ? { ...s, tail: false } : undefined),
  },
  dot("sums more rows than registers", () => ({ rows: 16 })),
  {
    name: "bounds forgotten",
    change: (s) =>
      // Beside a copy with zeros around it they only save time.
      s.k.some((x) => x.guards) && !s.a.copy?.layout.zeros
        ? { ...s, k: s.k.map(({ guards: _, ...x }) => x) }
        : undefined,
  },
];
