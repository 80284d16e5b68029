/** Layers in training, outputs and gradients, on a backend against the interpreter: for tests only. */
import { gradients } from "../../src/compiler/autodiff.ts";
import type { Tensor } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul, stopGradient } from "../../src/ops/pointwise.ts";
import { modelOf, randomFeed, step } from "./check-layer.ts";
import { evaluate, random } from "./evaluate.ts";
import { difference } from "./keras.ts";
import type { Generator } from "./layer-case.ts";

interface Result {
  readonly what: string;
  readonly tensor: Tensor;
}
/** The layer's output and its gradients with respect to inputs and weights. */
function resultsOf(name: string, generator: Generator, seed: number) {
  const drawn = generator(random(seed));
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

/** @returns what differs, of a random case of each layer, all in one program */
export async function compareLayers(
  generators: readonly (readonly [name: string, generator: Generator])[],
  backend: Backend,
  seed: number,
): Promise<readonly string[]> {
  const cases = generators.map(([name, generator]) => resultsOf(name, generator, seed));
  const results = cases.flatMap((c) => c.results);
  const feed = new Map([...cases.flatMap((c) => [...c.feed]), [step, Float64Array.of(seed)]]);
  const tensors = results.map((r) => r.tensor);
  const [want, got] = [await evaluate(tensors, feed), await evaluate(tensors, feed, backend)];
  return results.flatMap(({ what }, i) => {
    const error = difference(got[i]!, want[i]!);
    return error < 1e-3 ? [] : [`${what}: off by ${error}`];
  });
}
