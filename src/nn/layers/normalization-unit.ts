/** Unit normalisation (https://keras.io/api/layers/normalization_layers/unit_normalization/). */
import type { Tensor } from "../../ir/graph.ts";
import { div, maximum, mul, sqrt, square } from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { defineLayer } from "./layer.ts";
import { axisOption, dimensions } from "./normalization.ts";

/** x/√Σx² over some dimensions; a length below 10⁻¹² counts as that. */
export const unitLength = (x: Tensor, dims: readonly number[]): Tensor =>
  mul(x, div(1, sqrt(maximum(sum(square(x), dims), 1e-24))));

export const unitNormalization = defineLayer({
  name: "unit_normalization",
  doc: "y = x/√Σx² over the dimensions `axis` of each example: vectors of length 1.",
  takes: "one",
  options: {
    axis: axisOption(),
  },
  build: ([x], { axis }, ctx) => unitLength(x!, dimensions(axis, x!, ctx)),
});
