/** `trainable: false`: weights that stay as they are, statistics and all. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { openSession, trainSteps } from "../support/sessions.ts";
import { dyadics, examples, open, samples } from "../support/training.ts";

const text = `
data: mnist
model:
  - flatten
  - dense: { units: 6, kernel_regularizer: l2 }
    trainable: false
  - batch_normalization:
    trainable: false
  - dense: { units: 5, activation: softmax }
loss: sparse_categorical_crossentropy
optimizer: { adam: { weight_decay: 0.1 } }
train: { batch_size: 7 }
`;

test("frozen layers keep their weights and have no slots; the others learn", async () => {
  const session = await openSession(text, reference);
  const before = await session.weights();
  await trainSteps(session, 5);
  for (const [name, values] of await session.weights()) {
    const same = values.join() === before.get(name)!.join();
    assert.is(same, !name.startsWith("dense_1/"), name);
  }
  const { train } = session.plan;
  assert.equal(
    [...train.graphs.states.keys()].filter((s) => /dense\/|batch_normalization\//.test(s)),
    [],
  );
  const trained = session.plan.weights.filter((w) => w.trainable).map((w) => w.name);
  assert.equal(trained, ["dense_1/kernel", "dense_1/bias"]);
  await session.dispose();
});

test("a frozen layer is not penalised", async () => {
  const loss = async (spec: string) => {
    const session = await openSession(spec, reference);
    await trainSteps(session, 1);
    const { loss: found } = await session.metrics("train", ["loss"]);
    await session.dispose();
    return found!;
  };
  const [frozen, plain, free] = await Promise.all([
    loss(text),
    loss(text.replace(", kernel_regularizer: l2", "")),
    loss(text.replaceAll("    trainable: false\n", "")),
  ]);
  assert.is(frozen, plain);
  assert.ok(free > frozen);
});

const stack = (loss: string, layers: string) => `
model:
${layers}
loss: ${loss}
optimizer: { sgd: { learning_rate: 0.25, global_clipnorm: 1 } }
train: { batch_size: 4, shuffle: false }
`;
const data = examples(
  4,
  { x: samples(dyadics(1, 8), 2) },
  { y: samples(Float32Array.of(1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1), 3) },
);

test("data and frozen weights that nothing depends on are in no program, and stay", async () => {
  const layers = `
  - dense: { units: 2 }
    trainable: false
  - rescaling: { scale: 0 }
  - dense: { units: 3, activation: softmax }`;
  // Smoothed so far, labels say nothing.
  const smoothed = "{ categorical_crossentropy: { label_smoothing: 1 } }";
  for (const loss of ["categorical_crossentropy", smoothed]) {
    const session = await open(stack(loss, layers), data);
    const before = await session.weights();
    await trainSteps(session, 2);
    const after = await session.weights();
    assert.equal(after.get("dense/kernel"), before.get("dense/kernel"));
    assert.is(after.get("dense_1/bias")!.every(Number.isFinite), true);
    await session.dispose();
  }
});

test("gradients may be clipped where there are none", async () => {
  const layers = `
  - dense: { units: 3, activation: softmax }
    trainable: false`;
  const session = await open(stack("mse", layers), data);
  const before = await session.weights();
  await trainSteps(session, 2);
  assert.equal(await session.weights(), before);
  await session.dispose();
});

test.run();
