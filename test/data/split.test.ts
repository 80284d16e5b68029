import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Examples } from "../../src/data/dataset.ts";
import { foldSplit, takeFirst, validationSplit } from "../../src/data/split.ts";
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

test("k-fold: every example validates once, and both parts keep the order", () => {
  const next = random(7);
  for (let trial = 0; trial < 60; trial++) {
    const folds = 2 + Math.floor(next() * 6);
    const n = folds + Math.floor(next() * 60);
    const labels =
      trial % 2 === 0 ? undefined : Array.from({ length: n }, () => Math.floor(next() * 3));
    const seen: number[] = [];
    for (let fold = 1; fold <= folds; fold++) {
      const parts = foldSplit(examples(n), { folds, fold }, labels);
      const rows = (part: Examples) => {
        const own = [...part.targets.get("y")!.values];
        assert.is(own.length, part.count);
        assert.equal(
          [...part.inputs.get("x")!.values.filter((_, i) => i % 6 === 0)],
          own.map((y) => 6 * y),
        );
        return own;
      };
      const [train, validation] = [rows(parts.train), rows(parts.validation)];
      for (const own of [train, validation])
        assert.equal(
          own,
          [...own].sort((a, b) => a - b),
        );
      assert.equal(
        [...train, ...validation].sort((a, b) => a - b),
        Array.from({ length: n }, (_, i) => i),
      );
      for (const label of labels ? [0, 1, 2] : []) {
        const all = labels!.filter((l) => l === label).length;
        const own = validation.filter((row) => labels![row] === label).length;
        assert.ok(Math.abs(own - all / folds) < 1, "classes are shared evenly");
      }
      seen.push(...validation);
    }
    assert.equal(
      seen.sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i),
    );
  }
});

test("k-fold as in scikit-learn: the first parts have one example more", () => {
  const counts = [1, 2, 3, 4].map(
    (fold) => foldSplit(examples(10), { folds: 4, fold }).validation.count,
  );
  assert.equal(counts, [3, 3, 2, 2]);
});

test.run();
