/** Statistics for tests of random numbers. All of them with fixed seeds, so a test passes always or never. */
import { erf } from "../../src/backends/reference.ts";

export interface Moments {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

export function moments(x: ArrayLike<number>): Moments {
  let [sum, min, max] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < x.length; i++) {
    sum += x[i]!;
    min = Math.min(min, x[i]!);
    max = Math.max(max, x[i]!);
  }
  const mean = sum / x.length;
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += (x[i]! - mean) ** 2;
  return { mean, std: Math.sqrt(squares / x.length), min, max };
}

/** Pearson's correlation of two series, times √n: about standard normal if they are independent. */
export function correlationZ(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const [a, b] = [moments(x), moments(y)];
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - a.mean) * (y[i]! - b.mean);
  return sum / (Math.sqrt(x.length) * a.std * b.std);
}

/** χ² of counts that should be equal, as a deviation of about standard normal distribution. */
export function uniformityZ(counts: ArrayLike<number>): number {
  const total = Array.from(counts).reduce((a, b) => a + b, 0);
  const expected = total / counts.length;
  const chi2 = Array.from(counts).reduce((s, c) => s + (c - expected) ** 2 / expected, 0);
  // Wilson & Hilferty 1931: the cube root of χ²/k is nearly normal.
  const k = counts.length - 1;
  return (Math.cbrt(chi2 / k) - (1 - 2 / (9 * k))) / Math.sqrt(2 / (9 * k));
}

/** √n times Kolmogorov and Smirnov's largest distance from the distribution; above 2.2 once in 10,000. */
export function kolmogorov(x: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(x).sort();
  const n = sorted.length;
  let worst = 0;
  for (const [i, v] of sorted.entries()) {
    const p = cdf(v);
    worst = Math.max(worst, p - i / n, (i + 1) / n - p);
  }
  return worst * Math.sqrt(n);
}

export const normalCdf = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;
const inside = normalCdf(2) - normalCdf(-2);
/** Of a standard normal distribution cut off at ±2. */
export const truncatedCdf = (x: number): number =>
  Math.min(1, Math.max(0, (normalCdf(x) - normalCdf(-2)) / inside));
