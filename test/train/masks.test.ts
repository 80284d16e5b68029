/** Padding does not count in a run: loss and metrics of batches of unequal numbers of steps, against plain JavaScript. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../support/evaluate.ts";
import { assertClose } from "../support/keras.ts";
import { exactWeights, examples, follow, open, samples } from "../support/training.ts";

const [count, time, words, classes, batch] = [5, 4, 6, 3, 2];
const r = random(3);
const lengths = [4, 1, 0, 2, 3];
const x = Int32Array.from({ length: count * time }, (_, i) =>
  i % time < lengths[Math.floor(i / time)]! ? r.int(1, words - 1) : 0,
);
const y = Int32Array.from({ length: count * time }, () => r.int(0, classes - 1));
const data = examples(count, { x: samples(x, time) }, { y: samples(y, time) });
const spec = (loss: string) => `
model:
  - embedding: { input_dim: ${words}, output_dim: ${classes}, mask_zero: true }
  - activation: { function: softmax }
loss: ${loss}
metrics: [accuracy, sparse_categorical_crossentropy]
optimizer: { sgd: { learning_rate: 0.5 } }
train: { epochs: 1, batch_size: ${batch}, shuffle: false }
`;

interface Step {
  readonly loss: number;
  readonly hit: number;
}
/** The steps of an example that are there. */
function present(table: Float64Array, row: number): Step[] {
  const places = Array.from({ length: time }, (_, t) => row * time + t);
  return places.flatMap((i): Step[] => {
    if (x[i] === 0) return [];
    const logits = [...table.slice(x[i]! * classes, (x[i]! + 1) * classes)];
    const total = Math.log(logits.reduce((s, v) => s + Math.exp(v), 0));
    const hit = logits.indexOf(Math.max(...logits)) === y[i] ? 1 : 0;
    return [{ loss: total - logits[y[i]!]!, hit }];
  });
}
const sum = (a: readonly number[]) => a.reduce((s, v) => s + v, 0);

for (const reduction of ["mean", "sum"]) {
  test(`loss (${reduction}) and metrics of what is there`, async () => {
    const loss = `{ sparse_categorical_crossentropy: { reduction: ${reduction} } }`;
    const session = await open(spec(loss), data, { validation: data });
    const { epochs } = await follow(session);
    const table = (await exactWeights(session)).get("embedding/embeddings")!;
    const batches = [[0, 1], [2, 3], [4]].map((rows) => rows.flatMap((row) => present(table, row)));
    // Batches count by their examples, however many steps these have.
    const losses = batches.map((steps, k) => {
      const total = sum(steps.map((s) => s.loss));
      return [2, 2, 1][k]! * (reduction === "sum" ? total : total / steps.length);
    });
    const all = batches.flat();
    const want = [
      sum(losses) / count,
      sum(all.map((s) => s.hit)) / all.length,
      sum(all.map((s) => s.loss)) / all.length,
    ];
    const names = ["val_loss", "val_accuracy", "val_sparse_categorical_crossentropy"];
    const got = names.map((name) => epochs[0]![name] as number);
    assertClose(got, want, 1e-6, "loss and metrics");
    await session.dispose();
  });
}

test("what stands for padding is not trained", async () => {
  const session = await open(spec("sparse_categorical_crossentropy"), data);
  const before = (await exactWeights(session)).get("embedding/embeddings")!;
  await follow(session);
  const after = (await exactWeights(session)).get("embedding/embeddings")!;
  assert.equal(after.slice(0, classes), before.slice(0, classes), "row 0");
  assert.not.equal(after, before);
  await session.dispose();
});

test.run();
