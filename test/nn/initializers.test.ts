/** Initial weights: the distributions that Keras's fixture names, and that a seed and a name determine them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { fans, initializer, initializerOption, initializers } from "../../src/nn/initializers.ts";
import type { Weight } from "../../src/nn/model.ts";
import { randomStream } from "../../src/support/random.ts";
import { initialWeights } from "../../src/train/session.ts";
import { modelOf } from "../support/check-layer.ts";
import { fixture, type Options } from "../support/keras.ts";
import { kolmogorov, moments, normalCdf, truncatedCdf } from "../support/statistics.ts";

interface InitializerRecord {
  readonly name: string;
  readonly options: Options;
  readonly shape: Shape;
  readonly distribution:
    | "constant"
    | "uniform"
    | "normal"
    | "truncated_normal"
    | "orthogonal"
    | "identity";
  readonly mean: number;
  readonly std: number;
  readonly min: number | null;
  readonly max: number | null;
  /** Before truncation. */
  readonly stddev?: number;
  readonly gain?: number;
}
const records = fixture<InitializerRecord[]>("initializers");

function drawn(r: Pick<InitializerRecord, "name" | "options" | "shape">, seed = 1): Float32Array {
  const { definition, options } = initializerOption().parse({ [r.name]: r.options });
  return definition.fill(r.shape, options, randomStream(seed, "test", r.name));
}

/** Mean and spread within 4.5 standard errors (those of a normal distribution, the widest of them). */
function assertMoments(values: Float32Array, { mean, std, min, max }: InitializerRecord): void {
  const m = moments(values);
  const n = values.length;
  const rounding = 1e-7 * (1 + Math.abs(mean));
  assert.ok(Math.abs(m.mean - mean) <= (4.5 * std) / Math.sqrt(n) + rounding, `mean ${m.mean}`);
  assert.ok(Math.abs(m.std - std) <= (4.5 * std) / Math.sqrt(2 * n) + rounding, `std ${m.std}`);
  if (min === null || max === null) return;
  assert.ok(m.min >= min - rounding && m.max <= max + rounding, `${m.min} to ${m.max}`);
}

/** Uniform numbers come near both limits: missing a 5000th of the range has probability e⁻¹⁰. */
function assertReachesLimits(values: Float32Array, { min, max }: InitializerRecord): void {
  const m = moments(values);
  const slack = (max! - min!) / 5000;
  assert.ok(m.min < min! + slack && m.max > max! - slack, `only ${m.min} to ${m.max}`);
}

/** The distance from the distribution, where it is a continuous one. */
function distance(values: Float32Array, r: InitializerRecord): number | undefined {
  switch (r.distribution) {
    case "uniform":
      return kolmogorov(values, (x) => (x - r.min!) / (r.max! - r.min!));
    case "normal":
      return kolmogorov(values, (x) => normalCdf((x - r.mean) / r.std));
    case "truncated_normal":
      return kolmogorov(values, (x) => truncatedCdf((x - r.mean) / r.stddev!));
    case "constant":
    case "orthogonal":
    case "identity":
      return undefined;
    default:
      return r.distribution satisfies never;
  }
}

for (const r of records) {
  test(`${r.name} ${JSON.stringify(r.options)} [${r.shape}] is distributed as in Keras`, () => {
    const values = drawn(r);
    assert.is(values.length, sizeOf(r.shape));
    if (r.distribution === "orthogonal") assertOrthogonal(values, r.shape, r.gain!);
    else assertMoments(values, r);
    if (r.distribution === "uniform") assertReachesLimits(values, r);
    const d = distance(values, r);
    assert.ok(d === undefined || d < 2.2, `${d} from ${r.distribution}`);
  });
}

test("every initializer has records", () => {
  const known = new Set(records.map((r) => r.name));
  assert.equal(
    initializers.map((i) => i.name).filter((n) => !known.has(n)),
    [],
  );
});

/** The shorter side's vectors are orthonormal times gain. */
function assertOrthogonal(values: Float32Array, shape: Shape, gain: number): void {
  const columns = shape.at(-1)!;
  const rows = values.length / columns;
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const at = (v: number, i: number) => values[rows >= columns ? i * columns + v : v * columns + i]!;
  for (let a = 0; a < count; a++) {
    for (let b = a; b < Math.min(count, a + 3); b++) {
      let dot = 0;
      for (let i = 0; i < length; i++) dot += at(a, i) * at(b, i);
      const want = a === b ? gain * gain : 0;
      assert.ok(Math.abs(dot - want) < 1e-5, `vectors ${a} and ${b}: ${dot}`);
    }
  }
}

test("orthogonal: square, tall, wide, and with more dimensions; signs are as likely", () => {
  for (const shape of [
    [5, 5],
    [7, 3],
    [3, 7],
    [1, 4],
    [4, 1],
    [2, 3, 4],
    [1, 1],
  ]) {
    assertOrthogonal(drawn({ name: "orthogonal", options: { gain: 2 }, shape }), shape, 2);
  }
  const corners = Array.from({ length: 400 }, (_, seed) =>
    Math.sign(drawn({ name: "orthogonal", options: {}, shape: [3, 3] }, seed)[0]!),
  );
  // The first entry's sign is a fair coin: ±4.5 standard deviations of 20.
  assert.ok(Math.abs(corners.reduce((a, b) => a + b, 0)) < 90);
});

test("identity", () => {
  const of = (shape: Shape, gain = 1) => [...drawn({ name: "identity", options: { gain }, shape })];
  assert.equal(of([2, 2]), [1, 0, 0, 1]);
  assert.equal(of([2, 3], 0.5), [0.5, 0, 0, 0, 0.5, 0]);
  assert.equal(of([3, 2], -2), [-2, 0, 0, -2, 0, 0]);
});

test("shapes that do not fit", () => {
  const unfit = (name: string, shape: Shape) => initializer(name).definition.unfit?.(shape);
  assert.ok(unfit("orthogonal", [3]));
  assert.is(unfit("orthogonal", [3, 3, 3]), undefined);
  assert.ok(unfit("identity", [3]));
  assert.ok(unfit("identity", [3, 3, 3]));
  assert.is(unfit("identity", [3, 4]), undefined);
  assert.is(unfit("glorot_uniform", []), undefined);
});

test("fans: dense, bias, convolution", () => {
  assert.equal(fans([]), { fanIn: 1, fanOut: 1 });
  assert.equal(fans([7]), { fanIn: 7, fanOut: 7 });
  assert.equal(fans([3, 5]), { fanIn: 3, fanOut: 5 });
  assert.equal(fans([3, 3, 8, 16]), { fanIn: 72, fanOut: 144 });
});

test("a seed and a name determine the bits; another of either gives others", () => {
  const weight = (name: string, how: string): Weight => ({
    name,
    layer: "",
    shape: [4, 6],
    trainable: true,
    initializer: initializer(how),
    regularizer: undefined,
    constraint: undefined,
  });
  const constant = ["zeros", "ones", "constant", "identity"];
  for (const { name: how } of initializers) {
    const a = weight("dense/kernel", how);
    const b = weight("dense_1/kernel", how);
    const draw = (seed: number, ...weights: Weight[]) => initialWeights(weights, seed);
    const first = draw(7, a, b);
    const again = draw(7, b, a);
    assert.equal(first.get(a.name), again.get(a.name), `${how}: the same, in any company`);
    if (constant.includes(how)) continue;
    assert.not.equal(first.get(a.name), first.get(b.name), `${how}: another name`);
    assert.not.equal(first.get(a.name), draw(8, a).get(a.name), `${how}: another seed`);
  }
});

test("kernels of products have the inputs and outputs of their equation, not those of a convolution", () => {
  const limits: readonly (readonly [string, Options, Shape, string, number])[] = [
    ["einsum_dense", { equation: "abc,bcde->ade", output_shape: [20, 10] }, [6, 10], "kernel", 260],
    ["einsum_dense", { equation: "abc,bcd->abd", output_shape: [6, 90] }, [6, 10], "kernel", 550],
    ["multi_head_attention", { num_heads: 5, key_dim: 20 }, [3, 40], "query/kernel", 140],
    [
      "multi_head_attention",
      { num_heads: 5, key_dim: 20 },
      [3, 40],
      "attention_output/kernel",
      140,
    ],
  ];
  for (const [name, options, shape, weight, units] of limits) {
    const model = modelOf(name, { options, inputs: [shape] }, { batch: 2, training: false });
    const values = initialWeights(model.built.weights, 1).get(`it/${weight}`)!;
    const [limit, largest] = [Math.sqrt(6 / units), Math.max(...values.map(Math.abs))];
    assert.ok(largest < limit && largest > 0.99 * limit, `${name}: ${largest} of ${limit}`);
  }
});

test.run();
