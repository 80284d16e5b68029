/** Layers that only rearrange or repeat (https://keras.io/api/layers/reshaping_layers/). */
import { z } from "zod";
import { sizeOf } from "../../ir/graph.ts";
import { broadcastTo } from "../../ops/broadcast.ts";
import { reshape as reshapeTo, transpose } from "../../ops/view.ts";
import { defineLayer, showShape } from "./layer.ts";

export const flatten = defineLayer({
  name: "flatten",
  doc: "All dimensions of an example in one, row by row.",
  takes: "one",
  mask: "stops",
  options: {},
  build: ([x]) => reshapeTo(x!, [x!.type.shape[0]!, sizeOf(x!.type.shape.slice(1))]),
});

export const reshape = defineLayer({
  name: "reshape",
  doc: "The same elements in another shape.",
  takes: "one",
  mask: "stops",
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

export const permute = defineLayer({
  name: "permute",
  doc: "The dimensions of an example in another order: dimension i of y is dimension dims[i] of x.",
  takes: "one",
  mask: "stops",
  options: {
    dims: z
      .array(z.int().min(1))
      .min(1)
      .describe("All dimensions in their new order, from 1: [2, 1]."),
  },
  build([x], { dims }, ctx) {
    const { shape } = x!.type;
    const all = shape.slice(1).map((_, d) => d + 1);
    if (dims.length !== all.length || all.some((d) => !dims.includes(d))) {
      ctx.fail({
        path: ["dims"],
        message: `these are not the dimensions of ${showShape(shape)}`,
        expected: `${all.join(", ")}, each once in any order; the batch has no number`,
        received: JSON.stringify(dims),
        fix: `\`dims: [${all.toReversed().join(", ")}]\` turns their order round`,
      });
    }
    return transpose(x!, [0, ...dims]);
  },
});

export const repeatVector = defineLayer({
  name: "repeat_vector",
  doc: "The same vector n times: y[b, i, f] = x[b, f].",
  takes: "one",
  mask: "stops",
  options: { n: z.int().positive().describe("How often.") },
  build([x], { n }, ctx) {
    const { shape } = x!.type;
    if (shape.length !== 2) {
      ctx.fail({
        path: [],
        message: "repeat_vector needs vectors",
        expected: "(None, features)",
        received: showShape(shape),
        fix: "put `flatten` before it",
      });
    }
    const [batch, features] = shape as [number, number];
    return broadcastTo(reshapeTo(x!, [batch, 1, features]), [batch, n, features]);
  },
});
