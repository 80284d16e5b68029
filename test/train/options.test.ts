/**
 * What a run may be told beside layers: metrics of several sums, gradients of several batches, schedules,
 * moving averages, constraints. On the interpreter against plain arithmetic, then on native and js.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Values } from "../../src/ir/program.ts";
import { losses } from "../../src/nn/losses/index.ts";
import { metrics } from "../../src/nn/metrics/index.ts";
import { optimizers } from "../../src/nn/optimizers/index.ts";
import { workingBackends } from "../support/backends.ts";
import { assertClose, difference } from "../support/keras.ts";
import { openSession, trainSteps } from "../support/sessions.ts";
import { dyadics, exactWeights, examples, follow, open, samples } from "../support/training.ts";

const rows = 12;
const features = 2;
const x = dyadics(1, rows * features);
const labels = Float32Array.from(
  x.filter((_, i) => i % features === 0),
  (v) => (v > 0.3 ? 1 : 0),
);
const data = examples(rows, { x: samples(x, features) }, { y: samples(labels, 1) });
const weights: ReadonlyMap<string, Values> = new Map([
  ["dense/kernel", Float64Array.of(0.5, -0.25)],
  ["dense/bias", Float64Array.of(0.125)],
]);
const text = (parts: string) => `
model: [{ dense: { units: 1, activation: sigmoid } }]
loss: mse
${parts}
`;
const run = async (parts: string) => {
  const session = await open(text(parts), data, { validation: data, weights });
  const followed = await follow(session);
  const result = {
    ...followed,
    weights: await exactWeights(session),
    final: await session.finalWeights(),
  };
  await session.dispose();
  return result;
};
const flat = (w: ReadonlyMap<string, ArrayLike<number>>) =>
  [...w.values()].flatMap((v) => Array.from(v));

test("metrics of several sums: a pass of unequal batches, the same as one batch of all", async () => {
  const counted = "precision, recall, f1, auc, r2, true_positives, false_negatives, rmse";
  const names = `[${counted}, { auc: { num_thresholds: 11 } }]`;
  const still = "optimizer: { sgd: { learning_rate: 0 } }";
  const train = (batch: number) => `train: { batch_size: ${batch}, epochs: 2, shuffle: false }`;
  const small = await run(`metrics: ${names}\n${still}\n${train(5)}`);
  const whole = await run(`metrics: ${names}\n${still}\n${train(rows)}`);
  const [first, second] = small.epochs;
  for (const name of [
    "precision",
    "recall",
    "f1",
    "auc",
    "auc_1",
    "r2",
    "true_positives",
    "rmse",
  ]) {
    const all = whole.epochs[0]![name] as number;
    assertClose([first![name] as number], [all], 1e-9, name);
    assertClose([second![name] as number], [all], 1e-9, `${name}, the sums begin at 0 again`);
    assertClose([first![`val_${name}`] as number], [all], 1e-9, `val_${name}`);
  }
  const p = Array.from(
    labels,
    (_, i) => 1 / (1 + Math.exp(-(0.5 * x[2 * i]! - 0.25 * x[2 * i + 1]! + 0.125))),
  );
  const count = (actual: number, above: boolean) =>
    p.filter((v, i) => labels[i] === actual && v > 0.5 === above).length;
  const [tp, fp] = [count(1, true), count(0, true)];
  assert.ok(tp > 0 && fp > 0, "there is something to count");
  assert.is(first!["true_positives"], tp);
  assert.is(first!["false_negatives"], count(1, false));
  assertClose([first!["precision"] as number], [tp / (tp + fp)], 1e-12, "precision");
});

test("a metric is reported by the name it has in the spec", async () => {
  const names = "[acc, mse, mean_squared_error, { f1_score: { threshold: 0.5 } }, mse]";
  const { epochs } = await run(`metrics: ${names}\noptimizer: sgd`);
  const own = Object.keys(epochs[0]!).filter((k) => !k.startsWith("val_"));
  const about = ["event", "epoch", "epochs", "loss", "seconds"];
  assert.equal(
    own.filter((k) => !about.includes(k)),
    ["acc", "mse", "mean_squared_error", "f1_score", "mse_1"],
  );
  assert.is(epochs[0]!["mse"], epochs[0]!["mean_squared_error"]);
});

test("gradients of two batches are those of one twice as large", async () => {
  for (const optimizer of ["{ sgd: { momentum: 0.9 } }", "adam", "nadam"]) {
    const train = (more: string) =>
      `optimizer: ${optimizer}\ntrain: { epochs: 3, shuffle: false, ${more} }`;
    const whole = await run(train("batch_size: 6"));
    const halves = await run(train("batch_size: 3, accumulate: 2"));
    assertClose(flat(halves.weights), flat(whole.weights), 1e-12, optimizer);
    assert.is(halves.end.steps, 2 * whole.end.steps);
  }
  const keras = await run(
    "optimizer: { sgd: { gradient_accumulation_steps: 2 } }\ntrain: { batch_size: 3, shuffle: false }",
  );
  const ours = await run("optimizer: sgd\ntrain: { batch_size: 3, shuffle: false, accumulate: 2 }");
  assert.equal(flat(keras.weights), flat(ours.weights));
});

test("a schedule's rate is reported, that of the last step", async () => {
  const rate =
    "{ exponential_decay: { initial_learning_rate: 0.5, decay_steps: 4, decay_rate: 0.5 } }";
  const { epochs } = await run(
    `optimizer: { sgd: { learning_rate: ${rate} } }\ntrain: { batch_size: 5, epochs: 2 }`,
  );
  // Three steps an epoch: the last are the third and the sixth.
  const want = [2, 5].map((step) => 0.5 * 0.5 ** (step / 4));
  assertClose(
    epochs.map((e) => e["learning_rate"] as number),
    want,
    1e-7,
    "rates",
  );
  const { epochs: plain } = await run("optimizer: sgd");
  assert.not.ok("learning_rate" in plain[0]!);
});

test("a run ends with the moving averages, and trains and validates without", async () => {
  const train = "train: { batch_size: 6, shuffle: false }";
  const sgd = (more: string) => run(`optimizer: { sgd: { learning_rate: 1${more} } }\n${train}`);
  const plain = await sgd("");
  const ema = await sgd(", use_ema: true, ema_momentum: 0.75");
  assert.equal(flat(ema.weights), flat(plain.weights));
  assert.equal(ema.epochs[0]!["val_loss"], plain.epochs[0]!["val_loss"]);
  const one = await run(
    `optimizer: { sgd: { learning_rate: 1 } }\ntrain: { batch_size: 6, shuffle: false, steps: 1 }`,
  );
  const mean = flat(one.weights).map((w, i) => 0.75 * w + 0.25 * flat(plain.weights)[i]!);
  assertClose(flat(ema.final), mean, 1e-7, "the mean of both steps");
  assertClose(flat(plain.final), flat(plain.weights), 1e-7, "no averages, no difference");
});

/** What a backend must agree on: a small run of images with what is not plain arithmetic. */
const images = (optimizer: string, more = "") => `
data: mnist
model:
  - flatten
  - dense: { units: 9, activation: tanh, kernel_constraint: { max_norm: { max_value: 0.7 } } }
  - dense: { units: 5, activation: softmax, kernel_regularizer: orthogonal_regularizer }
loss: sparse_categorical_crossentropy
optimizer: ${optimizer}
${more}
`;
const ema = "use_ema: true, ema_momentum: 0.9, ema_overwrite_frequency: 3";
const warm =
  "{ cosine_decay: { initial_learning_rate: 0.001, decay_steps: 9, warmup_target: 0.02, warmup_steps: 3 } }";
const counted = "[precision, f1, auc, { sparse_top_k_categorical_accuracy: { k: 2 } }]";
const all = [
  images(
    `{ adam: { amsgrad: true, learning_rate: ${warm} } }`,
    `metrics: ${counted}\ntrain: { batch_size: 10, accumulate: 2 }`,
  ),
  ...optimizers.map((o) => images(`{ ${o.name}: { ${ema} } }`, "train: { batch_size: 10 }")),
];
/** Compiling for js takes long. */
const sampled: Readonly<Record<string, readonly string[]>> = { native: all, js: all.slice(0, 3) };

for (const backend of (await workingBackends()).filter((b) => b.name in sampled)) {
  test(`${backend.name}: optimizers, a schedule, averages, metrics as on the interpreter`, async () => {
    for (const spec of sampled[backend.name]!) {
      const [want, got] = await Promise.all([outcome(spec, reference), outcome(spec, backend)]);
      const optimizer = /optimizer: (.*)/.exec(spec)![1];
      const off = difference(got.weights, want.weights);
      assert.ok(off < 1e-4, `${optimizer}: weights off by ${off}`);
      for (const [name, value] of Object.entries(want.metrics))
        assertClose([got.metrics[name]!], [value], 1e-3, `${optimizer}: ${name}`);
    }
  });
}

async function outcome(spec: string, backend: typeof reference) {
  const session = await openSession(spec, backend);
  await trainSteps(session, 5);
  const result = {
    weights: flat(await session.finalWeights()),
    metrics: await session.metrics("train"),
  };
  await session.dispose();
  return result;
}

test("there is something to sample", () => {
  assert.ok(losses.length >= 15 && metrics.length >= 30 && optimizers.length === 13);
});

test.run();
