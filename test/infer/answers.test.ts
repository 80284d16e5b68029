/** What predictions are read as: classes with probabilities, one of two, or numbers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { answersOf, type Known } from "../../src/infer/answers.ts";
import { planFor } from "../../src/infer/size.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";

const specOf = (layer: string, loss: string) =>
  resolveSpec(
    parseSpec(`data: mnist\nmodel:\n  - ${layer}\nloss: ${loss}\n`, "test.yaml", process.cwd()),
  );
const inputs = new Map([["x", { shape: [4], values: new Float32Array(0) }]]);

function answers(layer: string, loss: string, values: readonly number[], known: Known = {}) {
  const spec = specOf(layer, loss);
  const plan = planFor(spec, inputs, 1);
  const [output] = spec.outputs;
  const type = plan.outputs.get(output!.layer)!;
  const prediction = { shape: type.shape, values: Float32Array.from(values) };
  return answersOf(output!, type, prediction, known);
}
const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test("a softmax tells classes apart; without names they are numbered", () => {
  const layer = "dense: { units: 3, activation: softmax }";
  const loss = "sparse_categorical_crossentropy";
  const [ranking] = answers(layer, loss, [0.2, 0.5, 0.3]).rankings(0);
  assert.equal(
    ranking!.map((r) => r.class),
    ["1", "2", "0"],
  );
  close(ranking![0]!.share, 0.5);
  const named = answers(layer, loss, [0.2, 0.5, 0.3], { classes: ["a", "b", "c"] });
  assert.is(named.rankings(0)[0]![0]!.class, "b");
});

test("logits become the probabilities that the loss sees in them, each example by itself", () => {
  const loss = "{ sparse_categorical_crossentropy: { from_logits: true } }";
  const found = answers("dense: { units: 2 }", loss, [1000, 1001, 0, 0]);
  close(found.values(0)[1]!, Math.E / (1 + Math.E));
  close(found.values(1)[0]!, 0.5);
  // The loss takes the logits behind a softmax whatever the option says.
  const squashed = "dense: { units: 2, activation: softmax }";
  close(answers(squashed, loss, [0.25, 0.75]).values(0)[0]!, 0.25);
  const binary = "{ binary_crossentropy: { from_logits: true } }";
  close(answers("dense: { units: 1 }", binary, [0]).values(0)[0]!, 0.5);
});

test("one sigmoid decides between two classes", () => {
  const layer = "dense: { units: 1, activation: sigmoid }";
  const known = { classes: ["no", "yes"] };
  const found = answers(layer, "binary_crossentropy", [0.9, 0.2], known);
  assert.equal(
    [0, 1].map((i) => found.rankings(i)[0]![0]!.class),
    ["yes", "no"],
  );
  close(found.rankings(1)[0]![0]!.share, 0.8);
});

test("numbers stay numbers; classes by squared errors have scores", () => {
  const numbers = answers("dense: { units: 2 }", "mse", [1, 2], { columns: ["height", "width"] });
  assert.equal(numbers.reading, { kind: "numbers", names: ["height", "width"] });
  assert.equal(numbers.rankings(0), []);
  const scores = answers("dense: { units: 2 }", "mse", [1.5, -2], { classes: ["a", "b"] });
  assert.ok(scores.reading.kind === "classes" && scores.reading.measure === "score");
});

test("a tagger has an answer at every place", () => {
  const layers = "reshape: { target_shape: [2, 2] }\n  - softmax";
  const found = answers(layers, "sparse_categorical_crossentropy", [0.1, 0.9, 0.7, 0.3]);
  assert.equal(found.sites, [2]);
  assert.equal(
    found.rankings(0).map((r) => r[0]!.class),
    ["1", "0"],
  );
});

test("batches are powers of two, so that programs are found in the cache", () => {
  const spec = specOf("dense: { units: 1 }", "mse");
  const sizes = [1, 2, 3, 100, 256, 1237].map((n) => planFor(spec, inputs, n).sizes);
  assert.equal(sizes, [[1], [2], [4], [128], [256], [256]]);
});

test.run();
