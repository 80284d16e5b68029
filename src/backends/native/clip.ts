/**
 * Clipping: where an operand is read outside its bounds, and so as zero, a summed loop can skip what lies there
 * instead of multiplying by zeros of a padded copy.
 */
import type { Axis } from "../../ir/expr.ts";
import type { IndexAlgebra } from "../../ir/index-algebra.ts";
import { outside, type Product } from "./product.ts";

/**
 * What keeps `base + Σ terms·axis + coefficient·k` in 0 … size − 1, as bounds of the loop over k, all of
 * them times `scale`.
 */
export interface Guard {
  readonly base: number;
  readonly terms: ReadonlyMap<Axis, number>;
  readonly coefficient: number;
  readonly size: number;
  /** Iterations of k without bounds. */
  readonly count: number;
  readonly scale: number;
}
export type Guards = ReadonlyMap<Axis, Guard>;

/** Skipping pays only where it skips runs of this many steps at least. */
const shortestRun = 32;
/** Rows that a tile can take beside those on which bounds depend. */
const fewestRows = 4;

/**
 * Bounds for the summed axes of a product, by axis, none if operand `a` is read inside only.
 * @param stride of an axis in the operand's memory
 * @returns undefined if a padded copy is needed: two summed axes share a dimension, or too little is skipped
 */
export function guardsOf(
  { nest, summed }: Product,
  a: Product["a"],
  vector: Axis,
  stride: (axis: Axis) => number,
  algebra: IndexAlgebra,
): Guards | undefined {
  const reach = outside(a);
  const guards = new Map<Axis, Guard>();
  if (!reach) return guards;
  for (const [d, e] of a.at.entries()) {
    if (reach.before[d] === 0 && reach.after[d] === 0) continue;
    const { constant, terms } = algebra.linear(e);
    const rest = new Map<Axis, number>();
    const own: { axis: Axis; coefficient: number }[] = [];
    for (const { atom, coefficient } of terms) {
      if (atom.kind !== "index") return undefined;
      if (summed.includes(atom.axis)) own.push({ axis: atom.axis, coefficient });
      else rest.set(atom.axis, coefficient);
    }
    const [k, ...others] = own;
    if (!k || others.length > 0 || guards.has(k.axis) || rest.has(vector)) return undefined;
    const size = a.buffer.shape[d]!;
    const { axis, coefficient } = k;
    guards.set(axis, {
      base: constant,
      terms: rest,
      coefficient,
      size,
      count: axis.extent,
      scale: 1,
    });
  }
  const run = (k: Axis) =>
    summed
      .filter((x) => Math.abs(stride(x)) <= Math.abs(stride(k)))
      .reduce((n, x) => n * x.extent, 1);
  const bounding = new Set([...guards.values()].flatMap((g) => [...g.terms.keys()]));
  const isFree = (x: Axis) =>
    x !== vector && !bounding.has(x) && stride(x) !== 0 && x.extent >= fewestRows;
  const pays = [...guards.keys()].every((k) => run(k) >= shortestRun) && nest.axes.some(isFree);
  return pays ? guards : undefined;
}

/** Whether bounds depend on an axis, which must then be a loop of its own outside the tile. */
export const bounds = (guards: Guards, axis: Axis): boolean =>
  [...guards.values()].some((g) => g.terms.has(axis));

/** C declarations of `lo` and `hi`, given the names of the loops. */
export function printGuard(
  { base, terms, coefficient, size, count, scale }: Guard,
  lo: string,
  hi: string,
  names: ReadonlyMap<Axis, string>,
): readonly string[] {
  const at = [...terms].reduce(
    (sum, [axis, c]) => `${sum} + ${c} * ${names.get(axis)}`,
    `${base}L`,
  );
  const m = Math.abs(coefficient);
  const place = `${lo}_at`;
  const [first, end] =
    coefficient > 0
      ? [
          `${place} >= 0 ? 0 : (${m - 1} - ${place}) / ${m}`,
          `${place} >= ${size} ? 0 : MIN(${count}, (${size - 1} - ${place}) / ${m} + 1)`,
        ]
      : [
          `${place} < ${size} ? 0 : (${place} - ${size - m}) / ${m}`,
          `${place} < 0 ? 0 : MIN(${count}, ${place} / ${m} + 1)`,
        ];
  const times = scale === 1 ? "" : ` * ${scale}`;
  return [
    `const long ${place} = ${at}, ${lo}_k = ${first}, ${hi}_k = ${end};`,
    `const long ${lo} = ${lo}_k${times}, ${hi} = (${hi}_k < ${lo}_k ? ${lo}_k : ${hi}_k)${times};`,
  ];
}
