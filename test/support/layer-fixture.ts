/** Comparison of layers with Keras's records of them: for tests only. */
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { sizeOf, type Tensor } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { add, mul } from "../../src/ops/pointwise.ts";
import { buildLayer } from "./build-layer.ts";
import { evaluate, input } from "./evaluate.ts";
import { assertClose, difference, type Options, type Values } from "./keras.ts";

export interface Fixture {
  readonly layer: string;
  readonly options: Options;
  readonly training: boolean;
  /** Absent: true. */
  readonly trainable?: boolean;
  /** The input, or all of them. */
  readonly x: Values | readonly Values[];
  /** Those of the inputs. */
  readonly masks?: readonly (Values | null)[];
  /** That of the output. */
  readonly mask?: Values | null;
  /** What dropout keeps, 1, and drops, 0, in the order in which the layer draws. */
  readonly kept?: readonly Values[];
  /** First values of weights that do not begin at random, a number where all are the same. */
  readonly first?: Readonly<Record<string, number | readonly number[]>>;
  readonly weights: Readonly<Record<string, Values>>;
  readonly y: Values;
  /** Null where Keras does not differentiate. */
  readonly dx: readonly number[] | readonly (readonly number[])[] | null;
  /** For what Keras computes in single precision. */
  readonly tolerance?: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly after: Readonly<Record<string, readonly number[]>>;
  readonly penalties?: readonly number[];
}

interface Expected {
  readonly what: string;
  readonly tensor: Tensor;
  readonly want: readonly number[];
  /** The least tolerance that makes sense. */
  readonly least: number;
}

/** Everything to compare for a fixture, and what to feed. */
function comparisons(f: Fixture, k: number) {
  const given = [f.x].flat() as readonly Values[];
  const dx = (
    f.dx === null ? [] : Array.isArray(f.x) ? f.dx : [f.dx]
  ) as readonly (readonly number[])[];
  const xs = given.map(({ shape }, i) => input(`x${k}.${i}`, shape));
  const masks = f.masks?.map((mask, i) => mask && input(`m${k}.${i}`, mask.shape));
  const draws = (f.kept ?? []).map(({ shape }, i) => input(`u${k}.${i}`, shape));
  const built = buildLayer({
    ...f,
    uniform: draws,
    x: xs,
    masks: masks?.map((mask) => mask ?? undefined) ?? [],
    prefix: `l${k}.`,
  });
  assert.equal([...built.weights.keys()].sort(), Object.keys(f.weights).sort(), "weights");
  assert.equal([...built.trainable].sort(), Object.keys(f.gradients).sort(), "trained weights");
  assert.is(built.requests, draws.length, "random numbers");
  assert.equal(built.output.type.shape, f.y.shape, JSON.stringify(f.options));
  // No mask says of every step that it is there.
  const mask = !built.mask && f.mask?.values.every((v) => v === 1) ? undefined : f.mask;
  assert.equal(
    built.mask?.type.shape,
    mask?.shape,
    `mask of ${f.layer} ${JSON.stringify(f.masks)}`,
  );
  for (const [name, { shape }] of Object.entries(f.weights)) {
    assert.equal(built.weights.get(name)!.type.shape, shape, `shape of ${name}`);
  }
  for (const [name, want] of Object.entries(f.first ?? {})) {
    const got = built.first(name);
    const wanted = typeof want === "number" ? got.map(() => want) : want;
    assertClose(got, wanted, 1e-6, `first values of ${name} of ${f.layer}`);
  }
  // The gradient of Σ c·y, with the c of generate_layers.py.
  const c = input(`c${k}`, f.y.shape);
  const loss = sum(mul(built.output, c), undefined, false);
  const trained = built.trainable.map((name) => built.read.get(name)!);
  const parts = gradients(loss, [...xs, ...trained.flat()]);
  const ofRead = parts.slice(xs.length);
  const dw = trained.map((own) => ofRead.splice(0, own.length).reduce((a, b) => add(a, b)));
  const total = built.penalties.reduce<Tensor | undefined>(
    (a, b) => (a ? add(a, b) : b),
    undefined,
  );
  const penalty = (f.penalties ?? []).reduce((a, b) => a + b, 0);
  const about = `${f.layer} ${JSON.stringify(f.options)}${f.training ? " in training" : ""}`;
  const expected: Omit<Expected, "least">[] = [
    { what: `${about}: output`, tensor: built.output, want: f.y.values },
    ...(mask ? [{ what: `${about}: mask`, tensor: built.mask!, want: mask.values }] : []),
    ...dx.map((want, i) => ({ what: `${about}: gradient ${i}`, tensor: parts[i]!, want })),
    ...(total ? [{ what: `${about}: penalty`, tensor: total, want: [penalty] }] : []),
    ...built.trainable.map((name, i) => {
      return { what: `${about}: gradient of ${name}`, tensor: dw[i]!, want: f.gradients[name]! };
    }),
    ...Object.entries(f.after).map(([name, want]) => {
      const tensor = built.updates.get(name) ?? built.weights.get(name)!;
      return { what: `${about}: ${name} after`, tensor, want };
    }),
  ];
  const sines = Float64Array.from({ length: sizeOf(f.y.shape) }, (_, i) => Math.sin(3 * i + 1));
  const feed = new Map([
    ...xs.map((x, i) => [x, Float64Array.from(given[i]!.values)] as const),
    ...(masks ?? []).flatMap((mask, i) =>
      mask ? [[mask, Float64Array.from(f.masks![i]!.values)] as const] : [],
    ),
    // Kept is what is not below the rate.
    ...draws.map((u, i) => [u, Float64Array.from(f.kept![i]!.values)] as const),
    [c, sines],
    ...[...built.weights].map(
      ([name, w]) => [w, Float64Array.from(f.weights[name]!.values)] as const,
    ),
  ]);
  const least = f.tolerance ?? 0;
  return { expected: expected.map((e) => ({ ...e, least })), feed };
}

/** What is further off than the tolerance, and the largest error. */
export async function compare(some: readonly Fixture[], tolerance: number, backend: Backend) {
  const all = some.map(comparisons);
  const expected = all.flatMap((a) => a.expected);
  const feed = new Map(all.flatMap((a) => [...a.feed]));
  const got = await evaluate(
    expected.map((e) => e.tensor),
    feed,
    backend,
  );
  const errors = expected.map(({ want }, i) => difference(got[i]!, want));
  const wrong = expected.flatMap(({ what, least }, i) =>
    errors[i]! < Math.max(tolerance, least) ? [] : [`${what}: ${errors[i]}`],
  );
  return { wrong, worst: Math.max(...errors) };
}
