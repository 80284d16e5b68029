/**
 * The matrices of Toom and Cook's way to multiply, transposed (Winograd's minimal filtering F(m, r)): for m results of r
 * taps, Σ x[u + k]·w[k]·y[u] is Σ (Bx)·(Gw)·(Ay) over n = m + r − 1 points. Two polynomials are evaluated at points, which
 * is A and G, multiplied point by point, and the product's coefficients found by interpolation (Lagrange), which is B.
 */
import type { Matrix } from "../ops/combine.ts";

/** Finite points by their number; one more is at infinity. Chosen, of small dyadic numbers, for small errors. */
const points: Readonly<Record<number, readonly number[]>> = {
  2: [0, 1],
  3: [0, 1, -1],
  4: [0, 1, -1, 2],
  5: [0, 1, -1, 0.5, -2],
  6: [0, 1, -1, 2, -2, 0.5],
  7: [0, 1, -1, 2, -2, 0.5, -0.5],
};
export const mostPoints = 8;

export interface Matrices {
  /** [n][n], for windows of x. */
  readonly b: Matrix;
  /** [n][r], for the taps. */
  readonly g: Matrix;
  /** [n][m], for tiles of y. */
  readonly a: Matrix;
}

/** Of F(m, r). At infinity a polynomial's value is its leading coefficient. */
export function matricesOf(m: number, r: number): Matrices {
  const n = m + r - 1;
  const finite = points[n - 1]!;
  const powers = (count: number): Matrix => [
    ...finite.map((x) => Array.from({ length: count }, (_, k) => x ** k)),
    Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0)),
  ];
  const numerators = finite.map((_, i) => withRoots(finite.filter((__, j) => j !== i)));
  const at = (coefficients: readonly number[], x: number) =>
    coefficients.reduceRight((sum, c) => sum * x + c, 0);
  const scale = finite.map((x, i) => 1 / at(numerators[i]!, x));
  return {
    b: [...numerators.map((c) => [...c, 0]), withRoots(finite)],
    g: powers(r).map((row, i) => row.map((c) => c * (scale[i] ?? 1))),
    a: powers(m),
  };
}

/** Coefficients of Π (x − root), the constant first. */
function withRoots(roots: readonly number[]): readonly number[] {
  let product = [1];
  // Times x, which moves every coefficient up by one, less the root times it.
  for (const root of roots)
    product = [0, ...product].map((above, i) => above - root * (product[i] ?? 0));
  return product;
}
