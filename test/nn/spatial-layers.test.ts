/**
 * Convolution, pooling, normalisation and resizing beyond what holds for every layer: the transposed
 * convolution as the adjoint of the convolution, and what does not fit.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul } from "../../src/ops/pointwise.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { buildLayer } from "../support/build-layer.ts";
import { evaluate, input, random } from "../support/evaluate.ts";
import type { Options } from "../support/keras.ts";

type Random = ReturnType<typeof random>;
/** One number or one a dimension. */
const each = (r: Random, rank: number, lo: number, hi: number) =>
  r.uniform() < 0.5 ? r.int(lo, hi) : Array.from({ length: rank }, () => r.int(lo, hi));

test("conv2d_transpose is the adjoint of conv2d: Σ y·conv(x) = Σ x·transposed(y)", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const r = random(seed);
    // Large enough for every window.
    const shape = [r.int(1, 2), r.int(5, 6), r.int(5, 6), r.int(1, 2)];
    const filters = r.int(1, 3);
    const options = {
      kernel_size: each(r, 2, 1, 3),
      use_bias: false,
      ...r.pick<Options>([{ dilation_rate: [1, 2] }, { dilation_rate: 2, padding: "same" }, {}]),
    };
    const x = input("x", shape);
    const layer = { layer: "conv2d", options: { filters, ...options }, x, prefix: "f." };
    const forward = buildLayer(layer);
    const y = input("y", forward.output.type.shape);
    const back = { filters: shape.at(-1)!, ...options };
    const backward = buildLayer({ layer: "conv2d_transpose", options: back, x: y, prefix: "b." });
    const total = (a: typeof x, b: typeof x) => sum(mul(a, b), undefined, false);
    const [w, v] = [forward.weights.get("kernel")!, backward.weights.get("kernel")!];
    assert.equal(w.type.shape, v.type.shape);
    const kernel = r.array(sizeOf(w.type.shape));
    const [left, right] = await evaluate(
      [total(y, forward.output), total(x, backward.output)],
      new Map([
        [x, r.array(sizeOf(shape))],
        [y, r.array(sizeOf(y.type.shape))],
        [w, kernel],
        [v, kernel],
      ]),
    );
    assert.ok(Math.abs(left![0]! - right![0]!) < 1e-12 * Math.max(1, Math.abs(left![0]!)));
  }
});

/** Layer, options, shape of the input; the option that is to blame, and part of message or fix. */
const misfits: readonly (readonly [string, Options, Shape, readonly string[], RegExp])[] = [
  ["conv2d", { filters: 1, kernel_size: 3 }, [2, 8, 8], [], /target_shape: \[8, 8, 1\]/],
  ["conv1d", { filters: 1, kernel_size: 3 }, [2, 8, 8, 3], [], /sequences/],
  ["conv2d", { filters: 1, kernel_size: 5 }, [2, 8, 4, 1], ["kernel_size"], /width 4/],
  [
    "conv2d",
    { filters: 1, kernel_size: 3, dilation_rate: 3 },
    [2, 6, 9, 1],
    ["kernel_size"],
    /of 7/,
  ],
  ["conv2d", { filters: 4, kernel_size: 1, groups: 2 }, [2, 4, 4, 3], ["groups"], /3 channels/],
  ["conv2d", { filters: 3, kernel_size: 1, groups: 2 }, [2, 4, 4, 4], ["groups"], /3 filters/],
  [
    "conv1d",
    { filters: 1, kernel_size: 2, strides: 2, dilation_rate: 2 },
    [2, 9, 1],
    ["dilation_rate"],
    /both/,
  ],
  [
    "conv2d_transpose",
    { filters: 1, kernel_size: 3, strides: 2, output_padding: 2 },
    [2, 4, 4, 1],
    ["output_padding"],
    /0 to 1/,
  ],
  [
    "conv2d_transpose",
    { filters: 1, kernel_size: 2, strides: 2, output_padding: 0, padding: "same" },
    [2, 4, 4, 1],
    ["output_padding"],
    /1 to 2/,
  ],
  ["max_pooling2d", { pool_size: 3 }, [2, 2, 4, 1], ["pool_size"], /height 2/],
  ["global_max_pooling1d", {}, [2, 4], [], /steps, channels/],
  ["cropping2d", { cropping: [2, 1] }, [2, 4, 4, 1], ["cropping"], /nothing is left of height/],
  ["conv3d", { filters: 1, kernel_size: 2 }, [2, 8, 8, 1], [], /volumes/],
  ["max_pooling3d", { pool_size: 3 }, [2, 2, 4, 4, 1], ["pool_size"], /depth 2/],
  ["cropping1d", { cropping: 2 }, [2, 4, 1], ["cropping"], /nothing is left of steps/],
  ["permute", { dims: [1, 1] }, [2, 3, 4], ["dims"], /1, 2, each once/],
  ["permute", { dims: [2, 1] }, [2, 3], ["dims"], /dims: \[1\]/],
  ["repeat_vector", { n: 2 }, [2, 3, 4], [], /needs vectors/],
  ["prelu", { shared_axes: [2] }, [2, 3], ["shared_axes"], /no dimension 2/],
  ["softmax", { axis: [1, -1] }, [2, 3], ["axis"], /each once/],
  ["dropout", { rate: 0.5, noise_shape: [null, 2] }, [2, 3], ["noise_shape"], /does not fit/],
  ["alpha_dropout", { rate: 0.5, noise_shape: [2, 1] }, [2, 3], ["noise_shape"], /null, 1/],
  ["rescaling", { scale: [1, 2] }, [2, 3], ["scale"], /2 numbers for 3 channels/],
  ["normalization", { axis: 0 }, [2, 3], ["axis"], /0 is the batch/],
  ["normalization", { mean: 1 }, [2, 3], ["variance"], /leave out both/],
  ["normalization", { mean: [1, 2], variance: 1 }, [2, 3], ["mean"], /or 3 as/],
  ["resizing", { height: 2, width: 2 }, [2, 4, 4], [], /needs images/],
  ["random_flip", {}, [2, 4], [], /needs images/],
  [
    "multi_head_attention",
    { num_heads: 1, key_dim: 2, use_causal_mask: true },
    [2, 3, 3, 2],
    ["use_causal_mask"],
    /no before and after/,
  ],
  ["group_normalization", { groups: 3 }, [2, 4], ["groups"], /a divisor of 4/],
  ["unit_normalization", { axis: 2 }, [2, 4], ["axis"], /0 is the batch/],
  ["batch_normalization", { axis: 0 }, [2, 4], ["axis"], /0 is the batch/],
  ["layer_normalization", { axis: [1, -1] }, [2, 4], ["axis"], /each once/],
];
for (const [layer, options, shape, path, says] of misfits) {
  test(`${layer} ${JSON.stringify(options)} does not fit [${shape}]`, () => {
    try {
      buildLayer({ layer, options, x: input("x", shape) });
    } catch (error) {
      assert.instance(error, ProblemError);
      const [problem] = (error as ProblemError).problems;
      assert.equal(problem!.path, path);
      assert.match(JSON.stringify(problem), says);
      assert.ok(problem!.expected && problem!.received && problem!.fix);
      return;
    }
    assert.unreachable("it was accepted");
  });
}

test.run();
