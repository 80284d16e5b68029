/** How examples become the tensors that a model's input layers show. */
import type { Form } from "../data/dataset.ts";
import { typeOf } from "../data/stream/stored.ts";
import type { DType } from "../ir/expr.ts";
import type { Tensor } from "../ir/graph.ts";
import { inputLayers, type Model } from "../nn/model.ts";
import { float, mul } from "../ops/pointwise.ts";
import { invariant } from "../support/errors.ts";

const dtypes = { uint8: "u8", int32: "i32", float32: "f32" } as const;

export const dtypeOf = (samples: Parameters<typeof typeOf>[0]): DType => dtypes[typeOf(samples)];

/** Stored values as the model sees them: floats, scaled. */
export function decoded(stored: Tensor, { scale }: Pick<Form, "scale">): Tensor {
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
