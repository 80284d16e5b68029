/** A case of every layer in training, outputs and gradients, on every backend against the interpreter. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import type { Tensor } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul, stopGradient } from "../../src/ops/pointwise.ts";
import { workingBackends } from "../support/backends.ts";
import { modelOf, randomFeed, step } from "../support/check-layer.ts";
import { evaluate, random } from "../support/evaluate.ts";
import { difference } from "../support/keras.ts";
import { layerCases } from "../support/layer-cases.ts";

/** Layers in one program. */
const together = 12;

interface Result {
  readonly what: string;
  readonly tensor: Tensor;
}
/** The layer's output and its gradients with respect to inputs and weights. */
function casesOf(name: string, seed: number) {
  const drawn = layerCases[name]!(random(seed));
  const model = modelOf(name, drawn, { batch: 3, training: true, own: name });
  const feed = randomFeed(model, seed, drawn.below);
  const wrt = [...(drawn.below === undefined ? model.inputs : []), ...model.built.tensors.values()];
  const loss = sum(mul(model.output, stopGradient(model.output)), undefined, false);
  const about = `${name} ${JSON.stringify(drawn.options)}`;
  const results: Result[] = [
    { what: about, tensor: model.output },
    // Each times a number of its own: results that are the same tensor are not what this is about.
    ...gradients(loss, wrt).map((dx, i) => ({
      what: `gradient of ${about}`,
      tensor: mul(dx, 1 + i / 8),
    })),
  ];
  return { results, feed };
}

async function compare(names: readonly string[], backend: Backend, seed: number) {
  const cases = names.map((name) => casesOf(name, seed));
  const results = cases.flatMap((c) => c.results);
  const feed = new Map([...cases.flatMap((c) => [...c.feed]), [step, Float64Array.of(seed)]]);
  const tensors = results.map((r) => r.tensor);
  const [want, got] = [await evaluate(tensors, feed), await evaluate(tensors, feed, backend)];
  return results.flatMap(({ what }, i) => {
    const error = difference(got[i]!, want[i]!);
    return error < 1e-3 ? [] : [`${what}: off by ${error}`];
  });
}

for (const backend of await workingBackends()) {
  test(`every layer on ${backend.name}`, async () => {
    const names = layers.map((l) => l.name);
    for (let k = 0; k < names.length; k += together) {
      const some = names.slice(k, k + together);
      assert.equal(await compare(some, backend, 3), []);
    }
  });
}

test.run();
