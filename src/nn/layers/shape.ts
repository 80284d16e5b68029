/** Layers that only rearrange: flatten, reshape (https://keras.io/api/layers/reshaping_layers/). */
import { z } from "zod";
import { sizeOf } from "../../ir/graph.ts";
import { reshape as reshapeTo } from "../../ops/view.ts";
import { defineLayer, showShape } from "./layer.ts";

export const flatten = defineLayer({
  name: "flatten",
  doc: "All dimensions of an example in one, row by row.",
  takes: "one",
  options: {},
  build: ([x]) => reshapeTo(x!, [x!.type.shape[0]!, sizeOf(x!.type.shape.slice(1))]),
});

export const reshape = defineLayer({
  name: "reshape",
  doc: "The same elements in another shape.",
  takes: "one",
  options: {
    target_shape: z
      .array(z.int().refine((n) => n > 0 || n === -1, "a positive number, or one -1 for the rest"))
      .describe("New shape of an example; one entry may be -1."),
  },
  build([x], { target_shape }, ctx) {
    const [batch, ...shape] = x!.type.shape;
    const known = sizeOf(target_shape.filter((n) => n !== -1));
    const unknown = target_shape.filter((n) => n === -1).length;
    const size = sizeOf(shape);
    const fits = unknown === 0 ? known === size : unknown === 1 && size % known === 0;
    if (!fits) {
      ctx.fail({
        path: ["target_shape"],
        message: `${showShape(x!.type.shape)} does not reshape to [${target_shape}]`,
        expected: `${size} elements${unknown > 1 ? ", and at most one -1" : ""}`,
        received: unknown > 0 ? `a multiple of ${known}` : `${known} elements`,
        fix: "`target_shape: [-1]` makes it one dimension",
      });
    }
    return reshapeTo(x!, [batch!, ...target_shape.map((n) => (n === -1 ? size / known : n))]);
  },
});
