/** Core layers: input, dense, activation, identity (https://keras.io/api/layers/core_layers/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { add } from "../../ops/pointwise.ts";
import { internal } from "../../support/errors.ts";
import { activationOption, activations, applyActivation } from "../activations.ts";
import { activityOptions, penalised } from "./activity.ts";
import { biasOptions, kernelOptions, ofBias, ofKernel } from "./kernel.ts";
import { defineLayer, showShape } from "./layer.ts";

export const input = defineLayer({
  name: "input",
  doc: "Where examples enter: their shape, without the batch.",
  takes: "none",
  options: {
    shape: z.array(z.int().positive()).describe("Shape of one example, such as [28, 28, 1]."),
    source: z.string().optional().describe("Which of the data's inputs, where there are several."),
  },
  build: () => {
    throw internal("input layers are bound to the data, not built");
  },
});

export const dense = defineLayer({
  name: "dense",
  doc: "Fully connected: y = activation(x·W + b), over the last dimension.",
  takes: "one",
  options: {
    units: z.int().positive().describe("Width of the output."),
    activation: activationOption().prefault("linear").describe("Applied to the result."),
    use_bias: z.boolean().default(true).describe("Add b."),
    ...kernelOptions,
    ...biasOptions,
    ...activityOptions,
  },
  build([x], { units, activation, use_bias, ...options }, ctx) {
    const { shape } = x!.type;
    if (shape.length < 2) {
      ctx.fail({
        path: [],
        message: "dense needs inputs of at least one dimension",
        expected: "(None, features)",
        received: showShape(shape),
        fix: "put `reshape: { target_shape: [1] }` before it",
      });
    }
    const kernel = ctx.weight("kernel", [shape.at(-1)!, units], ofKernel(options));
    const rows = "abcdefgh".slice(0, shape.length - 1);
    const product = einsum(`${rows}i,io->${rows}o`, x!, kernel); // [batch, …, units]
    const activated = (y: Tensor) =>
      penalised(applyActivation(y, activation, ctx.fail, "activation"), options, ctx);
    if (!use_bias) return activated(product);
    const bias = ctx.weight("bias", [units], ofBias(options));
    return activated(add(product, bias));
  },
});

export const activation = defineLayer({
  name: "activation",
  doc: "An activation function as a layer of its own.",
  takes: "one",
  options: {
    function: activationOption().describe(`One of ${activations.map((a) => a.name).join(", ")}.`),
  },
  build: ([x], options, ctx) => applyActivation(x!, options.function, ctx.fail, "function"),
});

export const identity = defineLayer({
  name: "identity",
  doc: "y = x: a place for a name.",
  takes: "one",
  options: {},
  build: ([x]) => x!,
});
