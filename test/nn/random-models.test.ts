/**
 * Models trained by nnc and by Keras from the same weights. Those that were drawn at random have any layers of the
 * catalogue in one graph, with any loss and optimizer, and make three steps; those made by hand are of kinds that chance
 * does not come to. The losses of the steps agree, the metrics, all weights after them, and their moving averages.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Dataset, Samples } from "../../src/data/dataset.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { names } from "../../src/train/graphs.ts";
import { planRun, Session } from "../../src/train/session.ts";
import { assertClose, fixture, type Options, type Values } from "../support/keras.ts";
import { trainedModels } from "../support/parity.ts";

interface RandomModelRecord {
  readonly layer: string;
  readonly spec: Options;
  readonly batch: number;
  /** The batches of all steps, one after the other. */
  readonly inputs: Readonly<Record<string, Values>>;
  readonly targets: Readonly<Record<string, Values>>;
  /** How much each example counts. */
  readonly counts?: Values;
  readonly weights: Readonly<Record<string, Values>>;
  readonly losses: readonly number[];
  /** The metrics after each step. */
  readonly reports?: readonly Readonly<Record<string, number>>[];
  readonly after: Readonly<Record<string, readonly number[]>>;
  /** What the weights are on average, where the optimizer keeps that. */
  readonly averages?: Readonly<Record<string, readonly number[]>>;
  /** For what Keras computes in single precision. */
  readonly tolerance?: number;
}

/** Drawn numbers are whole numbers of 1024ths: so they lose nothing, as they would in single precision. */
function samples({ shape: [, ...shape], values }: Values): Samples {
  if (values.every(Number.isInteger)) return { shape, values: Int32Array.from(values) };
  const scaled = Int32Array.from(values, (v) => 1024 * v);
  assert.ok(
    values.every((v, i) => v === scaled[i]! / 1024),
    "whole numbers of 1024ths",
  );
  return { shape, values: scaled, scale: 1 / 1024 };
}
const all = (named: Readonly<Record<string, Values>>) =>
  new Map(Object.entries(named).map(([name, values]) => [name, samples(values)]));

function open({ spec, batch, inputs, targets, counts, weights, losses }: RandomModelRecord) {
  const text = JSON.stringify({
    data: { csv: { path: "none.csv", target: "y" } },
    ...spec,
    train: { batch_size: batch, epochs: 1, shuffle: false },
  });
  const count = losses.length * batch;
  const train = {
    count,
    inputs: all(inputs),
    targets: all(targets),
    ...(counts ? { weights: samples(counts) } : {}),
  };
  const dataset: Dataset = { train, summary: "" };
  const plan = planRun(resolveSpec(parseSpec(text, "model.yaml", ".")), dataset);
  assert.equal(plan.weights.map((w) => w.name).sort(), Object.keys(weights).sort());
  const start = Object.entries(weights).map(
    ([name, { values }]) => [name, Float64Array.from(values)] as const,
  );
  return Session.open(plan, reference, new Map(start));
}

const records = ["random_models", "whole_models"].flatMap((file) =>
  fixture<RandomModelRecord[]>(file),
);
for (const [k, record] of records.entries()) {
  test(`${k}, with ${record.layer}: ${record.losses.length} steps as in Keras`, async () => {
    const tolerance = record.tolerance ?? trainedModels.tolerance;
    const session = await open(record);
    session.beginPass("train", 1);
    let before = 0;
    for (const [i, want] of record.losses.entries()) {
      await session.executable.run(names.procedure("train", "batch"), 1);
      const total = (await session.metrics("train", ["loss"]))["loss"]! * (i + 1);
      assertClose([total - before], [want], tolerance, `loss of step ${i + 1}`);
      before = total;
      const report = record.reports?.[i] ?? {};
      const metrics = await session.metrics("train", Object.keys(report));
      for (const [name, value] of Object.entries(report))
        assertClose([metrics[name]!], [value], tolerance, `${name} after step ${i + 1}`);
    }
    for (const [name, want] of Object.entries(record.after))
      assertClose(await session.executable.read(name), want, tolerance, name);
    const final = await session.finalWeights();
    for (const [name, want] of Object.entries(record.averages ?? {}))
      assertClose(final.get(name)!, want, tolerance, `the average of ${name}`);
    await session.dispose();
  });
}

test.run();
