/**
 * Clipping: where an operand is read outside its bounds, and so as zero, a summed loop can skip what lies there
 * instead of multiplying by zeros of a padded copy.
 */
import type { Axis } from "../../../ir/expr.ts";
import type { IndexAlgebra } from "../../../ir/index-algebra.ts";
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
/** By summed axis; an axis may be bounded by several dimensions. */
export type Guards = ReadonlyMap<Axis, readonly Guard[]>;

/** Skipping pays where it skips runs of this many steps at least. */
const longRun = 32;
/** Shorter runs, as far as this, pay where much is skipped, and a tile's rows can lie side by side. */
const shortRun = 12;
const muchSkipped = 0.05;
/** Rows that a tile can take beside those on which bounds depend. */
const fewestRows = 4;

/**
 * Bounds for summed axes that keep an operand's reads inside, none if they are.
 * @returns undefined where bounds cannot do it: two summed axes share a dimension, or all lanes would differ
 */
export function guardsOf(
  load: Product["a"],
  summed: readonly Axis[],
  vector: Axis,
  algebra: IndexAlgebra,
): Guards | undefined {
  const reach = outside(load);
  const guards = new Map<Axis, Guard[]>();
  if (!reach) return guards;
  for (const [d, e] of load.at.entries()) {
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
    if (!k || others.length > 0 || rest.has(vector)) return undefined;
    const size = load.buffer.shape[d]!;
    const { axis, coefficient } = k;
    guards.set(axis, [
      ...(guards.get(axis) ?? []),
      { base: constant, terms: rest, coefficient, size, count: axis.extent, scale: 1 },
    ]);
  }
  return guards;
}

/**
 * The bounds that skip long runs, if a tile's rows can then still lie along some axis: all of them are better than a
 * padded copy, some are still worth having beside one.
 * @param stride of an axis in the operand's memory
 */
export function worthSkipping(
  guards: Guards,
  { nest, summed }: Product,
  vector: Axis,
  stride: (axis: Axis) => number,
): Guards {
  const run = (k: Axis) =>
    summed
      .filter((x) => Math.abs(stride(x)) <= Math.abs(stride(k)))
      .reduce((n, x) => n * x.extent, 1);
  const isFree = (kept: Guards) => (x: Axis) =>
    x !== vector && !bounds(kept, x) && stride(x) !== 0 && x.extent >= fewestRows;
  const pays = (k: Axis, own: readonly Guard[]) =>
    run(k) >= longRun || (run(k) >= shortRun && own.some((g) => skippedBy(g) >= muchSkipped));
  const most: Guards = new Map([...guards].filter(([k, own]) => pays(k, own)));
  if (nest.axes.some((x) => isFree(most)(x) && Math.abs(stride(x)) === 1)) return most;
  const long: Guards = new Map([...guards].filter(([k]) => run(k) >= longRun));
  return nest.axes.some(isFree(long)) ? long : new Map();
}

/** Which part of its loop's iterations bounds skip, over all values of the other axes. */
function skippedBy({ base, terms, coefficient, size, count }: Guard): number {
  let places = [base];
  for (const [axis, c] of [...terms, [{ extent: count }, coefficient] as const])
    places = places.flatMap((p) => Array.from({ length: axis.extent }, (_, i) => p + c * i));
  return places.filter((p) => p < 0 || p >= size).length / places.length;
}

/** Both operands' bounds. */
export const bothGuards = (a: Guards, b: Guards): Guards =>
  new Map([...a.keys(), ...b.keys()].map((k) => [k, [...(a.get(k) ?? []), ...(b.get(k) ?? [])]]));

/** Whether bounds depend on an axis, which must then be a loop of its own outside the tile. */
export const bounds = (guards: Guards, axis: Axis): boolean =>
  [...guards.values()].flat().some((g) => g.terms.has(axis));

/** C declarations of the bounds `lo` and `hi`, given the names of the loops. */
export function printGuards(
  guards: readonly Guard[],
  lo: string,
  hi: string,
  names: ReadonlyMap<Axis, string>,
): readonly string[] {
  const lines = guards.flatMap((g, n) => printGuard(g, `${lo}_${n}`, `${hi}_${n}`, names));
  const all = (name: string, pick: string) =>
    guards.map((_, n) => `${name}_${n}`).reduce((a, b) => `${pick}(${a}, ${b})`);
  const times = guards[0]!.scale === 1 ? "" : ` * ${guards[0]!.scale}`;
  return [
    ...lines,
    `const long ${lo} = ${all(lo, "MAX")}${times}, ${hi} = MAX(${all(hi, "MIN")}${times}, ${lo});`,
  ];
}

function printGuard(
  { base, terms, coefficient, size, count }: Guard,
  lo: string,
  hi: string,
  names: ReadonlyMap<Axis, string>,
): readonly string[] {
  const at = [...terms].reduce(
    (sum, [axis, c]) => `${sum} + ${c} * ${names.get(axis)}`,
    `${base}L`,
  );
  const m = Math.abs(coefficient);
  const place = `at_${lo}`;
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
  return [`const long ${place} = ${at}, ${lo} = ${first}, ${hi} = ${end};`];
}
