/**
 * Whole models against Keras: the spec is parsed, planned and run like any other, from Keras's first weights,
 * for three steps. The loss of every step and all weights after it agree.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Dataset, Samples } from "../../src/data/dataset.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec, type Spec } from "../../src/spec/spec.ts";
import { names } from "../../src/train/graphs.ts";
import { planRun, Session } from "../../src/train/session.ts";
import { assertClose, fixture, type Options, type Values } from "../support/keras.ts";

interface Named {
  readonly name: string;
  readonly options: Options;
}
interface Step {
  readonly x: Values;
  readonly y: Values;
  readonly loss: number;
  readonly weights: Readonly<Record<string, Values>>;
}
interface ModelRecord {
  readonly name: string;
  readonly layers: readonly (Options & {
    readonly type: string;
    readonly name?: string;
    readonly from?: readonly string[];
  })[];
  readonly loss: Named;
  readonly optimizer: Named;
  readonly weights: Readonly<Record<string, Values>>;
  readonly steps: readonly Step[];
}
const records = ["models", "masked_models", "recurrent_models"].flatMap((file) =>
  fixture<ModelRecord[]>(file),
);

/** The spec of a record, as text; JSON is YAML. */
function specText({ layers, loss, optimizer, steps }: ModelRecord): string {
  const model = layers.map(({ type, name, from, ...options }) => ({
    [type]: options,
    ...(name === undefined ? {} : { name }),
    ...(from === undefined ? {} : { from }),
  }));
  const train = { batch_size: steps[0]!.x.shape[0], epochs: 1, shuffle: false };
  return `
data: { csv: { path: none.csv, target: y } }
model: ${JSON.stringify(model)}
loss: ${JSON.stringify({ [loss.name]: loss.options })}
optimizer: ${JSON.stringify({ [optimizer.name]: optimizer.options })}
train: ${JSON.stringify(train)}
`;
}

/**
 * The batches of all steps, one after the other. The fixtures' data have four decimals: as whole numbers of
 * ten thousandths they lose nothing, which they would in single precision.
 */
function together(batches: readonly Values[]): Samples {
  const [, ...shape] = batches[0]!.shape;
  const values = batches.flatMap((b) => b.values);
  if (values.every(Number.isInteger)) return { shape, values: Int32Array.from(values) };
  const scaled = Int32Array.from(values, (v) => Math.round(1e4 * v));
  assert.ok(
    values.every((v, i) => Math.abs(1e4 * v - scaled[i]!) < 1e-6),
    "four decimals",
  );
  return { shape, values: scaled, scale: 1e-4 };
}

function datasetOf({ steps }: ModelRecord): Dataset {
  const count = steps.length * steps[0]!.x.shape[0]!;
  const inputs = new Map([["x", together(steps.map((s) => s.x))]]);
  const targets = new Map([["y", together(steps.map((s) => s.y))]]);
  return { train: { count, inputs, targets }, summary: "" };
}

function openRecord(record: ModelRecord): Promise<Session> {
  const spec: Spec = resolveSpec(parseSpec(specText(record), "model.yaml", "."));
  const plan = planRun(spec, datasetOf(record));
  assert.equal(plan.weights.map((w) => w.name).sort(), Object.keys(record.weights).sort());
  for (const w of plan.weights) assert.equal(w.shape, record.weights[w.name]!.shape, w.name);
  const start = Object.entries(record.weights).map(
    ([name, { values }]) => [name, Float64Array.from(values)] as const,
  );
  return Session.open(plan, reference, new Map(start));
}

for (const record of records) {
  test(`${record.name}: ${record.steps.length} steps as in Keras`, async () => {
    const session = await openRecord(record);
    session.beginPass("train", 1);
    let before = 0;
    for (const [k, step] of record.steps.entries()) {
      await session.executable.run(names.procedure("train", "batch"), 1);
      const mean = (await session.metrics("train", ["loss"]))["loss"]!;
      const loss = mean * (k + 1) - before;
      before = mean * (k + 1);
      assertClose([loss], [step.loss], 1e-8, `loss of step ${k + 1}`);
      for (const [name, want] of Object.entries(step.weights)) {
        const got = await session.executable.read(name);
        assertClose(got, want.values, 1e-8, `${name} after step ${k + 1}`);
      }
    }
    await session.dispose();
  });
}

test("the records cover every kind of problem", () => {
  const losses = new Set(records.map((r) => r.loss.name));
  const optimizers = new Set(records.map((r) => r.optimizer.name));
  assert.is(records.length, 13);
  assert.ok(losses.size >= 3 && optimizers.size >= 3, `${[...losses]}, ${[...optimizers]}`);
});

test.run();
