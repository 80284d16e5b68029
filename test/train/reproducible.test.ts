/** Same spec and seed, same bits; another seed, others. Shuffling, limits, and how a run ends. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { names } from "../../src/train/graphs.ts";
import { dyadics, exactWeights, examples, follow, open, samples } from "../support/training.ts";

const count = 50;
const labels = Int32Array.from({ length: count }, (_, i) => (i * 7) % 3);
const rows = examples(count, { x: samples(dyadics(3, count * 6), 2, 3) }, { y: samples(labels) });
const text = (seed: number, train = "{ epochs: 3, batch_size: 8 }") => `
seed: ${seed}
model:
  - flatten
  - dense: { units: 7, activation: gelu, kernel_initializer: orthogonal }
  - dropout: { rate: 0.4 }
  - batch_normalization
  - dense: { units: 3, activation: softmax }
loss: sparse_categorical_crossentropy
metrics: [accuracy]
optimizer: { adam: { global_clipnorm: 0.5 } }
train: ${train}
`;
/** Everything a run leaves, but for times. */
async function runOf(spec: string) {
  const session = await open(spec, rows, { validation: rows });
  const { epochs, end } = await follow(session);
  const result = {
    weights: await exactWeights(session),
    epochs: epochs.map(({ seconds: _, ...rest }) => rest),
    steps: end.steps,
    reason: end.reason,
  };
  await session.dispose();
  return result;
}

test("two runs are equal to the last bit; another seed gives another run", async () => {
  const first = await runOf(text(1));
  assert.is(first.epochs.length, 3);
  assert.equal(await runOf(text(1)), first);
  const other = await runOf(text(2));
  for (const [name, values] of first.weights)
    assert.not.equal(other.weights.get(name), values, name);
});

test("an order is a permutation: another one every epoch, and for every seed", async () => {
  const orders = new Set<string>();
  for (const seed of [0, 1, 2, 0xffffffff]) {
    const session = await open(text(seed), rows);
    for (let epoch = 1; epoch <= 4; epoch++) {
      session.beginPass("train", epoch);
      const order = [...(await session.executable.read(names.order))];
      assert.equal(
        [...order].sort((a, b) => a - b),
        order.map((_, i) => i),
      );
      orders.add(order.join());
    }
    await session.dispose();
  }
  assert.is(orders.size, 16);
});

test("every place of the order is as likely for every row", async () => {
  const session = await open(text(5), rows);
  const places = new Float64Array(count);
  const epochs = 400;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    session.beginPass("train", epoch);
    const order = await session.executable.read(names.order);
    for (const [place, row] of order.entries()) places[row]! += place / epochs;
  }
  // A place is uniform on 0 … 49: mean 24.5, variance (50² − 1)/12.
  const deviation = Math.sqrt((count ** 2 - 1) / 12 / epochs);
  for (const [row, mean] of places.entries())
    assert.ok(Math.abs(mean - (count - 1) / 2) < 4.5 * deviation, `row ${row}: ${mean}`);
  await session.dispose();
});

test("weights to begin with depend on seed and name alone, not on other layers", async () => {
  const session = await open(text(1), rows);
  const more = "  - dense: { units: 7 }\n    name: more\n  - dropout";
  const deeper = await open(text(1).replace("  - dropout", more), rows);
  const [few, many] = [await exactWeights(session), await exactWeights(deeper)];
  assert.ok(many.has("more/kernel"));
  for (const [name, values] of few) assert.equal(many.get(name), values, name);
  await session.dispose();
  await deeper.dispose();
});

test("a limit of steps ends the run in the middle of an epoch", async () => {
  const { steps, epochs, reason } = await runOf(text(1, "{ epochs: 3, batch_size: 8, steps: 9 }"));
  assert.is(steps, 9);
  assert.is(epochs.length, 2);
  assert.is(reason, "finished");
});

test("an interruption ends the run after the portion under way", async () => {
  const session = await open(text(1), rows);
  const { end, epochs } = await follow(session, (portions) => portions >= 3);
  assert.is(end.reason, "interrupted");
  assert.is(epochs.length, 1);
  assert.ok(end.steps > 7 && end.steps <= 14, `${end.steps}`);
  await session.dispose();
});

test("a loss that is no number ends the run, and the message names the weights", async () => {
  const spec = `
model: [{ dense: { units: 1 } }]
loss: mse
optimizer: { sgd: { learning_rate: 1.0e+200 } }
train: { epochs: 9, batch_size: 5 }
`;
  const data = examples(5, { x: samples(dyadics(1, 10), 2) }, { y: samples(dyadics(2, 5), 1) });
  const session = await open(spec, data);
  const { end } = await follow(session);
  assert.is(end.reason, "diverged");
  assert.match(end.message!, /no longer a finite number in epoch \d.*dense\/kernel/);
  await session.dispose();
});

test.run();
