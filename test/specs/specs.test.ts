/**
 * Every bundled spec: checked, trained, and held to its `expect` where that takes seconds. The long ones train
 * a little here, enough to see the loss fall, and completely with NNC_FULL=1.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { chooseBackend } from "../../src/backends/index.ts";
import type { AnySamples, Dataset, Examples } from "../../src/data/dataset.ts";
import { takeFirst } from "../../src/data/split.ts";
import { readSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import type { EpochEvent } from "../../src/train/events.ts";
import { loadData } from "../../src/train/load.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { checkModel } from "../../src/train/prepare.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";

const folder = fileURLToPath(new URL("../../../specs", import.meta.url));
const full = process.env["NNC_FULL"] === "1";

/** How each spec is tried: to its end, or on the first examples with some options changed. */
const trials: Readonly<Record<string, "whole" | { examples: number; set: readonly string[] }>> = {
  "autoencoder.yaml": { examples: 2000, set: ["train.epochs=2"] },
  "linear.yaml": "whole",
  "mlp-numpy.yaml": "whole",
  "mlp.yaml": { examples: 3000, set: ["train.epochs=2"] },
  "multi-output.yaml": { examples: 2000, set: ["train.epochs=2"] },
  "mlp-tf.yaml": { examples: 2000, set: ["train.epochs=2"] },
  "cnn.yaml": { examples: 60, set: ["train.epochs=3", "train.batch_size=10"] },
  "cnn-tf.yaml": { examples: 60, set: ["train.epochs=3", "train.batch_size=10"] },
  "resnet.yaml": { examples: 40, set: ["train.epochs=3", "train.batch_size=10"] },
  "rnn-many-to-one.yaml": { examples: 300, set: ["train.epochs=3", "train.batch_size=20"] },
  "rnn-deep.yaml": { examples: 300, set: ["train.epochs=3", "train.batch_size=20"] },
  "rnn-many-to-many.yaml": { examples: 300, set: ["train.epochs=3", "train.batch_size=20"] },
  "transformer.yaml": { examples: 300, set: ["train.epochs=3", "train.batch_size=20"] },
  "rnn-bidirectional.yaml": { examples: 300, set: ["train.epochs=3", "train.batch_size=20"] },
};

const firstOf = (examples: Examples<AnySamples>, count: number): Examples<AnySamples> =>
  takeFirst(examples, Math.min(count, examples.count));

/** Trains on all of the data, or on the first examples only. */
async function train(file: string, overrides: readonly string[], limit?: number) {
  const spec = resolveSpec(readSpec(`${folder}/${file}`, overrides));
  const whole = await loadData(spec);
  const dataset: Dataset<AnySamples> =
    limit === undefined
      ? whole
      : {
          ...whole,
          train: firstOf(whole.train, limit),
          ...(whole.validation ? { validation: firstOf(whole.validation, 100) } : {}),
        };
  checkModel(spec, dataset.train);
  const plan = planRun(spec, dataset);
  const { backend } = await chooseBackend("auto");
  const session = await Session.open(plan, backend, initialWeights(plan.weights, spec.seed));
  const epochs: EpochEvent[] = [];
  for await (const e of trainLoop(session, { ending: () => undefined, run: "" })) {
    if (e.event === "epoch") epochs.push(e);
  }
  await session.dispose();
  return { epochs };
}

test("every bundled spec is tried here", () => {
  const files = readdirSync(folder).filter((f) => f.endsWith(".yaml"));
  assert.equal(files.sort(), Object.keys(trials).sort());
});

for (const [file, trial] of Object.entries(trials)) {
  if (trial === "whole" || full) {
    test(`${file} keeps what it expects`, async () => {
      const { epochs } = await train(file, []);
      const spec = resolveSpec(readSpec(`${folder}/${file}`));
      const { judge } = await import("../../src/spec/expectation.ts");
      const last = Object.fromEntries(
        Object.entries(epochs.at(-1)!).filter(([, v]) => typeof v === "number"),
      ) as Record<string, number>;
      const verdicts = judge(spec.expect, last);
      assert.ok(verdicts.length > 0, "a spec expects something");
      assert.equal(
        verdicts.filter((v) => !v.ok),
        [],
      );
    });
  } else {
    test(`${file} learns`, async () => {
      const { epochs } = await train(file, trial.set, trial.examples);
      const [first, last] = [epochs[0]!["loss"] as number, epochs.at(-1)!["loss"] as number];
      assert.ok(last < first, `loss ${first} then ${last}`);
    });
  }
}

test.run();
