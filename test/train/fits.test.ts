/** Whole runs against Keras's `fit`: the metrics of every epoch, and the weights that are left at the end. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { loadData } from "../../src/train/load.ts";
import { runTraining } from "../../src/train/run.ts";
import { RunFolder } from "../../src/train/run-folder.ts";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { inFolder } from "../data/helpers.ts";
import { assertClose, fixture, type Options, type Values } from "../support/keras.ts";

interface Fit {
  readonly name: string;
  readonly epochs?: number;
  readonly data?: Options;
  readonly callbacks?: readonly Options[];
  readonly optimizer: Options;
  readonly weights: Readonly<Record<string, Values>>;
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly after: Readonly<Record<string, readonly number[]>>;
}
const { batch, x, y, fits } = fixture<{ batch: number; x: Values; y: number[]; fits: Fit[] }>(
  "fits",
);
const table = y.map((label, i) => [...x.values.slice(4 * i, 4 * i + 4), label].join());
const model = [
  {
    dense: { units: 6, activation: "tanh", kernel_regularizer: { l2: { l2: 0.03125 } } },
    name: "hidden",
  },
  { batch_normalization: { momentum: 0.75 }, name: "norm" },
  { dense: { units: 3, activation: "softmax" }, name: "out" },
];

/** The events of its epochs, and the file of its weights. */
async function trained({ epochs = 3, data = {}, callbacks = [], optimizer, weights }: Fit) {
  const text = JSON.stringify({
    data: {
      source: { csv: { path: "t.csv", target: "y", features: ["a", "b", "c", "d"] } },
      ...data,
    },
    model,
    loss: "sparse_categorical_crossentropy",
    metrics: ["accuracy"],
    optimizer,
    callbacks,
    train: { epochs, batch_size: batch, shuffle: false },
  });
  return inFolder({ "t.csv": `a,b,c,d,y\n${table.join("\n")}\n` }, async (directory) => {
    const spec = resolveSpec(parseSpec(text, "spec.yaml", directory));
    const start = Object.entries(weights).map(
      ([name, { values }]) => [name, Float64Array.from(values)] as const,
    );
    const folder = RunFolder.create("fit", join(directory, "run"), true);
    const found: Options[] = [];
    try {
      const request = {
        spec,
        dataset: await loadData(spec),
        backend: reference,
        device: "",
        weights: new Map(start),
        folder,
        stopped: () => false,
      };
      for await (const event of runTraining(request))
        if (event.event === "epoch") found.push({ ...event });
    } finally {
      folder.close();
    }
    const file = join(directory, "run", "model.safetensors");
    return { epochs: found, left: decodeSafetensors(readFileSync(file), file) };
  });
}

for (const fit of fits) {
  test(`${fit.name}: as after Keras's fit`, async () => {
    const { epochs, left } = await trained(fit);
    for (const [metric, want] of Object.entries(fit.history)) {
      const got = epochs.map((epoch) => Number(epoch[metric]));
      assertClose(got, want, 1e-6, metric);
    }
    assert.equal([...left.keys()].sort(), Object.keys(fit.after).sort());
    for (const [name, want] of Object.entries(fit.after))
      assertClose(left.get(name)!.values, want, 1e-6, name);
  });
}

test.run();
