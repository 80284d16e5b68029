/** Keras's reference numbers (test/fixtures/keras), and comparisons with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type Shape, type Tensor, variable } from "../../src/ir/graph.ts";
import { revive } from "./drawn.ts";
import type { Feed } from "./evaluate.ts";

/** Tests run from dist/test. */
const folder = new URL("../../../test/fixtures/keras/", import.meta.url);

/**
 * A file of the fixtures. Random ones may be others than those committed: the environment's NNC_KERAS_FIXTURES is
 * then the folder that generate_random.py wrote to.
 */
export function fixture<T>(name: string): T {
  const other = name.startsWith("random_") ? process.env["NNC_KERAS_FIXTURES"] : undefined;
  const file = other ? join(other, `${name}.json`) : new URL(`${name}.json`, folder);
  return JSON.parse(readFileSync(file, "utf8"), revive) as T;
}

export interface Values {
  readonly shape: Shape;
  readonly values: readonly number[];
}

/** Options as the fixtures and random generators write them. */
export type Options = Readonly<Record<string, unknown>>;

/** The largest |a − b| / max(1, |b|). */
export function difference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assert.is(got.length, want.length, "number of values");
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!) / Math.max(1, Math.abs(want[i]!));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const error = difference(got, want);
  const show = (a: ArrayLike<number>) => Array.from(a).slice(0, 12).join(" ");
  assert.ok(error <= tolerance, `${what}: off by ${error}\n got ${show(got)}\nwant ${show(want)}`);
}

/** Half a unit of the ninth significant digit, to which the fixtures are rounded. */
export const rounding = (x: number): number =>
  x === 0 ? 0.5e-9 : 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(x))) - 8);

/** A constant of the test: a variable and what to feed it with. */
export function given(name: string, { shape, values }: Values): readonly [Tensor, Float64Array] {
  return [variable({ name, shape, kind: "data" }), Float64Array.from(values)];
}

export const feedOf = (...pairs: readonly (readonly [Tensor, Float64Array])[]): Feed =>
  new Map(pairs);
