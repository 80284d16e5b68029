/**
 * A graph with two inputs, two outputs, layers applied twice and a frozen one, for three steps against Keras:
 * shared weights get both gradients, shared statistics follow one application after the other.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { names } from "../../src/train/graphs.ts";
import { planRun, Session } from "../../src/train/session.ts";
import { assertClose, fixture, type Values } from "../support/keras.ts";
import { examples, samples } from "../support/training.ts";

interface Step {
  readonly data: Readonly<Record<"a" | "b" | "left" | "right", readonly number[]>>;
  readonly loss: number;
  readonly weights: Readonly<Record<string, Values>>;
}
interface Graphs {
  readonly weights: Readonly<Record<string, Values>>;
  readonly steps: readonly Step[];
}
const { weights, steps } = fixture<Graphs>("graphs");

const common = `
data: { csv: { path: none.csv, target: y } }
outputs: [left, right]
loss: { left: sparse_categorical_crossentropy, right: mse }
loss_weights: { right: 0.5 }
optimizer: { sgd: { learning_rate: 0.125 } }
train: { batch_size: 6, shuffle: false }
`;
const heads = `
  - dense: { units: 4, activation: tanh }
    name: frozen
    trainable: false
  - dense: { units: 3, activation: softmax }
    name: left
  - dense: { units: 1 }
    name: right
    from: frozen
`;
const inputs = `
  - input: { shape: [4] }
    name: a
  - input: { shape: [4] }
    name: b
`;
const tower = `
      - dense: { units: 3, activation: tanh, kernel_regularizer: { l2: { l2: 0.01 } } }
        name: shared
      - batch_normalization: { momentum: 0.8 }
        name: bn
`;

/** The same model, its shared part as layers and as a block; how Keras's names read there. */
const specs = {
  layers: {
    prefix: "",
    text: `${common}model:${inputs}
  - dense: { units: 3, activation: tanh, kernel_regularizer: { l2: { l2: 0.01 } } }
    name: shared
    from: a
  - batch_normalization: { momentum: 0.8 }
    name: bn
  - reuse: shared
    from: b
    name: second
  - reuse: bn
  - add:
    from: [bn, bn_again]
  - concatenate:
    from: [add, second]${heads}`,
  },
  block: {
    prefix: "tower/",
    text: `${common}blocks:
  tower:
    layers:${tower}
model:${inputs}
  - tower:
    from: a
  - reuse: tower
    name: other
    from: b
  - add:
    from: [tower, other]
  - concatenate:
    from: [add, other/shared]${heads}`,
  },
};

for (const [kind, { prefix, text }] of Object.entries(specs)) {
  const here = (name: string) => (/^(shared|bn)\//.test(name) ? prefix + name : name);
  test(`shared ${kind}: losses, weights and statistics as in Keras`, async () => {
    const all = (name: keyof Step["data"]) => steps.flatMap((s) => [...s.data[name]]);
    const data = examples(
      18,
      { a: samples(Float32Array.from(all("a")), 4), b: samples(Float32Array.from(all("b")), 4) },
      {
        left: samples(Int32Array.from(all("left"))),
        right: samples(Float32Array.from(all("right")), 1),
      },
    );
    const plan = planRun(resolveSpec(parseSpec(text, "t.yaml", ".")), { train: data, summary: "" });
    assert.equal(plan.weights.map((w) => w.name).sort(), Object.keys(weights).map(here).sort());
    const start = Object.entries(weights).map(
      ([name, { values }]) => [here(name), Float64Array.from(values)] as const,
    );
    const session = await Session.open(plan, reference, new Map(start));
    session.beginPass("train", 1);
    let before = 0;
    for (const [k, step] of steps.entries()) {
      await session.executable.run(names.procedure("train", "batch"), 1);
      const mean = (await session.metrics("train", ["loss"]))["loss"]!;
      assertClose([mean * (k + 1) - before], [step.loss], 1e-8, `loss of step ${k + 1}`);
      before = mean * (k + 1);
      for (const [name, want] of Object.entries(step.weights)) {
        const got = await session.executable.read(here(name));
        assertClose(got, want.values, 1e-8, `${name} after step ${k + 1}`);
      }
    }
    await session.dispose();
  });
}

test.run();
