/** Weights whose first values are found in the training data: `normalization`. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import type { ProblemError } from "../../src/support/errors.ts";
import { checkModel } from "../../src/train/prepare.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { tinyImages, trainSteps } from "../support/sessions.ts";

const spec = (...layers: readonly string[]) => {
  const model = layers.map((l) => `\n  - ${l}`).join("");
  const text = `data: mnist\nmodel:${model}\nloss: sparse_categorical_crossentropy\ntrain: { batch_size: 7 }\n`;
  return resolveSpec(parseSpec(text, "test.yaml", "."));
};
const head = ["flatten", "dense: { units: 5, activation: softmax }"];
const bytes = (scale: number): Dataset => {
  const train = tinyImages(30);
  const values = Uint8Array.from({ length: 30 * 64 }, (_, i) => (i * 37 + (i % 8) * 5) % 256);
  return {
    train: { ...train, inputs: new Map([["x", { shape: [8, 8], values, scale }]]) },
    summary: "",
  };
};

/** Mean and biased variance of the elements that `where` chooses by their place in an example. */
function moments({ train }: Dataset, where: (i: number) => boolean) {
  const { values, scale = 1 } = train.inputs.get("x")!;
  const own = Array.from(values, (v) => v * scale).filter((_, i) => where(i % 64));
  const mean = own.reduce((a, b) => a + b, 0) / own.length;
  return { mean, variance: own.reduce((s, v) => s + (v - mean) ** 2, 0) / own.length };
}

const cases: readonly (readonly [string, number, (group: number) => (i: number) => boolean])[] = [
  ["normalization", 8, (g) => (i) => i % 8 === g],
  ["normalization: { axis: 1 }", 8, (g) => (i) => Math.floor(i / 8) === g],
  ["normalization: { axis: [1, 2] }", 64, (g) => (i) => i === g],
  ["normalization: { axis: null }", 1, () => () => true],
];
for (const [layer, groups, where] of cases) {
  test(`${layer}: mean and variance of the training data`, async () => {
    const dataset = bytes(1 / 255);
    const chosen = spec(layer, ...head);
    const plan = planRun(chosen, dataset);
    const weights = initialWeights(plan.weights, chosen.seed);
    const [mean, variance] = ["mean", "variance"].map((n) => weights.get(`normalization/${n}`)!);
    assert.is(mean!.length, groups);
    for (let g = 0; g < groups; g++) {
      const want = moments(dataset, where(g));
      assert.ok(Math.abs(mean![g]! - want.mean) < 1e-6, `mean ${g}`);
      assert.ok(Math.abs(variance![g]! - want.variance) < 1e-6, `variance ${g}`);
    }
    const session = await Session.open(plan, reference, weights);
    await trainSteps(session, 5);
    const after = await session.weights();
    assert.equal(after.get("normalization/mean"), mean, "training leaves them alone");
    assert.equal(after.get("normalization/variance"), variance, "training leaves them alone");
    await session.dispose();
  });
}

test("of every step by itself, under time_distributed", () => {
  const dataset = bytes(1 / 255);
  const weightsOf = (layer: string) =>
    initialWeights(planRun(spec(layer, ...head), dataset).weights, 1);
  const got = weightsOf("time_distributed: { layer: normalization }");
  const want = weightsOf("normalization");
  for (const name of ["mean", "variance"]) {
    assert.is(got.get(`time_distributed/${name}`)!.length, 8);
    assert.equal(got.get(`time_distributed/${name}`), want.get(`normalization/${name}`));
  }
});

test("the shape an input declares counts", () => {
  const chosen = spec("input: { shape: [8, 8, 1] }", "normalization", ...head);
  const plan = planRun(chosen, bytes(1));
  assert.equal(initialWeights(plan.weights, 1).get("normalization/mean")!.length, 1);
});

test("statistics of what a layer computes are refused, with place and fix", () => {
  const chosen = spec("dense: { units: 3 }", "normalization", ...head);
  try {
    checkModel(chosen, bytes(1).train);
  } catch (error) {
    const [problem] = (error as ProblemError).problems;
    assert.equal(problem!.path, ["model", 1]);
    assert.match(problem!.fix!, /right behind the input, or give it `mean` and `variance`/);
    return;
  }
  assert.unreachable();
});

test.run();
