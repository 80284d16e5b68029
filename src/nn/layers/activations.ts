/**
 * Activations as layers (https://keras.io/api/layers/activation_layers/): every activation function under its
 * own name, with Keras's defaults for the layer, and PReLU, which is learned.
 */
import { z } from "zod";
import { mul, neg, relu, sub, where } from "../../ops/pointwise.ts";
import { type Activation, activations, softmaxOver } from "../activations.ts";
import { constraintOption } from "../constraints.ts";
import { initializerOption } from "../initializers.ts";
import { behind, hidden } from "../mask.ts";
import { regularizerOption } from "../regularizers.ts";
import { defineLayer, type Layer, showShape } from "./layer.ts";

/** Options whose defaults differ between the layer and the function. */
const defaults: Readonly<Record<string, z.ZodRawShape>> = {
  leaky_relu: {
    negative_slope: z.number().default(0.3).describe("Slope for negative x."),
  },
};

/** An activation as a layer with the same options. */
export const layerOfActivation = (activation: Activation): Layer => {
  const { name, aliases = [], doc, options, unfit, apply } = activation;
  return defineLayer({
    name,
    aliases,
    doc,
    takes: "one",
    options: { ...options, ...defaults[name] },
    build([x], chosen, ctx) {
      const problem = unfit?.(x!.type.shape, chosen);
      return problem ? ctx.fail(problem) : apply(x!, chosen);
    },
  });
};

const softmax = defineLayer({
  name: "softmax",
  doc: "y = eˣ/Σeˣ over one dimension or several, without what is masked.",
  takes: "one",
  options: {
    axis: z
      .union([z.int(), z.array(z.int()).min(1)])
      .default(-1)
      .describe("Dimension or dimensions to sum over; 0 is the batch, -1 the last."),
  },
  build([x], { axis }, ctx) {
    const rank = x!.type.shape.length;
    const dims = [axis].flat().map((a) => (a < 0 ? a + rank : a));
    if (dims.some((d, k) => d < 0 || d >= rank || dims.indexOf(d) !== k)) {
      ctx.fail({
        path: ["axis"],
        message: `softmax: ${showShape(x!.type.shape)} has no such axis`,
        expected: `-${rank} to ${rank - 1}, each once, the batch being 0`,
        received: JSON.stringify(axis),
        fix: "leave it out: the last dimension, which is that of the classes",
      });
    }
    const [mask] = ctx.masks;
    // A mask that is the same for all that is summed leaves no element out of its row.
    if (!mask || dims.every((d) => d >= mask.type.shape.length)) return softmaxOver(x!, dims);
    const present = behind(mask, rank);
    return where(present, softmaxOver(where(present, x!, hidden), dims), 0);
  },
});

const prelu = defineLayer({
  name: "prelu",
  doc: "y = x for x > 0, else alpha·x; alpha is learned (https://arxiv.org/abs/1502.01852).",
  takes: "one",
  options: {
    alpha_initializer: initializerOption().prefault("zeros").describe("First alpha."),
    alpha_regularizer: regularizerOption().optional().describe("Penalty on alpha."),
    alpha_constraint: constraintOption().optional().describe("What alpha must satisfy."),
    shared_axes: z
      .union([z.int().min(1), z.array(z.int().min(1))])
      .nullable()
      .default(null)
      .describe(
        "Dimensions along which there is one alpha for all; the first behind the batch is 1.",
      ),
  },
  build([x], { shared_axes, ...options }, ctx) {
    const { shape } = x!.type;
    const shared = [shared_axes ?? []].flat();
    const beyond = shared.find((d) => d >= shape.length);
    if (beyond !== undefined) {
      ctx.fail({
        path: ["shared_axes"],
        message: `${showShape(shape)} has no dimension ${beyond}`,
        expected: `1 to ${shape.length - 1}`,
        received: `${beyond}`,
        fix: "for images, `shared_axes: [1, 2]` leaves one alpha a channel",
      });
    }
    const own = shape.slice(1).map((n, d) => (shared.includes(d + 1) ? 1 : n));
    const alpha = ctx.weight("alpha", own, {
      initializer: options.alpha_initializer,
      regularizer: options.alpha_regularizer,
      constraint: options.alpha_constraint,
    });
    return sub(relu(x!), mul(alpha, relu(neg(x!))));
  },
});

export const activationLayers: readonly Layer[] = [
  ...activations.filter((a) => a.name !== "softmax").map(layerOfActivation),
  softmax,
  prelu,
];
