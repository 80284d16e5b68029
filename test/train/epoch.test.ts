/** An epoch of a linear model against a few lines of plain JavaScript: batches, the last smaller one, means. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Values } from "../../src/ir/program.ts";
import { names } from "../../src/train/graphs.ts";
import { assertClose, fixture, type Values as Tensor } from "../support/keras.ts";
import { dyadics, exactWeights, examples, follow, open, samples } from "../support/training.ts";

const features = 2;
interface Linear {
  w: number[];
  b: number;
}
interface Rows {
  readonly x: Float32Array;
  readonly y: Float32Array;
}
const predict = ({ w, b }: Linear, { x }: Rows, row: number) =>
  w.reduce((s, wk, k) => s + wk * x[row * features + k]!, b);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Sums over rows of squared and absolute error. */
function errors(model: Linear, rows: Rows, order: readonly number[]) {
  const e = order.map((row) => predict(model, rows, row) - rows.y[row]!);
  return {
    squared: e.reduce((s, v) => s + v * v, 0),
    absolute: e.reduce((s, v) => s + Math.abs(v), 0),
  };
}

/** One step of gradient descent on mean squared error plus l2·Σw². */
function step(model: Linear, rows: Rows, order: readonly number[], rate: number, l2: number) {
  const e = order.map((row) => predict(model, rows, row) - rows.y[row]!);
  const mean = (a: readonly number[]) => a.reduce((s, v) => s + v, 0) / order.length;
  const dw = model.w.map(
    (wk, k) => mean(order.map((row, i) => 2 * e[i]! * rows.x[row * features + k]!)) + 2 * l2 * wk,
  );
  return {
    w: model.w.map((wk, k) => wk - rate * dw[k]!),
    b: model.b - rate * mean(e.map((v) => 2 * v)),
  };
}

/** Batches in the given order; the loss of each is that before its step, weighted by its rows. */
function epochByHand(start: Linear, rows: Rows, order: readonly number[], how: How) {
  let model = start;
  const total = { loss: 0, mae: 0 };
  for (let at = 0; at < order.length; at += how.batch) {
    const part = order.slice(at, at + how.batch);
    const { squared, absolute } = errors(model, rows, part);
    const penalty = how.l2 * model.w.reduce((s, v) => s + v * v, 0);
    total.loss += squared + penalty * part.length;
    total.mae += absolute;
    model = step(model, rows, part, how.rate, how.l2);
  }
  return { model, loss: total.loss / order.length, mae: total.mae / order.length };
}
interface How {
  readonly batch: number;
  readonly rate: number;
  readonly l2: number;
}

const text = ({ batch, rate, l2 }: How, epochs: number, shuffle: boolean) => `
model:
  - dense: { units: 1, kernel_regularizer: { l2: { l2: ${l2} } } }
loss: mse
metrics: [mae]
optimizer: { sgd: { learning_rate: ${rate} } }
train: { epochs: ${epochs}, batch_size: ${batch}, shuffle: ${shuffle} }
`;
const draw = (count: number, seed: number): Rows => ({
  x: dyadics(seed, count * features),
  y: dyadics(seed + 1, count, -4, 4),
});
const data = ({ x, y }: Rows) =>
  examples(y.length, { x: samples(x, features) }, { y: samples(y, 1) });
const start: Linear = { w: [0.5, -0.25], b: 0.125 };
const weights: ReadonlyMap<string, Values> = new Map([
  ["dense/kernel", Float64Array.from(start.w)],
  ["dense/bias", Float64Array.of(start.b)],
]);

const sizes: readonly (readonly [count: number, batch: number])[] = [
  [7, 3],
  [6, 3],
  [5, 32],
  [1, 1],
  [1, 4],
  [40, 1],
  [83, 10],
];
for (const [count, batch] of sizes) {
  for (const shuffle of [false, true]) {
    test(`${count} rows in batches of ${batch}${shuffle ? ", shuffled" : ""}`, async () => {
      const how = { batch, rate: 1 / 16, l2: 1 / 8 };
      const rows = draw(count, count);
      const validation = draw(9, 77);
      const more = { validation: data(validation), weights };
      const session = await open(text(how, 3, shuffle), data(rows), more);
      const { epochs, end } = await follow(session);
      assert.is(end.reason, "finished");
      assert.is(end.steps, 3 * Math.ceil(count / batch));
      const seen = await session.executable.read(names.samples("train"));
      assert.equal([...seen], [count], "every row was seen once");
      let model = start;
      for (const epoch of epochs) {
        const order = shuffle ? await orderOf(session, epoch.epoch) : range(0, count);
        const want = epochByHand(model, rows, order, how);
        ({ model } = want);
        const held = evaluated(model, validation, how);
        const got = ["loss", "mae", "val_loss", "val_mae"].map((m) => epoch[m] as number);
        const all = [want.loss, want.mae, held.loss, held.mae];
        assertClose(got, all, 1e-11, `loss and metrics of epoch ${epoch.epoch}`);
      }
      const trained = await exactWeights(session);
      assertClose(trained.get("dense/kernel")!, model.w, 1e-11, "kernel at the end");
      assertClose(trained.get("dense/bias")!, [model.b], 1e-11, "bias at the end");
      await session.dispose();
    });
  }
}

/** Loss and mean absolute error on all rows at once, nothing being trained. */
function evaluated(model: Linear, rows: Rows, { l2 }: How) {
  const count = rows.y.length;
  const { squared, absolute } = errors(model, rows, range(0, count));
  const penalty = l2 * model.w.reduce((s, v) => s + v * v, 0);
  return { loss: squared / count + penalty, mae: absolute / count };
}

/** The order in which an epoch goes through the rows, as the backend was given it. */
async function orderOf(session: Awaited<ReturnType<typeof open>>, epoch: number) {
  const { executable } = session;
  session.beginPass("train", epoch);
  return [...(await executable.read(names.order))];
}

test("validation in more than one batch", async () => {
  const how = { batch: 4, rate: 1 / 16, l2: 1 / 8 };
  const [rows, validation] = [draw(8, 1), draw(1003, 2)];
  const session = await open(text(how, 1, false), data(rows), {
    validation: data(validation),
    weights,
  });
  const { epochs, progress } = await follow(session);
  const { model } = epochByHand(start, rows, range(0, 8), how);
  const held = evaluated(model, validation, how);
  const got = [epochs[0]!["val_loss"], epochs[0]!["val_mae"]] as number[];
  assertClose(got, [held.loss, held.mae], 1e-11, "means");
  assert.ok(progress.some((p) => p.validating && p.step === p.steps && p.steps === 3));
  await session.dispose();
});

/** What Keras says of batches of 3, 3 and 1 rows; the kernel is all ones, its penalty 0.04. */
test("the mean over batches of 3, 3 and 1 rows as in Keras", async () => {
  type Fact = { question: string; x: Tensor; y: Tensor } & Record<string, number>;
  const fact = fixture<Fact[]>("facts").find((f) =>
    f.question.startsWith("mean of the loss over batches of 3, 3 and 1"),
  )!;
  const rows = examples(
    7,
    { x: samples(Float32Array.from(fact.x.values), 2) },
    { y: samples(Float32Array.from(fact.y.values), 2) },
  );
  const session = await open(
    `
model: [{ dense: { units: 2, use_bias: false, kernel_initializer: ones, kernel_regularizer: l2 } }]
loss: mse
metrics: [mae]
optimizer: { sgd: { learning_rate: 0 } }
train: { batch_size: 3, shuffle: false }
`,
    rows,
    { validation: rows },
  );
  const [epoch] = (await follow(session)).epochs;
  const got = ["loss", "val_loss", "mae"].map((name) => epoch![name] as number);
  const want = ["fit_loss", "val_loss", "fit_mae"].map((name) => fact[name]!);
  assertClose(got, want, 1e-6, "loss, val_loss, mae");
  await session.dispose();
});

test.run();
