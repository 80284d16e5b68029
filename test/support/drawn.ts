/**
 * Arrays that fixtures name instead of holding: whole numbers from `low` to `high` by the generator of
 * `random(seed)`, divided by `unit`, a power of two. generate_random.py draws the same ones.
 */
import type { Shape } from "../../src/ir/graph.ts";
import { random } from "./evaluate.ts";

export interface Drawn {
  readonly shape: Shape;
  readonly drawn: {
    readonly seed: number;
    readonly low: number;
    readonly high: number;
    readonly unit: number;
  };
}

export function valuesOf({ shape, drawn: { seed, low, high, unit } }: Drawn) {
  const r = random(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from({ length: count }, () => r.int(low, high) / unit) };
}

/** A reviver for JSON.parse: arrays that are named become what they name. */
export const revive = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "drawn" in value
    ? valuesOf(value as Drawn)
    : value;
