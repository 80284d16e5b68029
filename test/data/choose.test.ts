/** Inputs and targets made of a source's arrays. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Chosen, chooseArrays } from "../../src/data/choose.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { examples, samples } from "../support/training.ts";

const pixels = { ...samples(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8), 3), scale: 0.5 };
const dataset: Dataset = {
  train: examples(3, { x: pixels }, { y: samples(Int32Array.of(2, 0, 1)) }),
  validation: examples(
    1,
    { x: samples(Float32Array.of(7, 8, 9), 3) },
    { y: samples(Int32Array.of(1)) },
  ),
  classes: ["a", "b", "c"],
  summary: "three",
};

test("other names, columns in any order, classes joined, an input as its own target; both parts", () => {
  const { train, validation, classes, summary } = chooseArrays(dataset, {
    inputs: { all: "x", some: { x: { columns: [2, 0] } } },
    targets: { back: "x", odd: { y: { classes: [0, 1, 0] } }, same: { y: {} } },
  });
  assert.equal(train.inputs.get("all"), pixels);
  const some = train.inputs.get("some")!;
  assert.equal([[...some.values], some.shape, some.scale], [[2, 0, 5, 3, 8, 6], [2], 0.5]);
  assert.instance(some.values, Uint8Array);
  assert.equal(train.targets.get("back"), pixels);
  assert.equal([...train.targets.get("odd")!.values], [0, 0, 1]);
  assert.equal([...train.targets.get("same")!.values], [2, 0, 1]);
  assert.equal([...validation!.inputs.get("some")!.values], [9, 7]);
  assert.equal([...validation!.targets.get("odd")!.values], [1]);
  assert.equal([classes, summary], [undefined, "three"]);
});

test("what is not chosen stays as it is", () => {
  assert.is(chooseArrays(dataset, {}), dataset);
  const { train, classes } = chooseArrays(dataset, { inputs: { image: "x" } });
  assert.equal([[...train.inputs.keys()], [...train.targets.keys()]], [["image"], ["y"]]);
  assert.equal(classes, ["a", "b", "c"]);
});

const problems: readonly (readonly [string, Chosen, string, RegExp])[] = [
  ["an unknown array", { targets: { t: "z" } }, "targets.t", /no array "z"/],
  ["an unknown array with options", { inputs: { t: { z: {} } } }, "inputs.t.z", /one of x, y/],
  [
    "a column too far",
    { inputs: { i: { x: { columns: [0, 3] } } } },
    "inputs.i.x.columns.1",
    /0 to 2/,
  ],
  [
    "columns of labels",
    { targets: { t: { y: { columns: [0] } } } },
    "targets.t.y.columns",
    /one number/,
  ],
  [
    "a class without entry",
    { targets: { t: { y: { classes: [0, 1] } } } },
    "targets.t.y.classes",
    /from 0 to 1/,
  ],
  [
    "classes of scaled numbers",
    { targets: { t: { x: { classes: [0] } } } },
    "targets.t.x.classes",
    /no classes/,
  ],
];
for (const [name, chosen, path, says] of problems) {
  test(name, () => {
    try {
      chooseArrays(dataset, chosen);
    } catch (error) {
      assert.instance(error, ProblemError);
      const [problem] = (error as ProblemError).problems;
      assert.is(problem!.path.join("."), path);
      assert.match(Object.values(problem!).join(" "), says);
      return;
    }
    assert.unreachable("nothing was found wrong");
  });
}

test.run();
