/** Optimizers against Keras's numbers, through the updates of the training graph. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import { type Tensor, variable } from "../../src/ir/graph.ts";
import type { Named } from "../../src/nn/definition.ts";
import { optimizerOption, optimizers } from "../../src/nn/optimizers/index.ts";
import type { Optimizer } from "../../src/nn/optimizers/optimizer.ts";
import { add } from "../../src/ops/pointwise.ts";
import type { ChosenOptimizer } from "../../src/spec/spec.ts";
import { averages, optimise, rateOf } from "../../src/train/optimise.ts";
import { StepState } from "../../src/train/step-state.ts";
import { random } from "../support/evaluate.ts";
import { assertClose, fixture, type Options, rounding, type Values } from "../support/keras.ts";
import { parity, recordsOf } from "../support/parity.ts";

interface OptimizerRecord {
  readonly name: string;
  readonly options: Options;
  readonly variables: readonly Values[];
  /** By step and variable. */
  readonly gradients: readonly (readonly (readonly number[])[])[];
  readonly after: readonly (readonly (readonly number[])[])[];
  /** The moving averages of the variables, where they are kept. */
  readonly averages?: OptimizerRecord["after"];
}
const records = fixture<OptimizerRecord[]>("optimizers");

const choose = (name: string, options: Options) =>
  optimizerOption().parse({ [name]: options }) as Named<Optimizer> as ChosenOptimizer;

interface Progress {
  /** The variables after each step. */
  readonly after: Float64Array[][];
  readonly averages: Float64Array[][];
}

/** Runs the optimizer, gradients being given. */
async function run(
  optimizer: ChosenOptimizer,
  variables: readonly Values[],
  gradients: OptimizerRecord["gradients"],
): Promise<Progress> {
  const { learning_rate, gradient_accumulation_steps, use_ema } = optimizer.options;
  const state = new StepState();
  const parameters = variables.map(({ shape }, i) => {
    const w: Tensor = variable({ name: `v${i}`, shape });
    const g: Tensor = variable({ name: `g${i}`, shape, kind: "data" });
    return { name: `layer/v${i}`, layer: "layer", variable: w, w, g };
  });
  const iteration = state.scalar("iteration", "i32");
  state.update(iteration, add(iteration, 1));
  const rate = rateOf(learning_rate, iteration, state);
  optimise(optimizer, parameters, { rate, accumulate: gradient_accumulation_steps ?? 1 }, state);
  const program = compile([{ name: "step", updates: state.updates }], reference.traits);
  const exe = await reference.compile(program, new Map(), {});
  const known = new Set(program.variables.map((v) => v.name));
  for (const [name, { size, initial }] of state.states)
    if (known.has(name)) exe.write(name, new Float64Array(size).fill(initial));
  for (const [i, { values }] of variables.entries()) exe.write(`v${i}`, Float64Array.from(values));
  const after: Float64Array[][] = [];
  const means: Float64Array[][] = [];
  const read = (name: (i: number) => string) =>
    Promise.all(variables.map(async (_, i) => Float64Array.from(await exe.read(name(i)))));
  for (const pair of gradients) {
    for (const [i, g] of pair.entries()) exe.write(`g${i}`, Float64Array.from(g));
    await exe.run("step", 1);
    after.push(await read((i) => `v${i}`));
    if (use_ema) means.push(await read((i) => averages.of(`layer/v${i}`)));
  }
  await exe.dispose();
  return { after, averages: means };
}
const steps = async (...args: Parameters<typeof run>) => (await run(...args)).after;

/**
 * Each step by itself must be Keras's: within the fixture's rounding of the values before and after it, and a
 * millionth of the largest step. In the values themselves a wrong formula would hide behind digits
 * that do not change.
 */
function assertSteps(got: readonly Float64Array[][], r: OptimizerRecord): void {
  for (const [v, { values }] of r.variables.entries()) {
    let [ours, keras]: [ArrayLike<number>, readonly number[]] = [values, values];
    for (const [t, want] of r.after.entries()) {
      const step = (now: ArrayLike<number>, old: ArrayLike<number>) =>
        Array.from(now, (x, i) => x - old[i]!);
      const [own, right] = [step(got[t]![v]!, ours), step(want[v]!, keras)];
      const largest = Math.max(...right.map(Math.abs));
      for (const [i, s] of right.entries()) {
        const slack = rounding(want[v]![i]!) + rounding(keras[i]!) + 1e-6 * largest;
        const error = Math.abs(own[i]! - s);
        assert.ok(error <= slack, `step ${t + 1}, v${v}[${i}]: ${own[i]} instead of ${s}`);
      }
      [ours, keras] = [got[t]![v]!, want[v]!];
    }
  }
}

const { tolerance } = parity.optimizers;
for (const r of recordsOf<OptimizerRecord>(parity.optimizers)) {
  test(`${r.name} ${JSON.stringify(r.options)} as in Keras`, async () => {
    const progress = await run(choose(r.name, r.options), r.variables, r.gradients);
    const got = progress.after;
    assertSteps(got, r);
    for (const [t, want] of (r.averages ?? []).entries())
      for (const v of want.keys())
        assertClose(progress.averages[t]![v]!, want[v]!, tolerance, `average after step ${t + 1}`);
    for (const [t, want] of r.after.entries())
      for (const v of want.keys())
        assertClose(got[t]![v]!, want[v]!, tolerance, `after step ${t + 1}`);
  });
}

test("every optimizer has records", () => {
  const known = new Set(records.map((r) => r.name));
  assert.equal(
    optimizers.map((o) => o.name).filter((n) => !known.has(n)),
    [],
  );
});

test("defaults are Keras's", () => {
  const facts = fixture<{ question: string; [name: string]: unknown }[]>("facts");
  const defaults = facts.find((f) => f.question === "defaults of the optimizers")!;
  for (const { name } of optimizers) {
    assert.equal(choose(name, {}).options, defaults[name], name);
  }
});

test("every optimizer makes a bowl's value small, with any option", async () => {
  // loss = Σ w²/2, so the gradient is w: fed back by hand.
  for (const { name } of optimizers) {
    for (let seed = 0; seed < 3; seed++) {
      const r = random(seed);
      const clip = r.pick([{}, { clipnorm: 0.5 }, { global_clipnorm: 0.5 }, { clipvalue: 0.2 }]);
      // Its first steps are as small as the root of epsilon.
      const bold = name === "adadelta" ? { epsilon: 0.1 } : {};
      const optimizer = choose(name, { learning_rate: 0.1, ...clip, ...bold });
      let w = [...r.array(6)];
      const size = (x: readonly number[]) => x.reduce((s, v) => s + v * v, 0);
      const before = size(w);
      for (let t = 0; t < 20; t++) {
        const [after] = await steps(optimizer, [{ shape: [2, 3], values: w }], [[w]]);
        w = [...after![0]!];
      }
      assert.ok(size(w) < 0.9 * before, `${name}: ${before} to ${size(w)}`);
    }
  }
});

test("adafactor keeps rows and columns of matrices, muon leaves what is no matrix to Adam", () => {
  const kept = (name: string, options: Options, parameter: { name: string; shape: number[] }) => {
    const own = choose(name, options);
    return own.definition.slots(own.options, parameter);
  };
  const kernel = { name: "conv/kernel", shape: [3, 4, 5] };
  assert.equal(kept("adafactor", {}, kernel), {
    row: { shape: [3, 4], initial: 0 },
    column: { shape: [3, 5], initial: 0 },
  });
  assert.equal(kept("adafactor", {}, { name: "conv/bias", shape: [5] }), { velocity: 0 });

  const byAdam = (options: Options, name: string, shape: number[]) =>
    "velocity" in kept("muon", options, { name, shape });
  assert.is(byAdam({}, "dense/kernel", [3, 4]), false);
  assert.is(byAdam({}, "conv/kernel", [3, 4, 5]), true);
  assert.is(byAdam({}, "dense/bias", [4]), true);
  assert.is(byAdam({}, "words/embeddings", [3, 4]), true);
  assert.is(byAdam({ exclude_embeddings: false }, "words/embeddings", [3, 4]), false);
  assert.is(byAdam({ exclude_layers: ["out", "^last"] }, "dense_out/kernel", [3, 4]), true);
  assert.is(byAdam({ exclude_layers: ["^out"] }, "dense_out/kernel", [3, 4]), false);
});

test("a weight whose gradient is 0 in rows and columns stays a number with adafactor", async () => {
  // The product of the two means would be 0, as that of 1e-30 and 1e-26 is in single precision, and 0/√0 not a number.
  const values = [0, 0, 0, 1];
  const tiny = choose("adafactor", { epsilon_1: 1e-200 });
  const [after] = await steps(tiny, [{ shape: [2, 2], values }], [[values]]);
  assert.ok(after![0]!.every(Number.isFinite), `${after![0]}`);
});

test("global_clipnorm sees all weights at once, clipnorm one", async () => {
  const variables = [
    { shape: [2], values: [0, 0] },
    { shape: [1], values: [0] },
  ];
  const gradients = [[[3, 0], [4]]];
  const run = async (clip: Options) =>
    (await steps(choose("sgd", { learning_rate: 1, ...clip }), variables, gradients))[0]!;
  const flat = (a: readonly Float64Array[]) => a.flatMap((v) => [...v]);
  assertClose(flat(await run({ global_clipnorm: 1 })), [-0.6, 0, -0.8], 1e-12, "norm 5 to 1");
  assertClose(flat(await run({ global_clipnorm: 10 })), [-3, 0, -4], 1e-12, "small enough");
  assertClose(flat(await run({ clipnorm: 2 })), [-2, 0, -2], 1e-12, "each by itself");
  assertClose(flat(await run({ clipvalue: 3.5 })), [-3, 0, -3.5], 1e-12, "each element");
});

test.run();
