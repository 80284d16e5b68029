/** Every check of the doctor on a spec of which it must speak, and on one of which it must not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Verdict } from "../../src/doctor/finding.ts";
import { loadPlugins } from "../../src/plugin/load.ts";
import { classified, classifier, examined, examples, measured } from "./patients.ts";

const data = classified(400, 6);

/** A check says this of a spec, in words that match. */
function says(
  check: string,
  verdict: Verdict,
  words: RegExp,
  text: string,
  train = data,
  validation?: typeof data,
) {
  test(`${check}: ${verdict} ${words}`, async () => {
    const finding = await examined(check, text, train, validation);
    const all = [finding.found, ...(finding.details ?? []), finding.advice ?? ""].join("\n");
    assert.is(finding.verdict, verdict, all);
    assert.match(all, words);
    // Whoever finds a fault says what to do.
    assert.is(verdict === "warning" || verdict === "problem", finding.advice !== undefined);
  });
}

const regression = classifier
  .replace("units: 2, activation: softmax", "units: 1")
  .replace("sparse_categorical_crossentropy", "mse");
const withRate = (rate: number) => classifier.replace("0.01", `${rate}`);
const zeros = classifier.replaceAll(/units: (\d+)/g, "units: $1, kernel_initializer: zeros");

says("input ranges", "ok", /-0\.\d+ … 0\.\d+, mean/, classifier);
says(
  "input ranges",
  "warning",
  /deviation \d{3}.*[\s\S]*standardize: true/,
  classifier,
  classified(400, 6, 1, 2000),
);
says(
  "input ranges",
  "ok",
  /mean/,
  classifier.replace("model:", "model:\n  - rescaling: { scale: 0.0005 }"),
  classified(400, 6, 1, 2000),
);
says(
  "input ranges",
  "problem",
  /are no numbers/,
  classifier,
  examples(
    4,
    { shape: [2], values: Float32Array.of(1, 2, Number.NaN, 3, 4, 5, 6, 7) },
    {
      shape: [],
      values: Int32Array.of(0, 1, 0, 1),
    },
  ),
);
says(
  "input ranges",
  "skipped",
  /no layer with weights reads numbers/,
  `
data: mnist
model:
  - embedding: { input_dim: 3, output_dim: 4 }
  - flatten
  - dense: { units: 2, activation: softmax }
loss: sparse_categorical_crossentropy
optimizer: adam
`,
  examples(
    4,
    { shape: [2], values: Int32Array.of(0, 1, 2, 0, 1, 2, 0, 1) },
    {
      shape: [],
      values: Int32Array.of(0, 1, 0, 1),
    },
  ),
);

says("leakage", "ok", /none of 100 validation examples/, classifier, data, classified(100, 6, 2));
says(
  "leakage",
  "problem",
  /100 of 100 validation examples are training examples too \(100 %\)/,
  classifier,
  data,
  {
    ...data,
    count: 100,
  },
);
says("leakage", "warning", /with another target/, classifier, contradicted());
says(
  "leakage",
  "problem",
  /column 3 of x is the target y/,
  regression,
  measured(200, 6, (x) => x[3]!),
);
says(
  "leakage",
  "warning",
  /column 3 of x is but for scale the target/,
  regression,
  measured(200, 6, (x) => 5 - 2 * x[3]!),
);

says("gradients", "ok", /for 2 layers/, classifier);
says(
  "gradients",
  "skipped",
  /no weights that are trained/,
  classifier.replaceAll(/- dense: (.*)/g, "- dense: $1\n    trainable: false"),
);

says("initial loss", "ok", /every class alike costs 0\.6931/, classifier);
says("initial loss", "warning", /far from chance/, classifier, classified(400, 6, 1, 2000));
says(
  "initial loss",
  "ok",
  /the mean costs/,
  regression,
  measured(200, 6, (x) => x[0]! - x[1]!),
);
says(
  "initial loss",
  "warning",
  /far from the targets/,
  regression,
  measured(200, 6, (x) => 1000 + x[0]!),
);

says("one batch", "ok", /32 examples, learned by heart/, classifier);
says("one batch", "problem", /--set optimizer\.adam\.learning_rate=100/, withRate(1000));
says("one batch", "problem", /not learned by heart/, zeros);

says("gradient sizes", "ok", /mean gradients of 2 layers/, classifier);
says("gradient sizes", "problem", /no gradient reaches dense/, zeros);
says(
  "gradient sizes",
  "warning",
  /hardly any reaches dense/,
  classifier.replace(
    "  - dense: { units: 24, activation: relu }",
    "  - dense: { units: 24, activation: sigmoid }\n    repeat: 12",
  ),
);

says("dead units", "ok", /none|of 24 units/, classifier);
says(
  "dead units",
  "problem",
  /24 of 24 units are 0 for all of 200 examples/,
  classifier.replace(
    "activation: relu",
    "activation: relu, bias_initializer: { constant: { value: -100 } }",
  ),
);

/** Every example twice, with both classes. */
function contradicted() {
  const { inputs, targets } = classified(100, 6);
  const x = inputs.get("x")!.values as Float32Array;
  const y = targets.get("y")!.values as Int32Array;
  return examples(
    200,
    { shape: [6], values: Float32Array.of(...x, ...x) },
    { shape: [], values: Int32Array.of(...y, ...y.map((v) => 1 - v)) },
  );
}

test("gradients: a plug-in's op with a wrong gradient is found, and its layer named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nnc-doctor-"));
  try {
    const file = join(folder, "cube.ts");
    writeFileSync(file, cubeWithWrongGradient);
    await loadPlugins([file]);
    const finding = await examined(
      "gradients",
      classifier.replace("  - dense: { units: 2,", "  - wrong_cube\n  - dense: { units: 2,"),
      data,
    );
    assert.is(finding.verdict, "problem");
    assert.match(finding.found, /^the gradient of wrong_cube is not that of what it computes$/);
    assert.match(finding.details!.join(), /along the weights of dense the loss changes by/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const cubeWithWrongGradient = `
import { call, defineLayer, defineOp, sizeOf, type Tensor } from "nnc/plugin";
const cube = defineOp<object>({
  name: "cube",
  infer: ([x]) => x!,
  lower([x], at) {
    const v = x!(at);
    return call("mul", v, call("mul", v, v));
  },
  grad: (dy) => [dy],
  reads: (y) => [sizeOf(y.type.shape)],
  work: () => 2,
});
export const wrong = defineLayer({
  name: "wrong_cube",
  doc: "The third power, with the gradient of something else.",
  takes: "one",
  options: {},
  build: ([x]) => cube([x as Tensor], {}),
});
`;

test.run();
