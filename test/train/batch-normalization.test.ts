/** Weights that a layer keeps itself: changed by training steps alone, and by no optimizer. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Examples } from "../../src/data/dataset.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { names } from "../../src/train/graphs.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { random } from "../support/evaluate.ts";

const text = `
name: test
data: { csv: { path: none.csv, target: y } }
model:
  - batch_normalization: { momentum: 0.9 }
  - dense: { units: 1, use_bias: false }
loss: mse
optimizer: { adam: { weight_decay: 0.1 } }
train: { epochs: 1, batch_size: 4, shuffle: false }
`;
const features = 3;
const examples = (count: number, seed: number): Examples => {
  const r = random(seed);
  const values = (n: number) => Float32Array.from(r.array(n, 1, 4));
  return {
    count,
    inputs: new Map([["x", { shape: [features], values: values(count * features) }]]),
    targets: new Map([["y", { shape: [1], values: values(count) }]]),
  };
};
/** Mean and biased variance of each feature of some rows. */
function moments(x: Float32Array) {
  const column = (f: number) => [...x].filter((_, i) => i % features === f);
  const mean = (a: readonly number[]) => a.reduce((s, v) => s + v, 0) / a.length;
  return [...Array(features).keys()].map((f) => {
    const a = column(f);
    const centre = mean(a);
    return { centre, variance: mean(a.map((v) => (v - centre) ** 2)) };
  });
}

test("moving statistics follow every training batch, the last smaller one too", async () => {
  const spec = resolveSpec(parseSpec(text, "test.yaml", "."));
  const dataset = { train: examples(6, 1), validation: examples(5, 2), summary: "" };
  const plan = planRun(spec, dataset);
  const session = await Session.open(plan, reference, initialWeights(plan.weights, 1));
  const read = async (name: string) => [...(await session.weights()).get(name)!];
  session.beginPass("train", 1);
  const rows = dataset.train.inputs.get("x")!.values as Float32Array;
  const expected = Array.from({ length: features }, () => ({ centre: 0, variance: 1 }));
  for (const [part, from, to] of [["batch", 0, 4] as const, ["rest", 4, 6] as const]) {
    await session.executable.run(names.procedure("train", part), 1);
    for (const [f, m] of moments(rows.slice(from * features, to * features)).entries()) {
      expected[f]!.centre = 0.9 * expected[f]!.centre + 0.1 * m.centre;
      expected[f]!.variance = 0.9 * expected[f]!.variance + 0.1 * m.variance;
    }
    const [mean, variance] = [
      await read("batch_normalization/moving_mean"),
      await read("batch_normalization/moving_variance"),
    ];
    for (const [f, e] of expected.entries()) {
      assert.ok(Math.abs(mean[f]! - e.centre) < 1e-6, `mean after ${part}`);
      assert.ok(Math.abs(variance[f]! - e.variance) < 1e-6, `variance after ${part}`);
    }
  }
  const before = await session.weights();
  session.beginPass("validation", 1);
  await session.executable.run(names.procedure("validation", "batch"), 1);
  assert.equal(await session.weights(), before, "evaluation changes nothing");
  await session.dispose();
});

test("no optimizer slot for what is not trained", () => {
  const spec = resolveSpec(parseSpec(text, "test.yaml", "."));
  const plan = planRun(spec, { train: examples(6, 1), summary: "" });
  const states = [...plan.train.graphs.states.keys()].filter((s) => s.includes("moving"));
  assert.equal(states, []);
  const trained = plan.weights.filter((w) => w.trainable).map((w) => w.name);
  assert.equal(trained, ["batch_normalization/gamma", "batch_normalization/beta", "dense/kernel"]);
});

test.run();
