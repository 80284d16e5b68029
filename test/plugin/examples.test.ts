/** The plug-ins of the guide, loaded as a command line loads them, held to what holds for nnc's own pieces. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lossOption } from "../../src/nn/losses/index.ts";
import { metricOption } from "../../src/nn/metrics/index.ts";
import { loadPlugins } from "../../src/plugin/load.ts";
import { type Json, specJsonSchema } from "../../src/spec/json-schema.ts";
import { readSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { loadData } from "../../src/train/load.ts";
import { repository } from "../cli/helpers.ts";
import { workingBackends } from "../support/backends.ts";
import { checkLayer, modelOf, randomFeed } from "../support/check-layer.ts";
import { compareLayers } from "../support/compare-layers.ts";
import { evaluate, gradientError, input, random } from "../support/evaluate.ts";
import type { Generator } from "../support/layer-case.ts";

const folder = join(repository, "docs", "plugins");
const examples = readdirSync(folder).filter((file) => file.endsWith(".ts"));
await loadPlugins(examples.map((file) => join(folder, file)));

const cases: Readonly<Record<string, Generator>> = {
  gated_dense(r) {
    const [rows, units] = [r.shape(r.int(0, 2)), r.int(1, 4)];
    const options = { units, use_bias: r.pick([true, false]) };
    return { options, inputs: [[...rows, r.int(1, 4)]], output: [...rows, units] };
  },
  cumulative_sum(r) {
    const output = r.shape(r.int(1, 3));
    const axis = r.pick([r.int(1, output.length), -r.int(1, output.length)]);
    return { options: { axis, reverse: r.pick([true, false]) }, inputs: [output], output };
  },
};

for (const [name, generator] of Object.entries(cases)) {
  test(`${name}: shapes, weights and gradients`, async () => {
    for (let seed = 1; seed <= 8; seed++) await checkLayer(name, generator(random(seed)), seed);
  });
}

for (const backend of await workingBackends()) {
  test(`the layers on ${backend.name}`, async () => {
    for (const seed of [3, 4, 5])
      assert.equal(await compareLayers(Object.entries(cases), backend, seed), []);
  });
}

test("cumulative_sum adds up along its dimension, from either end", async () => {
  const sums = async (options: { readonly axis: number; readonly reverse?: boolean }) => {
    const drawn = { options, inputs: [[2, 3]] };
    const model = modelOf("cumulative_sum", drawn, { batch: 1, training: false });
    const feed = randomFeed(model, 1).set(model.inputs[0]!, Float64Array.of(1, 2, 3, 4, 5, 6));
    return [...(await evaluate([model.output], feed))[0]!];
  };
  assert.equal(await sums({ axis: 1 }), [1, 2, 3, 5, 7, 9]);
  assert.equal(await sums({ axis: -1 }), [1, 3, 6, 4, 9, 15]);
  assert.equal(await sums({ axis: 2, reverse: true }), [6, 5, 3, 15, 11, 6]);
});

test("quantile_loss is least at the quantile, and is a metric too", async () => {
  const { definition, options } = lossOption().parse({ quantile_loss: { quantile: 0.75 } });
  const targets = Array.from({ length: 101 }, (_, i) => i / 100);
  const y = input("y", [101, 1]);
  const p = input("p", [101, 1]);
  const loss = definition.perSample(y, p, options);
  const meanAt = async (guess: number) => {
    const feed = new Map([
      [y, Float64Array.from(targets)],
      [p, new Float64Array(101).fill(guess)],
    ]);
    assert.ok((await gradientError(loss, [p], feed)) < 1e-6);
    return (await evaluate([loss], feed))[0]!.reduce((a, b) => a + b) / 101;
  };
  const [below, least, above] = [await meanAt(0.703), await meanAt(0.753), await meanAt(0.803)];
  assert.ok(least < below && least < above, `${below}, ${least}, ${above}`);
  assert.is(metricOption().parse("quantile_loss").options["quantile"], 0.5);
  assert.is(options["reduction"], "sum_over_batch_size");
});

test("two_moons is determined by the seed; the spec of the guide fits it", async () => {
  const read = (seed: number) =>
    resolveSpec(readSpec(join(folder, "moons.yaml"), [`seed=${seed}`]));
  const [one, same, other] = await Promise.all([1, 1, 2].map((seed) => loadData(read(seed))));
  assert.equal(one, same);
  assert.not.equal(one!.train.inputs, other!.train.inputs);
  assert.is(one!.train.count + one!.validation!.count, 1000);
});

test("the JSON Schema has what plug-ins define, with its options", () => {
  const { $defs } = specJsonSchema() as { readonly $defs: Readonly<Record<string, Json>> };
  const { properties, required } = $defs["layer.gated_dense"]!;
  assert.equal((properties as Json)["units"], {
    type: "integer",
    exclusiveMinimum: 0,
    description: "Width of the output.",
  });
  assert.equal(required, ["units"]);
  const losses = JSON.stringify($defs["loss"]);
  for (const name of ["quantile_loss", "mse"]) assert.ok(losses.includes(`"${name}"`), name);
  assert.ok("loss.quantile_loss" in $defs && "metric.quantile_loss" in $defs);
  assert.ok("data_source.two_moons" in $defs);
});

test("the guide shows what the files hold", () => {
  const guide = readFileSync(join(repository, "docs", "plugins.md"), "utf8");
  const shown = [...guide.matchAll(/```(?:ts|yaml)\n(.*?)```/gs)].map((match) => match[1]!);
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  const whole = shown.filter((block) => files.includes(block));
  assert.is(whole.length, files.length, "every file is shown, as it is");
});

test.run();
