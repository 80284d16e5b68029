/** Layers that act in training only (https://keras.io/api/layers/regularization_layers/). */
import { z } from "zod";
import { lessEqual, mul, stopGradient } from "../../ops/pointwise.ts";
import { defineLayer } from "./layer.ts";

export const dropout = defineLayer({
  name: "dropout",
  doc: "In training, sets each element to 0 with probability rate and divides the others by 1 − rate.",
  takes: "one",
  options: {
    rate: z.number().min(0).lt(1).describe("Share of elements dropped, 0 to 1 (exclusive)."),
  },
  build([x], { rate }, ctx) {
    if (!ctx.training || rate === 0) return x!;
    const keep = stopGradient(lessEqual(rate, ctx.uniform(x!.type.shape)));
    return mul(x!, mul(keep, 1 / (1 - rate)));
  },
});
