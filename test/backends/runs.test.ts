/**
 * Runs to their end on every backend that works here, against the interpreter: the last, smaller batch of an
 * epoch, several inputs and outputs, metrics, and data too large for indices in single precision.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Dataset, Examples } from "../../src/data/dataset.ts";
import { variable } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { take } from "../../src/ops/take.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { workingBackends } from "../support/backends.ts";
import { tinyImages } from "../support/sessions.ts";
import { dyadics, examples, follow, samples } from "../support/training.ts";

/** Of the largest value of a weight. In fact 1e-6, and 1e-5 where AdamW divides a gradient near zero by itself. */
const tolerance = 1e-4;

interface Case {
  readonly data: Examples;
  readonly text: string;
  /** OpenGL has no integers, so no dropout. */
  readonly dropout?: boolean;
}

/** Five steps, the third of them the last of an epoch: 23 examples in batches of 10 leave 3. */
const train = "train: { epochs: 2, batch_size: 10, steps: 5 }";
const classes = `
loss: { sparse_categorical_crossentropy: { from_logits: true } }
metrics: [accuracy]
${train}`;

const cases: Readonly<Record<string, Case>> = {
  dropout: {
    data: tinyImages(23),
    dropout: true,
    text: `
model:
  - flatten
  - dense: { units: 24, activation: relu }
  - dropout: { rate: 0.3 }
  - dense: { units: 17, activation: tanh }
  - dense: { units: 5 }
optimizer: adam
${classes}`,
  },
  "adamw, clipnorm, l2": {
    data: tinyImages(23),
    text: `
model:
  - flatten
  - dense: { units: 19, activation: selu, kernel_regularizer: l2, bias_regularizer: { l2: { l2: 0.1 } } }
  - dense: { units: 5, kernel_regularizer: { l2: { l2: 0.001 } } }
optimizer: { adamw: { learning_rate: 0.01, clipnorm: 0.1 } }
${classes}`,
  },
  "pooling of what is computed twice": {
    data: tinyImages(23),
    text: `
model:
  - input: { shape: [8, 8, 1] }
  - conv2d: { filters: 5, kernel_size: 3, activation: tanh }
  - max_pooling2d
  - flatten
  - dense: { units: 5 }
optimizer: { rmsprop: { learning_rate: 0.01 } }
${classes}`,
  },
  "two inputs, three outputs": {
    data: examples(
      23,
      { left: samples(dyadics(1, 23 * 4), 4), right: samples(dyadics(2, 23 * 6), 2, 3) },
      {
        kind: samples(Int32Array.from({ length: 23 }, (_, i) => (i * 5) % 3)),
        size: samples(dyadics(3, 23), 1),
        form: samples(dyadics(4, 23 * 2), 2),
      },
    ),
    text: `
model:
  - { input: { shape: [4] }, name: left }
  - { dense: { units: 9, activation: gelu }, name: shared }
  - { dense: { units: 3 }, name: kind }
  - { dense: { units: 1 }, name: size, from: shared }
  - { input: { shape: [2, 3] }, name: right }
  - flatten
  - { dense: { units: 2, activation: sigmoid }, name: form }
outputs: [kind, size, form]
loss: { kind: { sparse_categorical_crossentropy: { from_logits: true } }, size: huber, form: mse }
loss_weights: { size: 0.5 }
metrics: { kind: [accuracy], size: [mae] }
optimizer: { sgd: { learning_rate: 0.05, momentum: 0.9, nesterov: true } }
${train}`,
  },
};

/** Trains to the end: the weights, and the metrics of the last epoch. */
async function outcome({ text, data }: Case, backend: Backend) {
  const source = `data: { csv: { path: none.csv, target: y } }\n${text}`;
  const spec = resolveSpec(parseSpec(source, "test.yaml", "."));
  const dataset: Dataset = { train: data, summary: "" };
  const plan = planRun(spec, dataset);
  const session = await Session.open(plan, backend, initialWeights(plan.weights, spec.seed));
  const { epochs, end } = await follow(session);
  const weights = await session.weights();
  await session.dispose();
  const { seconds: _, ...last } = epochs.at(-1)!;
  const metrics = Object.entries(last).filter(([, value]) => typeof value === "number");
  assert.is(end.steps, 5);
  return { weights, metrics: new Map(metrics as [string, number][]) };
}

/** The largest difference between two arrays, relative to the largest value of the first. */
function difference(want: Float32Array, got: Float32Array): number {
  const scale = Math.max(1e-3, ...want.map(Math.abs));
  return Math.max(...want.map((w, i) => Math.abs(w - got[i]!))) / scale;
}

async function compare(which: Case, backend: Backend): Promise<void> {
  const [want, got] = [await outcome(which, reference), await outcome(which, backend)];
  for (const [name, values] of want.weights) {
    const error = difference(values, got.weights.get(name)!);
    if (process.env["NNC_ERRORS"]) console.log(`${backend.name} ${name} ${error.toExponential(1)}`);
    assert.ok(error < tolerance, `${name}: relative error ${error}`);
  }
  for (const [metric, value] of want.metrics) {
    const error = Math.abs(value - got.metrics.get(metric)!);
    assert.ok(error < tolerance * Math.max(1, value), `${metric}: ${error}`);
  }
}

/**
 * Row r of the data holds r mod 128 plus 0, ¼, ½, ¾. From row 2²² on, an index computed in single precision
 * would miss its column.
 */
async function takeFromLargeData(backend: Backend): Promise<void> {
  const [rows, columns] = [2 ** 22 + 5, 4];
  const element = (row: number, column: number) => (row % 128) + column / columns;
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) values[i] = element(Math.floor(i / columns), i % columns);
  const wanted = Int32Array.of(rows - 1, 3, rows - 2, 2 ** 22 + 1);
  const data = { kind: "data", dtype: "f32" } as const;
  const x = variable({ ...data, name: "x", constant: true, shape: [rows, columns] });
  const indices = variable({ ...data, name: "i", shape: [wanted.length], dtype: "i32" });
  const out = variable({ name: "out", shape: [wanted.length, columns] });
  const updates = [{ variable: out, value: take(x, indices) }];
  const program = compile([{ name: "take", updates }], backend.traits);
  const exe = await backend.compile(program, new Map([["x", values]]), {});
  exe.write("i", wanted);
  await exe.run("take", 1);
  const got = [...(await exe.read("out"))];
  await exe.dispose();
  assert.equal(
    got,
    [...wanted].flatMap((row) => [0, 1, 2, 3].map((column) => element(row, column))),
  );
}

for (const backend of await workingBackends()) {
  const { name } = backend;
  for (const [title, which] of Object.entries(cases)) {
    if (name === "headlessgl" && which.dropout) continue;
    test(`${name} trains as the interpreter does: ${title}`, () => compare(which, backend));
  }
  if (name !== "headlessgl")
    test(`${name} finds its place among more than 2²⁴ elements`, () => takeFromLargeData(backend));
}

test.run();
