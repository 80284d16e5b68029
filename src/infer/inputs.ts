/** How examples become the tensors that a model's input layers show. */
import type { Samples } from "../data/dataset.ts";
import type { DType } from "../ir/expr.ts";
import type { Tensor } from "../ir/graph.ts";
import { inputLayers, type Model } from "../nn/model.ts";
import { float, mul } from "../ops/pointwise.ts";
import { invariant } from "../support/errors.ts";

export const dtypeOf = ({ values }: Pick<Samples, "values">): DType =>
  values instanceof Uint8Array ? "u8" : values instanceof Int32Array ? "i32" : "f32";

/** Stored values as the model sees them: floats, scaled. */
export function decoded(stored: Tensor, { scale }: Pick<Samples, "scale">): Tensor {
  const values = float(stored);
  return scale === undefined ? values : mul(values, scale);
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
