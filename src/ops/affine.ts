/** Index maps of contractions: affine functions of axes, and how one is put into another. */
import type { Axis } from "../ir/expr.ts";
import { invariant } from "../support/errors.ts";

/** (constant + Σ coefficient·axis) / divisor; where that is no whole number, the element read is zero. */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly (readonly [axis: number, coefficient: number])[];
  readonly divisor: number;
}
export interface ContractAttrs {
  /** Names and extents; the maps refer to axes by their position here. */
  readonly axes: readonly Axis[];
  /** The axis that each output dimension runs over; all different. */
  readonly out: readonly number[];
  readonly maps: readonly (readonly Affine[])[];
}

export const affine = (
  terms: readonly (readonly [number, number])[],
  constant = 0,
  divisor = 1,
): Affine => ({
  constant,
  terms,
  divisor,
});
export const axisIndex = (axis: number): Affine => affine([[axis, 1]]);

/** Replaces an axis by (value.constant + Σ …)/value.divisor in an index. */
export function substitute(e: Affine, axis: number, value: Affine): Affine {
  const c = e.terms.find(([a]) => a === axis)?.[1];
  if (c === undefined) return e;
  invariant(
    value.divisor === 1 ||
      c % value.divisor === 0 ||
      (c === 1 && e.terms.length === 1 && e.constant === 0),
    "contract: nested strides",
  );
  if (value.divisor !== 1 && c % value.divisor !== 0) {
    return affine(value.terms, value.constant, value.divisor * e.divisor);
  }
  const scale = c / value.divisor;
  const sum = new Map(e.terms.filter(([a]) => a !== axis));
  for (const [a, k] of value.terms) sum.set(a, (sum.get(a) ?? 0) + scale * k);
  return affine(
    [...sum].filter(([, k]) => k !== 0),
    e.constant + scale * value.constant,
    e.divisor,
  );
}

/** Drops axes that nothing uses any more. */
export function compact({ axes, out, maps }: ContractAttrs): ContractAttrs {
  const used = new Set([...out, ...maps.flat().flatMap((e) => e.terms.map(([a]) => a))]);
  const kept = axes.map((_, i) => i).filter((i) => used.has(i));
  const renumber = (i: number) => kept.indexOf(i);
  return {
    axes: kept.map((i) => axes[i]!),
    out: out.map(renumber),
    maps: maps.map((map) =>
      map.map((e) => ({ ...e, terms: e.terms.map(([a, c]) => [renumber(a), c] as const) })),
    ),
  };
}
