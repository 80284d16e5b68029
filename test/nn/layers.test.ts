/** Every layer of the catalogue through one harness; what does not fit; dropout. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { buildModel } from "../../src/nn/model.ts";
import { wire } from "../../src/nn/wiring.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { uniform } from "../../src/ops/random.ts";
import { layerOption } from "../../src/spec/schema.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { checkLayer, modelOf, randomFeed, step } from "../support/check-layer.ts";
import { evaluate, input, random } from "../support/evaluate.ts";
import { assertClose, feedOf, type Options } from "../support/keras.ts";
import { layerCases } from "../support/layer-cases.ts";
import { correlationZ, moments } from "../support/statistics.ts";

for (const { name } of layers) {
  test(`${name}: shape, gradients, training and inference`, async () => {
    const draw = layerCases[name];
    assert.ok(draw, `give ${name} a generator in test/support/layer-cases.ts`);
    for (let seed = 1; seed <= 6; seed++) {
      const drawn = draw(random(seed));
      try {
        await checkLayer(name, drawn, seed);
      } catch (error) {
        assert.unreachable(`seed ${seed}, ${JSON.stringify(drawn)}: ${(error as Error).message}`);
      }
    }
  });
}

test("no generator without its layer", () => {
  const known = layers.map((l) => l.name);
  assert.equal(
    Object.keys(layerCases).filter((name) => !known.includes(name)),
    [],
  );
});

/** Layer, options, shape of an example; the place in the spec, and part of the problem. */
const misfits: readonly (readonly [string, Options, Shape, readonly string[], RegExp])[] = [
  ["dense", { units: 3 }, [], [], /at least one dimension/],
  [
    "dense",
    { units: 3, activation: { softmax: { axis: 2 } } },
    [4],
    ["dense", "activation", "softmax", "axis"],
    /-2 to 1/,
  ],
  [
    "dense",
    { units: 3, bias_initializer: "orthogonal" },
    [4],
    ["dense", "bias_initializer"],
    /two dimensions/,
  ],
  [
    "activation",
    { function: { softmax: { axis: -4 } } },
    [4, 5],
    ["activation", "function", "softmax", "axis"],
    /no axis -4/,
  ],
  ["reshape", { target_shape: [3, 4] }, [10], ["reshape", "target_shape"], /10 elements/],
  ["reshape", { target_shape: [3, -1] }, [10], ["reshape", "target_shape"], /multiple of 3/],
  ["reshape", { target_shape: [-1, -1] }, [10], ["reshape", "target_shape"], /at most one/],
  ["lstm", { units: 3 }, [7], [], /reshape: { target_shape: \[7, 1\] }/],
  ["gru", { units: 3 }, [7, 2, 2], [], /None, steps, channels/],
  [
    "lstm",
    { units: 3, bias_initializer: "orthogonal" },
    [4, 2],
    ["lstm", "bias_initializer"],
    /two dimensions/,
  ],
  [
    "lstm",
    { units: 3, recurrent_activation: { softmax: { axis: 2 } } },
    [4, 2],
    ["lstm", "recurrent_activation", "softmax", "axis"],
    /-2 to 1/,
  ],
  [
    "simple_rnn",
    { units: 3, return_sequences: true, activity_regularizer: "orthogonal_regularizer" },
    [4, 2],
    ["simple_rnn", "activity_regularizer", "orthogonal_regularizer"],
    /no matrix/,
  ],
];
for (const [name, options, shape, path, says] of misfits) {
  test(`${name} ${JSON.stringify(options)} does not fit [${shape}]`, () => {
    for (const training of [true, false]) {
      try {
        modelOf(name, { options, inputs: [shape] }, { batch: 2, training });
      } catch (error) {
        assert.instance(error, ProblemError);
        const [problem] = (error as ProblemError).problems;
        assert.equal(problem!.path, ["model", 1, ...path], "the place in the spec");
        assert.match(JSON.stringify(problem), says);
        assert.ok(problem!.expected && problem!.received && problem!.fix, JSON.stringify(problem));
        continue;
      }
      assert.unreachable("it was accepted");
    }
  });
}

test("an input layer takes the data's shape, but for dimensions of 1", () => {
  const bound = (declared: Shape, data: Shape) => {
    const { extras: _, ...layer } = layerOption().parse({ input: { shape: declared } });
    const model = wire("test", [{ layer, name: "it", from: undefined }]);
    const inputs = new Map([["it", input("x", [2, ...data])]]);
    const none = () => assert.unreachable() as never;
    return buildModel(model, { training: false, inputs, uniform: none }).outputs.get("it")!;
  };
  assert.equal(bound([28, 28, 1], [28, 28]).type.shape, [2, 28, 28, 1]);
  assert.equal(bound([6], [1, 6]).type.shape, [2, 6]);
  assert.throws(
    () => bound([28, 27], [28, 28]),
    (error: Error) => {
      const [problem] = (error as ProblemError).problems;
      return problem!.path.join(".") === "model.0.input.shape";
    },
  );
});

test("dropout keeps a share of 1 − rate and makes it larger by 1/(1 − rate)", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const rate = random(seed).uniform(0.1, 0.9);
    const drawn = { options: { rate }, inputs: [[50, 40]] };
    const model = modelOf("dropout", drawn, { batch: 8, training: true, seed });
    const feed = randomFeed(model, seed);
    const [x] = model.inputs;
    const [dx] = gradients(sum(model.output, undefined, false), [x!]);
    const [y, slope] = await evaluate([model.output, dx!], feed);
    const scale = 1 / (1 - rate);
    const kept = slope!.filter((v) => v !== 0).length;
    const n = slope!.length;
    const z = (kept - n * (1 - rate)) / Math.sqrt(n * rate * (1 - rate));
    assert.ok(Math.abs(z) < 4.5, `${kept} of ${n} kept at rate ${rate}`);
    // The gradient goes through the elements that the forward pass kept, and through no others.
    assertClose([...new Set(slope)].sort(), [0, scale], 1e-12, "slopes");
    assertClose(
      y!,
      feed.get(x!)!.map((v, i) => v * slope![i]!),
      1e-12,
      "the same mask forward and backward",
    );
  }
});

test("dropout: the identity outside training and at rate 0; rates of 1 and more are refused", () => {
  for (const [rate, training] of [
    [0.5, false],
    [0, true],
  ] as const) {
    const model = modelOf("dropout", { options: { rate }, inputs: [[3]] }, { batch: 2, training });
    assert.is(model.output, model.inputs[0]);
  }
  for (const rate of [1, 1.5, -0.1])
    assert.not.ok(layerOption().safeParse({ dropout: { rate } }).success, `${rate}`);
});

/** What a layer makes of a feed in training, with the input. */
async function trained(name: string, options: Options, shape: Shape, batch: number) {
  const model = modelOf(name, { options, inputs: [shape] }, { batch, training: true });
  const feed = randomFeed(model, 5);
  const [y] = await evaluate([model.output], feed);
  return { x: feed.get(model.inputs[0]!)!, y: y! };
}

test("noise has the mean and the deviation it should", async () => {
  const { x, y } = await trained("gaussian_noise", { stddev: 0.5 }, [40, 50], 8);
  const noise = moments(y.map((v, i) => (v - x[i]!) / 0.5));
  const n = Math.sqrt(y.length);
  assert.ok(Math.abs(noise.mean) < 4.5 / n && Math.abs(noise.std - 1) < 4 / n, "noise");
  const product = await trained("gaussian_dropout", { rate: 0.2 }, [40, 50], 8);
  const ratio = moments(product.y.map((v, i) => (v / product.x[i]! - 1) / 0.5));
  assert.ok(Math.abs(ratio.mean) < 4.5 / n && Math.abs(ratio.std - 1) < 4 / n, "factors");
});

test("alpha dropout keeps mean 0 and variance 1", async () => {
  const model = modelOf(
    "alpha_dropout",
    { options: { rate: 0.3 }, inputs: [[40, 50]] },
    { batch: 8, training: true },
  );
  const r = random(1);
  const x = Float64Array.from({ length: 16000 }, () => Math.sqrt(3) * r.uniform(-1, 1));
  const feed = new Map([...randomFeed(model, 1), [model.inputs[0]!, x]]);
  const { mean, std } = moments((await evaluate([model.output], feed))[0]!);
  assert.ok(Math.abs(mean) < 0.04 && Math.abs(std - 1) < 0.03, `${mean}, ${std}`);
});

test("spatial dropout: channels as a whole", async () => {
  const { x, y } = await trained("spatial_dropout2d", { rate: 0.5 }, [3, 3, 40], 4);
  const factors = y.map((v, i) => v / x[i]!);
  const first = (i: number) => 360 * Math.floor(i / 360) + (i % 40);
  assertClose(
    factors,
    factors.map((_, i) => factors[first(i)]!),
    1e-12,
    "one draw a channel",
  );
  assert.equal(new Set(factors.map((f) => Math.round(f))), new Set([0, 2]));
});

test("random_flip turns about half of the images, rows or columns or both", async () => {
  for (const [mode, turn] of [
    ["horizontal", (i: number, j: number) => 3 * i + (2 - j)],
    ["vertical", (i: number, j: number) => 3 * (2 - i) + j],
    ["horizontal_and_vertical", (i: number, j: number) => 3 * (2 - i) + (2 - j)],
  ] as const) {
    const { x, y } = await trained("random_flip", { mode }, [3, 3, 1], 200);
    let turned = 0;
    for (let n = 0; n < 200; n++) {
      const own = [...x.slice(9 * n, 9 * n + 9)];
      const flipped = own.map((_, k) => own[turn(Math.floor(k / 3), k % 3)]!);
      const got = [...y.slice(9 * n, 9 * n + 9)];
      const isTurned = got.join() === flipped.join();
      assert.ok(isTurned || got.join() === own.join(), `image ${n}`);
      if (isTurned) turned++;
    }
    assert.ok(turned > 68 && turned < 132, `${mode}: ${turned} of 200`);
  }
});

test("random_contrast: one factor an image within its limits, about the mean of a channel", async () => {
  const options = { factor: [0.2, 0.6], value_range: [-100, 100] };
  const { x, y } = await trained("random_contrast", options, [4, 4, 1], 50);
  for (let n = 0; n < 50; n++) {
    const [own, got] = [x.slice(16 * n, 16 * n + 16), y.slice(16 * n, 16 * n + 16)];
    const { mean } = moments(own);
    const factor = (got[0]! - mean) / (own[0]! - mean);
    assert.ok(factor >= 0.8 && factor <= 1.6, `${factor}`);
    assertClose(
      got,
      own.map((v) => mean + factor * (v - mean)),
      1e-9,
      `image ${n}`,
    );
  }
});

test("random_brightness: one amount an image, within its limits", async () => {
  const options = { factor: [-0.1, 0.3], value_range: [-10, 10] };
  const { x, y } = await trained("random_brightness", options, [3, 3, 2], 50);
  const amounts = Array.from({ length: 50 }, (_, n) => y[18 * n]! - x[18 * n]!);
  assertClose(
    y,
    x.map((v, i) => v + amounts[Math.floor(i / 18)]!),
    1e-9,
    "images",
  );
  assert.ok(amounts.every((a) => a >= -2 && a <= 6));
  assert.ok(Math.min(...amounts) < 0 && Math.max(...amounts) > 4, "all of the range");
});

test("random_grayscale: about as many images as it says, as a whole", async () => {
  const { x, y } = await trained("random_grayscale", { factor: 0.25 }, [2, 1, 3], 200);
  let grey = 0;
  for (let n = 0; n < 200; n++) {
    const [own, got] = [x.slice(6 * n, 6 * n + 6), y.slice(6 * n, 6 * n + 6)];
    const light = (k: number) => 0.2989 * own[k]! + 0.587 * own[k + 1]! + 0.114 * own[k + 2]!;
    const isGrey = Math.abs(got[0]! - got[1]!) < 1e-12;
    if (isGrey) grey++;
    const wanted = isGrey ? [0, 0, 0, 3, 3, 3].map(light) : own;
    assertClose(got, wanted, 1e-9, `image ${n}`);
  }
  assert.ok(grey > 25 && grey < 76, `${grey} of 200`);
});

test("spectral_normalization: the largest singular value becomes 1, and a kernel of zeros stays", async () => {
  const drawn = {
    options: { layer: { dense: { units: 3, use_bias: false } }, power_iterations: 40 },
    inputs: [[3]],
  };
  const model = modelOf("spectral_normalization", drawn, { batch: 3, training: true });
  const { kernel, u } = {
    kernel: model.built.tensors.get("it/kernel")!,
    u: model.built.tensors.get("it/vector_u")!,
  };
  const after = async (w: readonly number[]) => {
    const feed = feedOf(
      [model.inputs[0]!, Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)],
      [kernel, Float64Array.from(w)],
      [u, Float64Array.of(0.1, 0.2, -0.3)],
    );
    const [y, next] = await evaluate([model.output, model.built.updates[0]!.value], feed);
    return [...y!, ...next!];
  };
  // Of rotated axes that are 4, 2 and 1 long.
  const rotated = [0, 4, 0, -2 * 0.6, 0, 2 * 0.8, 0.8, 0, 0.6];
  const wanted = [...rotated.map((w) => w / 4), 0, 1, 0];
  assertClose(await after(rotated), wanted, 1e-9, "kernel and vector");
  assertClose(await after(Array(9).fill(0)), [...Array(9).fill(0), 0.1, 0.2, -0.3], 1e-15, "zeros");
});

test("masks of two dropout layers, and of one in two steps, are independent", async () => {
  const entry = (name: string) => {
    const { extras: _, ...layer } = layerOption().parse({ dropout: { rate: 0.5 } });
    return { layer, name, from: undefined };
  };
  const x = input("x", [64, 256]);
  const model = wire("test", [entry("a"), entry("b")]);
  const { outputs } = buildModel(model, {
    training: true,
    inputs: new Map([["input", x]]),
    uniform: (shape, request) => uniform(step, 1, request, shape),
  });
  const ones = new Float64Array(sizeOf(x.type.shape)).fill(1);
  const masks = async (at: number) => {
    const feed = feedOf([x, ones], [step, Float64Array.of(at)]);
    const [a, b] = await evaluate([outputs.get("a")!, outputs.get("b")!], feed);
    return { a: a!, both: b! };
  };
  const [now, next] = [await masks(3), await masks(4)];
  const share = moments(now.both).mean;
  // Each element passes with probability ¼, then weighs 4: variance 3.
  assert.ok(Math.abs(share - 1) < (4.5 * Math.sqrt(3)) / Math.sqrt(ones.length), `${share}`);
  assert.ok(Math.abs(correlationZ(now.a, next.a)) < 4.5, "steps");
});

test.run();
