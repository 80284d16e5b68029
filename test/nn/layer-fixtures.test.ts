/**
 * Layers against Keras: outputs, gradients with respect to the inputs and every trained weight, what is added to
 * the loss, and the moving statistics after a step.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import { sizeOf, type Tensor } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { add, mul } from "../../src/ops/pointwise.ts";
import { buildLayer } from "../support/build-layer.ts";
import { evaluate, input } from "../support/evaluate.ts";
import { difference, fixture, type Options, type Values } from "../support/keras.ts";

interface Fixture {
  readonly layer: string;
  readonly options: Options;
  readonly training: boolean;
  /** The input, or all of them. */
  readonly x: Values | readonly Values[];
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
const fixtures = [...fixture<Fixture[]>("layers"), ...fixture<Fixture[]>("more_layers")];
const names = [...new Set(fixtures.map((f) => f.layer))];

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
  const built = buildLayer({ ...f, x: xs, prefix: `l${k}.` });
  assert.equal([...built.weights.keys()].sort(), Object.keys(f.weights).sort(), "weights");
  assert.equal([...built.trainable].sort(), Object.keys(f.gradients).sort(), "trained weights");
  assert.equal(built.output.type.shape, f.y.shape, JSON.stringify(f.options));
  for (const [name, { shape }] of Object.entries(f.weights)) {
    assert.equal(built.weights.get(name)!.type.shape, shape, `shape of ${name}`);
  }
  // The gradient of Σ c·y, with the c of generate_layers.py.
  const c = input(`c${k}`, f.y.shape);
  const loss = sum(mul(built.output, c), undefined, false);
  const trained = built.trainable.map((name) => built.weights.get(name)!);
  const parts = gradients(loss, [...xs, ...trained]);
  const dw = parts.slice(xs.length);
  const total = built.penalties.reduce<Tensor | undefined>(
    (a, b) => (a ? add(a, b) : b),
    undefined,
  );
  const penalty = (f.penalties ?? []).reduce((a, b) => a + b, 0);
  const about = `${f.layer} ${JSON.stringify(f.options)}${f.training ? " in training" : ""}`;
  const expected: Omit<Expected, "least">[] = [
    { what: `${about}: output`, tensor: built.output, want: f.y.values },
    ...dx.map((want, i) => ({ what: `${about}: gradient ${i}`, tensor: parts[i]!, want })),
    ...(total ? [{ what: `${about}: penalty`, tensor: total, want: [penalty] }] : []),
    ...built.trainable.map((name, i) => {
      return { what: `${about}: gradient of ${name}`, tensor: dw[i]!, want: f.gradients[name]! };
    }),
    ...Object.entries(f.after).map(([name, want]) => {
      return { what: `${about}: ${name} after`, tensor: built.updates.get(name)!, want };
    }),
  ];
  const sines = Float64Array.from({ length: sizeOf(f.y.shape) }, (_, i) => Math.sin(3 * i + 1));
  const feed = new Map([
    ...xs.map((x, i) => [x, Float64Array.from(given[i]!.values)] as const),
    [c, sines],
    ...[...built.weights].map(
      ([name, w]) => [w, Float64Array.from(f.weights[name]!.values)] as const,
    ),
  ]);
  const least = f.tolerance ?? 0;
  return { expected: expected.map((e) => ({ ...e, least })), feed };
}

/** What is further off than the tolerance, and the largest error. */
async function compare(some: readonly Fixture[], tolerance: number, backend: Backend) {
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

for (const name of names) {
  test(`${name} as in Keras`, async () => {
    const own = fixtures.filter((f) => f.layer === name);
    assert.ok(own.length > 5, "too few fixtures");
    const { wrong, worst } = await compare(own, 1e-6, reference);
    if (process.env["NNC_SHOW_ERRORS"]) console.log(name, own.length, worst);
    assert.equal(wrong, []);
  });
}

test("a third of them on webasm, in single precision", async () => {
  const backend = await loadBackend("webasm");
  const probe = await backend.probe();
  if (!probe.ok) return console.log(`skipped: webasm: ${probe.reason}`);
  for (const name of names) {
    const some = fixtures.filter((f, k) => f.layer === name && k % 3 === 0);
    const { wrong, worst } = await compare(some, 1e-4, backend);
    if (process.env["NNC_SHOW_ERRORS"]) console.log("webasm", name, some.length, worst);
    assert.equal(wrong, []);
  }
});

test("a fixture of a layer that does not exist is an error", () => {
  const x = input("x", [1, 2]);
  assert.throws(() => buildLayer({ layer: "no_such_layer", options: {}, x }), /no layer/);
});

test.run();
