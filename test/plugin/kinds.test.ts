/** A plug-in with a definition of each kind, used by one training whose numbers are known. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { inFolder, nnc } from "../cli/helpers.ts";

const plugin = `
import * as nnc from "nnc/plugin";
import { z } from "zod";
import { three } from "./three.js";

const { op } = nnc;
export const activation = nnc.defineActivation({
  name: "times",
  doc: "y = by·x",
  options: { by: z.number().default(2) },
  apply: (x, { by }) => op.mul(x, by),
});
export const layer = nnc.defineLayer({
  name: "plus", doc: "y = x + by", options: { by: z.number() }, takes: "one",
  build: ([x], { by }) => op.add(x, by),
});
export const initializer = nnc.defineInitializer({
  name: "sevens", doc: "All 7", options: {},
  fill: (shape) => new Float32Array(nnc.sizeOf(shape)).fill(7),
});
export const regularizer = nnc.defineRegularizer({
  name: "hundred", doc: "100", options: {}, penalty: (w) => op.fill(100, []),
});
export const constraint = nnc.defineConstraint({
  name: "at_most", doc: "min(w, most)", options: { most: z.number() },
  apply: (w, { most }) => op.minimum(w, most),
});
export const optimizer = nnc.defineOptimizer({
  name: "rise", doc: "w + lr", options: { ...nnc.optimizerOptions(0.1) },
  slots: () => ({}),
  update: ({ w }, _, { rate }) => ({ w: op.add(w, rate), slots: {} }),
});
export const schedule = nnc.defineSchedule({
  name: "always", doc: "rate", options: { rate: z.number() }, rate: (step, { rate }) => op.fill(rate, []),
});
export const loss = nnc.defineLoss({
  name: "nothing", doc: "0", options: {}, targets: "values",
  perSample: (y, p) => nnc.lastMean(op.mul(p, 0)),
});
export const metric = nnc.defineMetric({
  name: "three_a_row", doc: "3", options: {}, targets: nnc.asValues,
  sums: (y) => ({ rows: op.fill(three * y.type.shape[0], []) }),
  finish: ({ rows }, _, samples) => rows[0] / samples,
});
export const mean = nnc.defineMean({
  name: "mean_prediction", doc: "mean ŷ", options: {}, values: (y, p) => nnc.lastMean(p),
});
export const callback = nnc.defineCallback({
  name: "stop_after", doc: "Ends", options: { epochs: z.int() }, begin: { seen: 0 },
  epochEnd: (_, { seen }, { epochs }) => ({
    memory: { seen: seen + 1 },
    actions: seen + 1 === epochs ? [{ action: "stop", why: "enough of it" }] : [],
  }),
});
export default nnc.defineSource({
  name: "ones", doc: "x = 1, y = 0", options: { count: z.int() },
  async load({ count }) {
    const samples = (value) => ({ shape: [1], values: new Float32Array(count).fill(value) });
    const train = { count, inputs: new Map([["x", samples(1)]]), targets: new Map([["y", samples(0)]]) };
    return { train, summary: "ones" };
  },
});
`;
const spec = `name: all
data: { ones: { count: 4 } }
model:
  - dense: { units: 1, use_bias: false, kernel_initializer: sevens, kernel_regularizer: hundred, kernel_constraint: { at_most: { most: 8.25 } }, activation: { times: { by: 3 } } }
  - times
  - raised: { height: 0.5 }
blocks:
  raised: { parameters: { height: 0 }, layers: [{ plus: { by: $height } }] }
loss: nothing
optimizer: { rise: { learning_rate: { always: { rate: 0.5 } } } }
metrics: [three_a_row, mean_prediction, nothing]
callbacks: [{ stop_after: { epochs: 2 } }]
train: { epochs: 5, batch_size: 2 }
`;

test("each kind of definition is used as nnc's own are", () =>
  inFolder(
    async (cwd) => {
      const args = ["train", "all.yaml", "--plugin", "all.js", "--backend", "js", "--json"];
      const { code, stdout, stderr } = await nnc(args, { cwd });
      assert.is(code, 0, stderr);
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const epochs = events.filter((e) => e.event === "epoch");
      assert.is(epochs.length, 2, "the callback ended it");
      assert.is(events.find((e) => e.event === "end").reason, "finished");
      // Two steps an epoch, each half more; predictions are made before a step: w·3·2 + 0.5
      const [{ loss, three_a_row, mean_prediction, nothing }] = epochs;
      assert.equal([loss, three_a_row, nothing], [100, 3, 0]);
      assert.is(mean_prediction, (7 + 7.5) * 0.5 * 6 + 0.5);
      const weights = decodeSafetensors(
        readFileSync(join(cwd, "runs/all/1/model.safetensors")),
        "",
      );
      assert.equal([...weights.get("dense/kernel")!.values], [8.25], "held by the constraint");
    },
    { "all.js": plugin, "three.js": "export const three = 3;", "all.yaml": spec },
  ));

test("options of a plug-in are checked like all others", () =>
  inFolder(
    async (cwd) => {
      writeFileSync(
        join(cwd, "bad.yaml"),
        spec.replace("raised: { height: 0.5 }", "plus: { bye: 1 }"),
      );
      const { code, stderr } = await nnc(["validate", "bad.yaml", "--plugin", "all.js"], { cwd });
      assert.is(code, 2);
      assert.match(stderr, /unknown option "bye" of layer plus\n {2}--> bad\.yaml:6:13/);
      assert.match(stderr, /did you mean `by`\?/);
    },
    { "all.js": plugin, "three.js": "export const three = 3;", "all.yaml": spec },
  ));

test.run();
