/**
 * A model with two inputs and two outputs, each with a loss, a weight and metrics of its own, against plain
 * JavaScript: the gradient there is a central difference of the loss written out by hand.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { metricNames } from "../../src/spec/reported.ts";
import { assertClose } from "../support/keras.ts";
import { dyadics, exactWeights, examples, follow, open, samples } from "../support/training.ts";

const count = 7;
const x = dyadics(1, count * 3);
const z = dyadics(2, count * 2);
const price = dyadics(3, count);
const kind = Int32Array.from({ length: count }, (_, i) => (i * i) % 3);
const data = examples(
  count,
  { x: samples(x, 3), z: samples(z, 2) },
  { price: samples(price), kind: samples(kind) },
);
const rate = 1 / 8;
const spec = (metrics: string) => `
model:
  - input: { shape: [3], source: x }
    name: left
  - dense: { units: 2, activation: tanh, kernel_regularizer: { l2: { l2: 0.125 } } }
    name: trunk
  - dense: { units: 1 }
    name: price
  - input: { shape: [2], source: z }
    name: right
  - dense: { units: 3, activation: softmax }
    name: kind
outputs: [price, kind]
loss: { price: huber, kind: sparse_categorical_crossentropy }
loss_weights: { price: 0.5, kind: 2 }
metrics: ${metrics}
optimizer: { sgd: { learning_rate: ${rate} } }
train: { epochs: 1, batch_size: 3, shuffle: false }
`;
const byOutput = "{ price: [rmse, mae, mean_squared_error, mse], kind: accuracy }";

type Weights = ReadonlyMap<string, Float64Array>;
const mean = (a: readonly number[]) => a.reduce((s, v) => s + v, 0) / a.length;
/** Σ xᵢ·w[i, j] + b[j] of one row. */
function affine(row: ArrayLike<number>, w: Weights, layer: string): number[] {
  const [kernel, bias] = [w.get(`${layer}/kernel`)!, w.get(`${layer}/bias`)!];
  return Array.from(bias, (b, j) =>
    Array.from(row).reduce((s, v, i) => s + v * kernel[i * bias.length + j]!, b),
  );
}

/** Losses and metrics of some rows. */
function measured(w: Weights, rows: readonly number[]) {
  const each = rows.map((r) => {
    const trunk = affine(x.slice(3 * r, 3 * r + 3), w, "trunk").map(Math.tanh);
    const error = price[r]! - affine(trunk, w, "price")[0]!;
    const logits = affine(z.slice(2 * r, 2 * r + 2), w, "kind");
    const total = logits.reduce((s, v) => s + Math.exp(v), 0);
    const size = Math.abs(error);
    return {
      huber: size <= 1 ? (error * error) / 2 : size - 0.5,
      squared: error * error,
      size,
      entropy: Math.log(total) - logits[kind[r]!]!,
      hit: logits.indexOf(Math.max(...logits)) === kind[r] ? 1 : 0,
    };
  });
  const penalty = 0.125 * w.get("trunk/kernel")!.reduce((s, v) => s + v * v, 0);
  const of = (name: keyof (typeof each)[number]) => mean(each.map((e) => e[name]));
  const loss = 0.5 * of("huber") + 2 * of("entropy") + penalty;
  const [huber, entropy, squared] = [of("huber"), of("entropy"), of("squared")];
  return [loss, huber, entropy, squared, of("size"), squared, squared, of("hit")];
}

/** A step of gradient descent on the first of what is measured. */
function stepped(w: Weights, rows: readonly number[]): Weights {
  const h = 1e-5;
  const loss = (name: string, i: number, delta: number) => {
    const moved = w.get(name)!.slice();
    moved[i]! += delta;
    return measured(new Map([...w, [name, moved]]), rows)[0]!;
  };
  return new Map(
    [...w].map(([name, values]) => [
      name,
      values.map((v, i) => v - (rate * (loss(name, i, h) - loss(name, i, -h))) / (2 * h)),
    ]),
  );
}

test("two inputs, two outputs: losses, weights, metrics and steps", async () => {
  const session = await open(spec(byOutput), data, { validation: data });
  let weights: Weights = await exactWeights(session);
  const totals = new Float64Array(8);
  for (const rows of [[0, 1, 2], [3, 4, 5], [6]]) {
    measured(weights, rows).forEach((v, i) => {
      totals[i]! += (v * rows.length) / count;
    });
    weights = stepped(weights, rows);
  }
  const [epoch] = (await follow(session)).epochs;
  const names = metricNames(session.plan.spec.outputs);
  assert.equal(names, [
    ...["loss", "price_loss", "kind_loss"],
    ...["price_rmse", "price_mae", "price_mean_squared_error", "price_mse", "kind_accuracy"],
  ]);
  const rooted = (values: ArrayLike<number>) =>
    Array.from(values, (v, i) => (names[i] === "price_rmse" ? Math.sqrt(v) : v));
  const got = (prefix: string) => names.map((name) => epoch![`${prefix}${name}`] as number);
  assertClose(got(""), rooted(totals), 1e-8, "training");
  const all = Array.from({ length: count }, (_, i) => i);
  assertClose(got("val_"), rooted(measured(weights, all)), 1e-8, "validation");
  for (const [name, values] of await exactWeights(session))
    assertClose(values, weights.get(name)!, 1e-8, name);
  await session.dispose();
});

test("a list of metrics, or a single one, is for every output", async () => {
  for (const [metrics, own] of [
    ["[mae, mse]", ["mae", "mse"]],
    ["mae", ["mae"]],
  ] as const) {
    const text = spec(metrics).replace("kind: sparse_categorical_crossentropy", "kind: mse");
    const oneHot = Float32Array.from({ length: count * 3 }, (_, i) =>
      i % 3 === kind[Math.floor(i / 3)] ? 1 : 0,
    );
    const targets = { price: samples(price), kind: samples(oneHot, 3) };
    const session = await open(text, {
      ...data,
      targets: new Map(Object.entries(targets)),
    });
    assert.equal(metricNames(session.plan.spec.outputs).slice(3), [
      ...own.map((m) => `price_${m}`),
      ...own.map((m) => `kind_${m}`),
    ]);
    await session.dispose();
  }
});

test("a metric listed twice is reported twice, as Keras names it", async () => {
  const session = await open(
    `
model: [{ dense: { units: 1, activation: sigmoid } }]
loss: binary_crossentropy
metrics: [binary_accuracy, { binary_accuracy: { threshold: 0.75 } }]
`,
    examples(
      4,
      { x: samples(Float32Array.of(0, 1, 2, 3), 1) },
      { y: samples(Int32Array.of(0, 0, 1, 1)) },
    ),
    {
      // sigmoid(x − 0.5): 0.38, 0.62, 0.82, 0.92
      weights: new Map([
        ["dense/kernel", Float64Array.of(1)],
        ["dense/bias", Float64Array.of(-0.5)],
      ]),
    },
  );
  const [epoch] = (await follow(session)).epochs;
  assert.is(epoch!["binary_accuracy"], 0.75);
  assert.is(epoch!["binary_accuracy_1"], 1);
  await session.dispose();
});

test.run();
