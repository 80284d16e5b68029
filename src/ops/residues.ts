/**
 * Contractions with an index divisor, the gradients of strided ones, without it. Where (i + p − k)/s must be whole,
 * i + p and k leave the same remainder ρ by s: with i + p₀ = s·q + ρ and k = s·k′ + ρ the index is q + p₁ − k′
 * (p = s·p₁ + p₀). So there are s ordinary contractions, one for every ρ, and none of the zeros between.
 */
import type { Axis } from "../ir/expr.ts";
import type { Shape } from "../ir/graph.ts";
import { type Affine, affine, axisIndex, type ContractAttrs, substitute } from "./affine.ts";

export interface Residues {
  readonly attrs: ContractAttrs;
  /** For every dimension of the original output: where it begins in q and ρ together, and their extents. */
  readonly dims: readonly {
    readonly start: number;
    readonly extents: readonly number[];
  }[];
}

/** @returns undefined if there is no divisor, or none of this form */
export function splitDivisors(
  attrs: ContractAttrs,
  shapes: readonly Shape[],
): Residues | undefined {
  let state: State = {
    axes: attrs.axes,
    out: attrs.out.map((axis) => ({ start: 0, axes: [axis] })),
    maps: attrs.maps,
  };
  let found = false;
  for (const [k, map] of attrs.maps.entries()) {
    for (const d of map.keys()) {
      if (map[d]!.divisor === 1) continue;
      const next = splitOne(state, k, d, shapes);
      if (!next) return undefined;
      state = next;
      found = true;
    }
  }
  if (!found) return undefined;
  const { axes, out, maps } = state;
  return {
    attrs: { axes, out: out.flatMap((o) => o.axes), maps },
    dims: out.map(({ start, axes: own }) => ({
      start,
      extents: own.map((a) => axes[a]!.extent),
    })),
  };
}

/**
 * A sum over i of what is read at (i + r)/s, over that index q instead: i is s·q − r. Some operand must have all i there
 * are along a dimension, so that it is zero at all others; then no term is lost, and none that was zero is left.
 * @returns undefined if there is no such sum
 */
export function sumOverIndices(
  attrs: ContractAttrs,
  shapes: readonly Shape[],
): ContractAttrs | undefined {
  const { axes, out, maps } = attrs;
  for (const [k, map] of maps.entries()) {
    for (const [d, { terms, constant, divisor: s }] of map.entries()) {
      const [i] = terms.find(([a, c]) => c === 1 && !out.includes(a)) ?? [];
      if (s === 1 || i === undefined) continue;
      const { name, extent } = axes[i]!;
      const q = shapes[k]![d]!;
      const others = maps.flatMap((m, j) => m.filter((_, e) => j !== k || e !== d));
      const isLinear = others.every((e) => e.divisor === 1 || !e.terms.some(([a]) => a === i));
      if (q > extent || !isLinear || !isWholeDimension(i, extent, maps, shapes)) continue;
      const rest = terms.filter(([a]) => a !== i).map(([a, c]) => [a, -c] as const);
      const value = affine([[i, s], ...rest], -constant);
      const moved = (e: Affine, j: number, n: number) =>
        j === k && n === d ? axisIndex(i) : substitute(e, i, value);
      return {
        axes: axes.map((a, n) => (n === i ? { name, extent: q } : a)),
        out,
        maps: maps.map((m, j) => m.map((e, n) => moved(e, j, n))),
      };
    }
  }
  return undefined;
}

interface State {
  readonly axes: readonly Axis[];
  /** The axes of each output dimension. */
  readonly out: readonly { readonly start: number; readonly axes: readonly number[] }[];
  readonly maps: readonly (readonly Affine[])[];
}

function splitOne(state: State, k: number, d: number, shapes: readonly Shape[]): State | undefined {
  const { axes, out, maps } = state;
  const { constant, terms, divisor: s } = maps[k]![d]!;
  const others = maps.flatMap((map, j) => map.filter((_, e) => j !== k || e !== d));
  const uses = (e: Affine, axis: number) => e.terms.some(([a]) => a === axis);
  const isOut = (axis: number) => out.some((o) => o.axes.includes(axis));
  const [i] = terms.find(([a, c]) => c === 1 && isOut(a)) ?? [];
  const [kernel] = terms.find(([a, c]) => c === -1 && !isOut(a)) ?? [];
  if (i === undefined || kernel === undefined) return undefined;
  const rest = terms.filter(([a]) => a !== i && a !== kernel);
  if (rest.some(([, c]) => c % s !== 0) || others.some((e) => uses(e, i))) return undefined;
  if (others.some((e) => e.divisor !== 1 && uses(e, kernel))) return undefined;
  const { extent } = axes[kernel]!;
  if (extent % s !== 0 && !isWholeDimension(kernel, extent, maps, shapes)) return undefined;
  const start = ((constant % s) + s) % s;
  const q: Axis = {
    name: axes[i]!.name,
    extent: Math.floor((axes[i]!.extent - 1 + start) / s) + 1,
  };
  const shorter: Axis = { name: axes[kernel]!.name, extent: Math.ceil(extent / s) };
  const rho = axes.length;
  const replaced = axes.map((a, n) => (n === i ? q : n === kernel ? shorter : a));
  const spread = (e: Affine): Affine => ({
    ...e,
    terms: e.terms.flatMap(([a, c]): Affine["terms"] =>
      a === kernel
        ? [
            [kernel, c * s],
            [rho, c],
          ]
        : [[a, c]],
    ),
  });
  const index = affine(
    [[i, 1], [kernel, -1], ...rest.map(([a, c]) => [a, c / s] as const)],
    (constant - start) / s,
  );
  return {
    axes: [...replaced, { name: "r", extent: s }],
    out: out.map((o) => (o.axes.includes(i) ? { start, axes: [i, rho] } : o)),
    maps: maps.map((map, j) => map.map((e, n) => (j === k && n === d ? index : spread(e)))),
  };
}

/** Whether some operand is read at the plain axis over all of a dimension: then it is zero beyond it. */
const isWholeDimension = (
  axis: number,
  extent: number,
  maps: readonly (readonly Affine[])[],
  shapes: readonly Shape[],
): boolean =>
  maps.some((map, j) =>
    map.some(
      ({ terms: [only, ...more], constant, divisor }, d) =>
        more.length === 0 &&
        only?.[0] === axis &&
        only[1] === 1 &&
        constant === 0 &&
        divisor === 1 &&
        shapes[j]![d] === extent,
    ),
  );

/**
 * How many terms of the sum, over all outputs, lie inside all operands: what a contraction really multiplies.
 * Exact where the axes of a test have up to a million values together, else all terms count.
 */
export function countTerms({ axes, maps }: ContractAttrs, shapes: readonly Shape[]): number {
  const tests = maps.flatMap((map, k) =>
    map.flatMap((e, d) => (mayMiss(e, axes, shapes[k]![d]!) ? [{ e, size: shapes[k]![d]! }] : [])),
  );
  let total = axes.reduce((n, a) => n * a.extent, 1);
  for (const group of connected(tests)) {
    const own = [...new Set(group.flatMap(({ e }) => e.terms.map(([a]) => a)))];
    const values = own.reduce((n, a) => n * axes[a]!.extent, 1);
    if (values > 1e6) continue;
    total = (total / values) * countInside(group, own, axes);
  }
  return total;
}

interface Test {
  readonly e: Affine;
  readonly size: number;
}

/** Whether an index may lie outside a dimension, or between its elements. */
export function mayMiss({ terms, constant, divisor }: Affine, axes: readonly Axis[], size: number) {
  if (divisor !== 1) return true;
  let [lo, hi] = [constant, constant];
  for (const [a, c] of terms) {
    const end = c * (axes[a]!.extent - 1);
    lo += Math.min(0, end);
    hi += Math.max(0, end);
  }
  return lo < 0 || hi >= size;
}

/** Tests that share axes, together. */
function connected(tests: readonly Test[]): readonly (readonly Test[])[] {
  const groups: { axes: Set<number>; tests: Test[] }[] = [];
  for (const test of tests) {
    const axes = new Set(test.e.terms.map(([a]) => a));
    const met = groups.filter((g) => [...axes].some((a) => g.axes.has(a)));
    for (const g of met) groups.splice(groups.indexOf(g), 1);
    groups.push({
      axes: new Set([...axes, ...met.flatMap((g) => [...g.axes])]),
      tests: [...met.flatMap((g) => g.tests), test],
    });
  }
  return groups.map((g) => g.tests);
}

function countInside(
  group: readonly Test[],
  own: readonly number[],
  axes: readonly Axis[],
): number {
  const at = new Map(own.map((a) => [a, 0]));
  const inside = () =>
    group.every(({ e, size }) => {
      const sum = e.terms.reduce((n, [a, c]) => n + c * at.get(a)!, e.constant);
      return sum % e.divisor === 0 && sum >= 0 && sum / e.divisor < size;
    });
  const visit = (depth: number): number => {
    if (depth === own.length) return inside() ? 1 : 0;
    let count = 0;
    for (let v = 0; v < axes[own[depth]!]!.extent; v++) {
      at.set(own[depth]!, v);
      count += visit(depth + 1);
    }
    return count;
  };
  return visit(0);
}
