/** How examples become the tensors that a model's input layers show. */
import type { Form } from "../data/dataset.ts";
import { typeOf } from "../data/stream/stored.ts";
import type { DType } from "../ir/expr.ts";
import { type Tensor, variable } from "../ir/graph.ts";
import type { Values } from "../ir/program.ts";
import { inputLayers, type Model } from "../nn/model.ts";
import { div, float, mul, sub } from "../ops/pointwise.ts";
import { invariant } from "../support/errors.ts";

const dtypes = { uint8: "u8", int32: "i32", float32: "f32" } as const;

export const dtypeOf = (samples: Parameters<typeof typeOf>[0]): DType => dtypes[typeOf(samples)];

/** The variables that `decoded` reads, of an array whose own is called so. */
const standardNames = (name: string) => ({ mean: `${name}/mean`, deviation: `${name}/deviation` });

/** What they hold. */
export function standardConstants(name: string, { standard }: Form): ReadonlyMap<string, Values> {
  const { mean, deviation } = standardNames(name);
  if (!standard) return new Map();
  return new Map([
    [mean, Float32Array.from(standard.mean)],
    [deviation, Float32Array.from(standard.deviation)],
  ]);
}

/**
 * Stored values as the model sees them: floats, scaled, and then standardised.
 * @param name of the array's variable
 */
export function decoded(name: string, stored: Tensor, { scale, standard }: Form): Tensor {
  const values = float(stored);
  const scaled = scale === undefined ? values : mul(values, scale);
  if (!standard) return scaled;
  const { mean, deviation } = standardNames(name);
  const read = (own: string) =>
    variable({ name: own, kind: "data", constant: true, shape: [standard.mean.length] });
  return div(sub(scaled, read(mean)), read(deviation));
}

/** Which of the data's inputs each input layer shows. */
export function bindInputs<T>(model: Model, data: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const layers = inputLayers(model);
  const only = data.size === 1 && layers.length === 1 ? [...data.values()][0] : undefined;
  return new Map(
    layers.map((l) => {
      const source = (l.layer.options["source"] as string | undefined) ?? l.name;
      const found = data.get(source) ?? only;
      invariant(found, `input ${l.name} is not bound`);
      return [l.name, found];
    }),
  );
}
