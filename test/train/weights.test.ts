/** Weights of examples and of classes against Keras: losses, metrics and weights of two epochs, with a rest batch. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { sources } from "../../src/data/sources/index.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import type { EpochEvent } from "../../src/train/events.ts";
import { loadData } from "../../src/train/load.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { planRun, Session } from "../../src/train/session.ts";
import { inFolder } from "../data/helpers.ts";
import { fixture } from "../support/keras.ts";

interface Run {
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly kernel: readonly number[];
}
interface Fixture {
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
  readonly w: readonly number[];
  readonly kernel: readonly number[];
  readonly class_weight: Readonly<Record<string, number>>;
  readonly by_sample: Run;
  readonly by_sample_split: Run;
  readonly by_class_split: Run;
}
const keras = fixture<Fixture>("weights");

/** Trains as the fixture's script does. @param data options beside the source, and of it */
async function train(data: object, source: object): Promise<Run> {
  const rows = keras.x.map((x, i) => [...x, keras.w[i], keras.y[i]].join());
  const files = { "t.csv": `a,b,c,w,y\n${rows.join("\n")}\n` };
  const options = { path: "t.csv", target: "y", features: ["a", "b", "c"], ...source };
  const text = `
data: ${JSON.stringify({ source: { csv: options }, ...data })}
model: [{ dense: { units: 3, activation: softmax } }]
loss: sparse_categorical_crossentropy
optimizer: { sgd: { learning_rate: 0.5 } }
metrics: [accuracy]
train: { epochs: 2, batch_size: 5, shuffle: false }
`;
  return inFolder(files, async (folder) => {
    const spec = resolveSpec(parseSpec(text, "spec.yaml", folder));
    const plan = planRun(spec, await loadData(spec));
    const start = new Map([
      ["dense/kernel", Float64Array.from(keras.kernel)],
      ["dense/bias", new Float64Array(3)],
    ]);
    const session = await Session.open(plan, reference, start);
    const epochs: EpochEvent[] = [];
    for await (const e of trainLoop(session, { ending: () => undefined, run: "" })) {
      if (e.event === "epoch") epochs.push(e);
    }
    const history: Record<string, number[]> = {};
    for (const key of Object.keys(epochs[0]!))
      history[key] = epochs.map((e) => Number(e[key as "epoch"]));
    const kernel = [...(await session.weights()).get("dense/kernel")!];
    await session.dispose();
    return { history, kernel };
  });
}

function assertSame(found: Run, expected: Run): void {
  for (const [metric, values] of Object.entries(expected.history)) {
    values.forEach((value, i) => {
      const got = found.history[metric]?.[i];
      assert.ok(
        Math.abs(got! - value) < 1e-5,
        `${metric} of epoch ${i + 1}: ${got}, Keras ${value}`,
      );
    });
  }
  expected.kernel.forEach((value, i) => {
    assert.ok(Math.abs(found.kernel[i]! - value) < 1e-5, `kernel ${i}`);
  });
}

test("sample weights", async () => {
  assertSame(await train({}, { sample_weight: "w" }), keras.by_sample);
});

test("sample weights count in validation too", async () => {
  const found = await train({ validation_split: 0.25 }, { sample_weight: "w" });
  assertSame(found, keras.by_sample_split);
});

test("class weights count in training only", async () => {
  const { class_weight } = keras;
  assertSame(await train({ validation_split: 0.25, class_weight }, {}), keras.by_class_split);
});

test("a source's options are told apart from those of the data", () => {
  for (const { name, options } of sources)
    for (const option of ["shuffle", "stratify", "class_weight", "validation_split"])
      assert.not.ok(option in options, `${name} has ${option}`);
});

test.run();
