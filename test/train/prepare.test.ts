/** Outputs that do not fit their targets: the advice is what makes the spec run. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { checkModel } from "../../src/train/prepare.ts";
import { tinyImages } from "../support/sessions.ts";

const check = (loss: string, ...layers: string[]) => {
  const model = layers.map((l) => `\n  - ${l}`).join("");
  const text = `data: mnist\nmodel:${model}\nloss: ${loss}\n`;
  checkModel(resolveSpec(parseSpec(text, "test.yaml", ".")), tinyImages(20));
};

test("images that are not flattened: flatten is what is missing", () => {
  const dense = "dense: { units: 5, activation: softmax }";
  for (const loss of ["sparse_categorical_crossentropy", "categorical_crossentropy", "mse"]) {
    try {
      check(loss, dense);
    } catch (error) {
      assert.instance(error, ProblemError);
      assert.match((error as ProblemError).problems[0]!.fix!, /`flatten` before layer dense/);
      continue;
    }
    assert.unreachable(loss);
  }
  check("sparse_categorical_crossentropy", "flatten", dense);
});

test("labels that do not count need no output of their own", () => {
  const images = tinyImages(20);
  const labels = Int32Array.from({ length: 20 }, (_, i) => (i % 4) - 1);
  const targets = new Map([["y", { shape: [], values: labels }]]);
  const checkWith = (loss: string) => {
    const layer = "dense: { units: 3, activation: softmax }";
    const text = `data: mnist\nmodel:\n  - flatten\n  - ${layer}\nloss: ${loss}\n`;
    checkModel(resolveSpec(parseSpec(text, "test.yaml", ".")), { ...images, targets });
  };
  checkWith("{ sparse_categorical_crossentropy: { ignore_class: -1 } }");
  assert.throws(() => checkWith("sparse_categorical_crossentropy"), /class numbers do not fit/);
});

test.run();
