import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Examples } from "../../src/data/dataset.ts";
import { takeFirst, validationSplit } from "../../src/data/split.ts";
import { assertProblem, problemsOf, random } from "./helpers.ts";

/** n examples: x of shape [2, 3], counting up; y its number. */
function examples(n: number): Examples {
  const x = Float32Array.from({ length: n * 6 }, (_, i) => i);
  const y = Int32Array.from({ length: n }, (_, i) => i);
  return {
    count: n,
    inputs: new Map([["x", { shape: [2, 3], values: x, scale: 0.5 }]]),
    targets: new Map([["y", { shape: [], values: y }]]),
  };
}

test("the last part validates, in order, without copying", () => {
  const all = examples(10);
  const { train, validation } = validationSplit(all, 0.2);
  assert.is(train.count, 8);
  assert.is(validation.count, 2);
  const x = validation.inputs.get("x")!;
  assert.equal([...x.values], [48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  assert.equal(x.shape, [2, 3]);
  assert.is(x.scale, 0.5);
  assert.equal([...validation.targets.get("y")!.values], [8, 9]);
  assert.is(x.values.buffer, all.inputs.get("x")!.values.buffer);
});

test("the training part has ⌊n·(1 − fraction)⌋ examples, as in Keras", () => {
  const next = random(3);
  for (let i = 0; i < 200; i++) {
    const n = 2 + Math.floor(next() * 500);
    const fraction = next();
    const kept = Math.floor(n * (1 - fraction));
    if (kept === 0 || kept === n) continue;
    const { train, validation } = validationSplit(examples(n), fraction);
    assert.is(train.count, kept);
    assert.is(train.count + validation.count, n);
    assert.is(train.targets.get("y")!.values.at(-1), kept - 1);
    assert.is(validation.targets.get("y")!.values[0], kept);
  }
});

for (const [n, fraction, says] of [
  [1, 0.5, "none to train on"],
  [3, 0.9, "none to train on"],
  [10, 1, "none to train on"],
  [10, 0, "none to validate with"],
  [10, Number.NaN, "none to validate with"],
] as const) {
  test(`an empty part is an error: ${fraction} of ${n}`, async () => {
    const problems = await problemsOf(() => validationSplit(examples(n), fraction));
    assertProblem(problems, { at: "validation_split", says: [says, `${fraction} of ${n}`] });
  });
}

test("takeFirst takes the first, or all", () => {
  const all = examples(5);
  const two = takeFirst(all, 2);
  assert.is(two.count, 2);
  assert.is(two.inputs.get("x")!.values.length, 12);
  assert.equal([...two.targets.get("y")!.values], [0, 1]);
  assert.is(takeFirst(all, 9), all);
});

test.run();
