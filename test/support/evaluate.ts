/** Runs tensors on a backend, and checks gradients against central differences: for tests only. */
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import { compile, type FusionPolicy } from "../../src/compiler/compile.ts";
import { type Shape, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul } from "../../src/ops/pointwise.ts";

export type Feed = ReadonlyMap<Tensor, Float64Array>;

/** A variable to feed. */
export const input = (name: string, shape: Shape): Tensor =>
  variable({ name, shape, kind: "data" });

/** Tensors compiled once, to be evaluated with several feeds. */
export interface Prepared {
  run(feed: Feed): Promise<Float64Array[]>;
  dispose(): Promise<void>;
}

export async function prepare(
  outputs: readonly Tensor[],
  backend: Backend = reference,
  fusion?: FusionPolicy,
): Promise<Prepared> {
  const updates = outputs.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape, dtype: value.type.dtype }),
    value,
  }));
  const program = compile([{ name: "test", updates }], backend.traits, fusion);
  const exe = await backend.compile(program, new Map(), {});
  const known = new Set(program.variables.map((v) => v.name));
  return {
    async run(feed) {
      for (const [x, values] of feed) {
        const { name } = x.attrs as { name: string };
        const data = backend.name === "reference" ? values : Float32Array.from(values);
        if (known.has(name)) exe.write(name, data);
      }
      await exe.run("test", 1);
      const results = await Promise.all(outputs.map((_, i) => exe.read(`out${i}`)));
      return results.map((r) => Float64Array.from(r));
    },
    dispose: () => exe.dispose(),
  };
}

/** The values of tensors, given the values of the variables they depend on. */
export async function evaluate(
  outputs: readonly Tensor[],
  feed: Feed,
  backend: Backend = reference,
  fusion?: FusionPolicy,
): Promise<Float64Array[]> {
  const prepared = await prepare(outputs, backend, fusion);
  const results = await prepared.run(feed);
  await prepared.dispose();
  return results;
}

/**
 * The largest difference between the gradient of Σ c·y and its central differences, relative to the
 * largest gradient (at least 1).
 */
export async function gradientError(
  y: Tensor,
  wrt: readonly Tensor[],
  feed: Feed,
  step = 1e-5,
): Promise<number> {
  const weights = input("weights", y.type.shape);
  const c = Float64Array.from({ length: sizeOf(y.type.shape) }, (_, i) => Math.sin(3 * i + 1));
  const loss = sum(mul(y, weights), undefined, false);
  const values = new Map([...feed, [weights, c] as const]);
  const analytic = await evaluate(gradients(loss, wrt), values);
  const forward = await prepare([loss]);
  let worst = 0;
  for (const [k, x] of wrt.entries()) {
    const at = values.get(x)!;
    const scale = Math.max(1, ...analytic[k]!.map(Math.abs));
    for (let i = 0; i < at.length; i++) {
      const moved = async (delta: number) => {
        const shifted = at.slice();
        shifted[i] = at[i]! + delta;
        return (await forward.run(new Map([...values, [x, shifted] as const])))[0]![0]!;
      };
      const numeric = ((await moved(step)) - (await moved(-step))) / (2 * step);
      const error = Math.abs(numeric - analytic[k]![i]!) / scale;
      // A NaN must not pass for a small error.
      if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  await forward.dispose();
  return worst;
}

/** Deterministic random numbers for tests (mulberry32). */
export function random(seed: number) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    uniform: (lo = 0, hi = 1) => lo + (hi - lo) * uniform(),
    /** A whole number in lo … hi. */
    int: (lo: number, hi: number) => lo + Math.floor(uniform() * (hi - lo + 1)),
    pick: <T>(list: readonly T[]): T => list[Math.floor(uniform() * list.length)]!,
    array: (n: number, lo = -1, hi = 1) =>
      Float64Array.from({ length: n }, () => lo + (hi - lo) * uniform()),
    shape: (rank: number, max = 4): Shape =>
      Array.from({ length: rank }, () => 1 + Math.floor(uniform() * max)),
  };
}
