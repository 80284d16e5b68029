/** Predictions: the folded program against the plain forward pass, batches, weights, and what is left in a step. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Samples } from "../../src/data/dataset.ts";
import { forwardGraph, names } from "../../src/infer/graphs.ts";
import {
  compilePrediction,
  openPredictor,
  type Prediction,
  Predictor,
  planPrediction,
} from "../../src/infer/predictor.ts";
import { printProcedure } from "../../src/ir/print.ts";
import type { Backend, Values } from "../../src/ir/program.ts";
import type { Spec } from "../../src/spec/spec.ts";
import { random } from "../support/evaluate.ts";
import { randomLayers, randomSamples, randomWeights, specOf } from "./models.ts";

type Inputs = ReadonlyMap<string, Samples>;
type Weights = ReadonlyMap<string, Values>;
const inputsOf = (x: Samples): Inputs => new Map([["x", x]]);

/** The forward pass as validation computes it, in double precision: nothing folded, nothing prepared. */
async function plainForward(spec: Spec, weights: Weights, inputs: Inputs, count: number) {
  const { graph, outputs } = forwardGraph(spec, inputs, count);
  const program = compile([graph], reference.traits);
  const exe = await reference.compile(program, new Map(), {});
  for (const { name } of program.variables) {
    if (weights.has(name)) exe.write(name, weights.get(name)!);
  }
  for (const [name, { values }] of inputs) exe.write(names.input(count, name), values);
  await exe.run(graph.name, 1);
  const result = new Map<string, Float64Array>();
  for (const layer of outputs.keys()) {
    result.set(layer, Float64Array.from(await exe.read(names.output(count, layer))));
  }
  await exe.dispose();
  return result;
}

/** The largest difference, relative to the largest value. */
function largestError(
  want: ReadonlyMap<string, Float64Array>,
  got: ReadonlyMap<string, Prediction>,
): number {
  assert.equal([...got.keys()], [...want.keys()]);
  const errors = [...want].map(([layer, values]) => {
    const { values: own } = got.get(layer)!;
    assert.is(own.length, values.length);
    const scale = Math.max(...values.map(Math.abs), 1e-3);
    return Math.max(...values.map((v, i) => Math.abs(v - own[i]!))) / scale;
  });
  return Math.max(...errors);
}

async function workingOf(...wanted: readonly string[]): Promise<readonly Backend[]> {
  const loaded = await Promise.all(wanted.map(loadBackend));
  const probes = await Promise.all(loaded.map((b) => b.probe()));
  return loaded.filter((b, i) => {
    if (!probes[i]!.ok) console.log(`skipped: ${b.name} does not work here`);
    return probes[i]!.ok;
  });
}
const compiled = await workingOf("native", "js", "webasm");

async function checkModel(backend: Backend, seed: number): Promise<void> {
  const r = random(seed);
  const spec = specOf(randomLayers(r));
  const count = r.int(1, 23);
  const inputs = inputsOf(randomSamples(r, count, r.pick([true, false])));
  const plan = planPrediction(spec, { inputs, batch: 5, ...r.pick([{}, { count }]) });
  const weights = randomWeights(plan.weights, seed);
  const predictor = await Predictor.open(plan, backend, weights);
  const got = await predictor.predict(inputs, count);
  await predictor.dispose();
  const error = largestError(await plainForward(spec, weights, inputs, count), got);
  const layers = spec.model.layers.map((l) => l.layer.definition.name).join(", ");
  assert.ok(error < 1e-5, `seed ${seed}, ${count} examples of ${layers}: error ${error}`);
}

test("reference: random models predict what the plain forward pass gives", async () => {
  for (let seed = 1; seed <= 30; seed++) await checkModel(reference, seed);
});
for (const backend of compiled) {
  test(`${backend.name}: random models predict what the plain forward pass gives`, async () => {
    for (let seed = 1; seed <= 6; seed++) await checkModel(backend, seed);
  });
}

const convolution = (activation: string, ...more: string[]) => [
  "input: { shape: [7, 6, 4] }",
  "conv2d: { filters: 5, kernel_size: 3, padding: same }",
  ...more,
  "batch_normalization",
  `activation: { function: ${activation} }`,
];
const floats = inputsOf({ shape: [7, 6, 4], values: new Float32Array(0) });
const stepOf = (layers: readonly string[], inputs = floats) => {
  const plan = planPrediction(specOf(layers), { inputs, batch: 2 });
  const procedures = compilePrediction(plan, reference).procedures;
  return procedures.find((p) => p.name === names.procedure(2))!;
};

test("convolution, batch normalisation and relu are one kernel that scales nothing", () => {
  const step = stepOf(convolution("relu"));
  const [text] = printProcedure(step)
    .split("\n")
    .filter((l) => l.startsWith("  f32"));
  assert.is(step.kernels.length, 1);
  assert.is(
    text,
    "  f32[2, 7, 6, 5] predict_2/outputs/activation.next[i, j, k, l] = max((Σ k0<3, k1<3, c<4: " +
      "predict_2/inputs/x[i, j + k0 - 1, k + k1 - 1, c]·prepare/conv2d.mul[k0, k1, c, l]) + " +
      "prepare/batch_normalization.add[0, 0, 0, l], 0)",
  );
});

test("a dense layer and its activation are one kernel; dropout leaves no trace", () => {
  const layers = ["flatten", "dense: { units: 8, activation: relu }"];
  const step = stepOf(["input: { shape: [7, 6, 4] }", ...layers]);
  assert.is(step.kernels.length, 1);
  const dropped = stepOf(convolution("relu", "dropout: { rate: 0.5 }"));
  const kept = stepOf(convolution("relu"));
  assert.equal(printProcedure(dropped), printProcedure(kept));
});

test("bytes are converted once, before the products that read them", () => {
  const inputs = inputsOf({ shape: [7, 6, 4], values: new Uint8Array(0) });
  assert.is(stepOf(convolution("relu"), inputs).kernels.length, 2);
});

const heads = specOf(
  [
    "input: { shape: [3], source: a }\n    name: left",
    "dense: { units: 4 }\n    name: trunk",
    "batch_normalization: {}\n    name: normal",
    "dense: { units: 2, activation: softmax }\n    name: kind",
    "input: { shape: [2], source: b }\n    name: right",
    "dense: { units: 1 }\n    name: price",
  ],
  "outputs: [kind, normal, price]\nloss: { kind: mse, normal: mse, price: mse }",
);
const table = (count: number): Inputs =>
  new Map([
    ["a", { shape: [3], values: Float32Array.from(random(1).array(3 * count)) }],
    ["b", { shape: [2], values: Int32Array.from({ length: 2 * count }, (_, i) => (i % 7) - 3) }],
  ]);

for (const backend of [reference, ...compiled]) {
  test(`${backend.name}: several inputs and outputs, any number of examples`, async () => {
    const plan = planPrediction(heads, { inputs: table(1), batch: 4, count: 7 });
    assert.equal(plan.sizes, [4, 3]);
    const weights = randomWeights(plan.weights, 3);
    const predictor = await Predictor.open(plan, backend, weights);
    for (const count of [1, 3, 4, 5, 7, 8, 9]) {
      const inputs = table(count);
      const got = await predictor.predict(inputs, count);
      const error = largestError(await plainForward(heads, weights, inputs, count), got);
      assert.ok(error < 1e-5, `${count} examples: error ${error}`);
    }
    assert.is((await predictor.predict(table(0), 0)).get("kind")!.values.length, 0);
    await predictor.dispose();
  });
}

test("new weights are prepared anew", async () => {
  const spec = specOf(convolution("tanh"));
  const inputs = inputsOf(randomSamples(random(2), 3, false));
  const { weights: known } = planPrediction(spec, { inputs });
  const [first, second] = [randomWeights(known, 1), randomWeights(known, 2)];
  const predictor = await openPredictor(spec, first, reference, { inputs, batch: 2 });
  await predictor.setWeights(second);
  const got = await predictor.predict(inputs, 3);
  assert.ok(largestError(await plainForward(spec, second, inputs, 3), got) < 1e-6);
  await predictor.dispose();
});

test("what does not fit is refused", async () => {
  const spec = specOf(convolution("relu"));
  const inputs = inputsOf(randomSamples(random(2), 3, false));
  const plan = planPrediction(spec, { inputs });
  const weights = randomWeights(plan.weights, 1);
  const predictor = await Predictor.open(plan, reference, weights);
  const refused = async (given: Inputs, count: number, message: RegExp) => {
    try {
      await predictor.predict(given, count);
    } catch (error) {
      return assert.match((error as Error).message, message);
    }
    assert.unreachable("accepted");
  };
  await refused(new Map(), 3, /no examples for x/);
  await refused(inputs, 4, /not 4 examples/);
  await refused(inputsOf(randomSamples(random(2), 3, true)), 3, /not 3 examples of f32/);
  await predictor.dispose();
  try {
    await Predictor.open(plan, reference, new Map());
    assert.unreachable("opened");
  } catch (error) {
    assert.match((error as Error).message, /no weight conv2d\/kernel/);
  }
});

test.run();
