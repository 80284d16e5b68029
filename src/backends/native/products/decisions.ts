/**
 * Where a schedule can be decided otherwise, for tests and tuning. Every decision that is free (any choice gives
 * the same numbers) goes through a `Decide`, with what the models chose and all else that is valid; normally
 * the models have their way. A property test lets dice decide.
 */

import type { Target } from "../target.ts";
import type { Loop } from "./operands.ts";
import type { Shared, Tile } from "./tiling.ts";

/** What is decided: of a product, of the layout of a weight, of the chunks or the form of a long sum. */
export type Decision =
  | "clip"
  | "dot"
  | "outerInside"
  | "panel"
  | "tile"
  | "pack"
  | "kBlock"
  | "rowBlock"
  | "parallel"
  | "chunks"
  | "invert";

/** @param valid every valid choice, `chosen` among them */
export type Decide = <T>(decision: Decision, chosen: T, valid: () => readonly T[]) => T;

export const byModel: Decide = (_, chosen) => chosen;

/** 1 … n */
export const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Widths of panels: whole vectors, so that every tile of as many vectors covers whole blocks. */
export const validPanels = ({ width }: Target) => [width, 2 * width, 3 * width];

/** All tiles that fit the registers. */
export function validTiles(
  rows: readonly Loop[],
  canTile: (row: Loop) => boolean,
  vectors: number,
  quantum: number,
  { registers }: Target,
): readonly Tile[] {
  const widths = upTo(Math.min(vectors, 6)).filter((v) => v % quantum === 0 && vectors % v === 0);
  return rows.flatMap((loop, row) =>
    canTile(loop)
      ? widths.flatMap((v) =>
          upTo(loop.extent).flatMap((tiles): readonly Tile[] => {
            const size = Math.floor(loop.extent / tiles);
            const tall = loop.extent - size * tiles;
            const height = tall > 0 ? size + 1 : size;
            const used = height * v + Math.min(height, v) + 3;
            return used <= registers || height === 1
              ? unitsOf(row, tall, tiles).map((perUnit) => ({
                  row,
                  perUnit,
                  size,
                  tall,
                  tiles,
                  vectors: v,
                }))
              : [];
          }),
        )
      : [],
  );
}

/** How many tiles threads may take together. */
const unitsOf = (row: number, tall: number, tiles: number) =>
  row === 0 && tall === 0
    ? [...new Set([1, tiles])].concat(tiles % 2 === 0 && tiles > 2 ? [2] : [])
    : [1];

/** Loops that threads can share. */
export const validShares = (isOuter: boolean, { row }: Tile): readonly Shared[] => [
  "rows",
  "panels",
  ...(isOuter ? (["outer"] as const) : []),
  // Where tiles lie along the first row loop, "rows" shares them.
  ...(row === 0 ? [] : (["tiles"] as const)),
];
