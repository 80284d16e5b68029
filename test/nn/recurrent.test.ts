/**
 * Recurrent layers beyond Keras's numbers: what is computed inside the loop over time and what outside, first
 * weights, sequences of different lengths.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { optimise } from "../../src/compiler/compile.ts";
import { type Graph, graphTensors, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import { isLoop, sectionsOf } from "../../src/ir/loops.ts";
import { countParameters } from "../../src/nn/model.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { square } from "../../src/ops/pointwise.ts";
import { initialWeights } from "../../src/train/session.ts";
import { buildLayer } from "../support/build-layer.ts";
import { modelOf } from "../support/check-layer.ts";
import { evaluate, input, random } from "../support/evaluate.ts";
import { assertClose, type Options } from "../support/keras.ts";

const cells = ["simple_rnn", "lstm", "gru"];

/** The graph of a layer, and of its gradients if `trained`. */
function graphOf(layer: string, options: Options, steps: number, trained: boolean): Graph {
  const x = input("x", [4, steps, 5]);
  const request = { layer, options: { units: 3, ...options }, x, training: true };
  const mask = (width: number, masks: number) => input(`u${width}`, [masks, 4, width]);
  const masks = "recurrent_dropout" in options ? { simple_rnn: 1, lstm: 4, gru: 3 }[layer]! : 1;
  const drawn = [...("dropout" in options ? [mask(5, masks)] : []), mask(3, masks)];
  const { output, weights } = buildLayer({ ...request, uniform: drawn });
  const loss = sum(square(output), undefined, false);
  const values = trained ? gradients(loss, [x, ...weights.values()]) : [output];
  const updates = values.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape }),
    value,
  }));
  return optimise({ name: layer, updates });
}

const isProduct = (x: Tensor) => (x.op.multiplyAdds?.(x) ?? 0) > 0;
/** How many products are outside of loops, and how many inside each. */
function products(graph: Graph) {
  const sections = sectionsOf(graph);
  const loops = sections.filter(isLoop);
  const outside = sections.filter((s): s is Tensor => !isLoop(s));
  return {
    outside: outside.filter(isProduct).length,
    inside: loops.map((loop) => loop.tensors.filter(isProduct).length),
  };
}

for (const name of cells) {
  for (const options of [{}, { dropout: 0.5 }, { return_sequences: true, go_backwards: true }]) {
    const about = `${name} ${JSON.stringify(options)}`;
    test(`${about}: inputs are projected for all steps at once, weights' gradients summed after`, () => {
      assert.equal(products(graphOf(name, options, 6, false)), { outside: 1, inside: [1] });
      // The gradients of x, W and R, and the projection.
      assert.equal(products(graphOf(name, options, 6, true)), { outside: 4, inside: [1, 1] });
    });
  }

  test(`${name}: the graph is the same for any number of steps`, () => {
    const options = { dropout: 0.5, recurrent_dropout: 0.5, return_sequences: true };
    const count = (steps: number) => graphTensors(graphOf(name, options, steps, true)).length;
    assert.is(count(3), count(300));
  });

  test(`${name}: what comes after the end of a sequence does not count`, async () => {
    for (let seed = 0; seed < 5; seed++) {
      const r = random(seed);
      const [whole, length, backwards] = [r.int(2, 6), r.int(1, 5), r.pick([true, false])];
      const real = Math.min(length, whole);
      const of = (steps: number, prefix: string) => {
        const x = input(`${prefix}x`, [1, steps, 2]);
        const mask = input(`${prefix}mask`, [1, steps]);
        const options = { units: 3, go_backwards: backwards };
        return {
          x,
          given: mask,
          ...buildLayer({ layer: name, options, x, masks: [mask], prefix }),
        };
      };
      const [long, short] = [of(whole, "long."), of(real, "short.")];
      const values = r.array(2 * whole, -2, 2);
      const present = Float64Array.from({ length: whole }, (_, t) => (t < real ? 1 : 0));
      const feed = new Map([
        [long.x, values],
        [long.given, present],
        [short.x, values.slice(0, 2 * real)],
        [short.given, present.slice(0, real)],
      ]);
      for (const [key, w] of long.weights) {
        const drawn = r.array(sizeOf(w.type.shape), -1, 1);
        feed.set(w, drawn).set(short.weights.get(key)!, drawn);
      }
      const [a, b] = await evaluate([long.output, short.output], feed);
      assertClose(a!, b!, 1e-12, `${real} of ${whole} steps`);
    }
  });
}

test("gru, reset before the product: that is a second one in the loop", () => {
  const options = { reset_after: false };
  assert.equal(products(graphOf("gru", options, 6, false)), { outside: 1, inside: [2] });
});

for (const [dropout, apart] of [
  [0, 1],
  [0.5, 4],
] as const) {
  test(`conv_lstm2d, dropout ${dropout}: inputs are convolved for all steps at once`, () => {
    const x = input("x", [4, 6, 5, 5, 2]);
    const options = { filters: 3, kernel_size: 3, padding: "same", dropout };
    const uniform = dropout > 0 ? [input("u", [4, 4, 5, 5, 2])] : [];
    const { output } = buildLayer({ layer: "conv_lstm2d", options, x, training: true, uniform });
    const out = variable({ name: "out", shape: output.type.shape });
    const graph = optimise({ name: "it", updates: [{ variable: out, value: output }] });
    assert.equal(products(graph), { outside: apart, inside: [1] });
  });
}

test("parameters as in Keras", () => {
  const counted = (name: string, options: Options) =>
    countParameters(
      modelOf(name, { options, inputs: [[7, 5]] }, { batch: 2, training: false }).built.weights,
    );
  assert.is(counted("simple_rnn", { units: 3 }), 3 * (5 + 3) + 3);
  assert.is(counted("lstm", { units: 3 }), 4 * (3 * (5 + 3) + 3));
  assert.is(counted("gru", { units: 3 }), 3 * (3 * (5 + 3) + 6));
  assert.is(counted("gru", { units: 3, reset_after: false }), 3 * (3 * (5 + 3) + 3));
  assert.is(counted("lstm", { units: 3, use_bias: false }), 4 * 3 * (5 + 3));
  assert.is(counted("bidirectional", { layer: { lstm: { units: 3 } } }), 8 * (3 * (5 + 3) + 3));
});

/** First weights of a layer alone, by name. */
function first(name: string, options: Options) {
  const { built } = modelOf(name, { options, inputs: [[7, 5]] }, { batch: 2, training: false });
  return initialWeights(built.weights, 1);
}

test("lstm: the forget gate begins open, whatever else the bias begins as", () => {
  const bias = (options: Options) => [...first("lstm", { units: 2, ...options }).get("it/bias")!];
  assert.equal(bias({}), [0, 0, 1, 1, 0, 0, 0, 0]);
  assert.equal(bias({ unit_forget_bias: false }), [0, 0, 0, 0, 0, 0, 0, 0]);
  const chosen = { bias_initializer: { constant: { value: 3 } } };
  assert.equal(bias(chosen), [3, 3, 1, 1, 3, 3, 3, 3]);
  const drawn = bias({ bias_initializer: "random_normal" });
  assert.is(new Set(drawn).size, 7, "the other gates have numbers of their own");
});

test("the recurrent kernel is one orthogonal matrix, not one a gate", () => {
  const values = first("lstm", { units: 3 }).get("it/recurrent_kernel")!;
  const row = (i: number) => values.slice(12 * i, 12 * i + 12);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const dot = row(i).reduce((s, v, k) => s + v * row(j)[k]!, 0);
      assert.ok(Math.abs(dot - (i === j ? 1 : 0)) < 1e-6, `rows ${i} and ${j}: ${dot}`);
    }
  }
});

test("bidirectional: weights by direction, begun with different numbers", () => {
  const weights = first("bidirectional", { layer: { gru: { units: 2 } } });
  const names = ["kernel", "recurrent_kernel", "bias"];
  const wanted = ["forward", "backward"].flatMap((d) => names.map((n) => `it/${d}/${n}`));
  assert.equal([...weights.keys()], wanted);
  assert.not.equal(weights.get("it/forward/kernel"), weights.get("it/backward/kernel"));
});

test("an activation of the state counts dimensions as Keras: 0 the batch, 1 the units", async () => {
  const x = input("x", [2, 3, 2]);
  const values = random(3).array(12, -1, 1);
  const of = async (axis: number) => {
    const options = { units: 3, activation: { softmax: { axis } } };
    const { output, weights } = buildLayer({ layer: "simple_rnn", options, x });
    const drawn = [...weights.values()].map(
      (w) => [w, random(1).array(sizeOf(w.type.shape), -1, 1)] as const,
    );
    const [y] = await evaluate([output], new Map([[x, values], ...drawn]));
    return y!;
  };
  const rows = (y: Float64Array) => [0, 1].map((i) => y[3 * i]! + y[3 * i + 1]! + y[3 * i + 2]!);
  const columns = (y: Float64Array) => [0, 1, 2].map((j) => y[j]! + y[3 + j]!);
  assertClose(rows(await of(1)), [1, 1], 1e-12, "over the units");
  assertClose(await of(1), await of(-1), 1e-12, "the last is the second");
  assertClose(columns(await of(0)), [1, 1, 1], 1e-12, "over the batch");
});

test.run();
