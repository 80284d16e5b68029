/** Where masks come from (https://keras.io/api/layers/core_layers/masking/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { where } from "../../ops/pointwise.ts";
import { max } from "../../ops/reduce.ts";
import { behind, differs } from "../mask.ts";
import { defineLayer, showShape } from "./layer.ts";

/** [batch, …] for x [batch, …, features]: 0 where all features have the value. */
const maskOf = (x: Tensor, value: number): Tensor =>
  max(differs(x, value), [x.type.shape.length - 1], false);

export const masking = defineLayer({
  name: "masking",
  doc: "Marks steps whose features all have the value as padding, and makes them 0.",
  takes: "one",
  options: {
    mask_value: z
      .number()
      .default(0)
      .describe("What all features of a step that is not there have."),
  },
  mask: ([x], _, { mask_value }) => maskOf(x!, mask_value),
  build([x], { mask_value }, ctx) {
    const { shape } = x!.type;
    if (shape.length < 2) {
      ctx.fail({
        path: [],
        message: "masking needs steps with features",
        expected: "(None, time, features)",
        received: showShape(shape),
        fix: "put `reshape: { target_shape: [-1, 1] }` before it",
      });
    }
    return where(behind(maskOf(x!, mask_value), shape.length), x!, 0);
  },
});
