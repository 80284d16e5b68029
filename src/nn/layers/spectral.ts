/** Spectral normalisation (https://keras.io/api/layers/normalization_layers/spectral_normalization/). */
import { z } from "zod";
import { sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import {
  abs,
  div,
  equal,
  minimum,
  mul,
  sqrt,
  square,
  stopGradient,
  where,
} from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { reshape } from "../../ops/view.ts";
import { initializerOption } from "../initializers.ts";
import { buildInner, type Catalogue, layerOption } from "./inner.ts";
import { defineLayer, type Layer, type LayerContext, maskGiven } from "./layer.ts";

const initializer = initializerOption().parse({ truncated_normal: { stddev: 0.02 } });
/** Weights that are normalised, by their names. */
const kernels = ["kernel", "embeddings"];

/** x/√Σx²; as in Keras at most 10⁷ times x. */
const direction = (x: Tensor): Tensor =>
  mul(x, minimum(div(1, sqrt(sum(square(x), undefined, false))), 1e7));

/**
 * One step more of the power iteration W → W·Wᵀ, and W divided by its largest singular value σ as u has it. A W of
 * zeros stays as it is.
 * @param w [m, n]
 * @param u [n]
 */
function normalised(w: Tensor, u: Tensor, iterations: number) {
  let [left, right] = [u, u];
  for (let i = 0; i < iterations; i++) {
    left = direction(einsum("mn,n->m", w, right));
    right = direction(einsum("mn,m->n", w, left));
  }
  const sigma = sum(mul(einsum("mn,m->n", w, left), right), undefined, false);
  const empty = equal(sum(abs(w), undefined, false), 0);
  return { w: where(empty, w, div(w, sigma)), u: where(empty, u, right) };
}

/** A context whose kernel is normalised in every step of training, trained or not. */
function normalising(ctx: LayerContext, iterations: number) {
  let found = false;
  const own: LayerContext = {
    ...ctx,
    weight(name, shape, options) {
      const w = ctx.weight(name, shape, options);
      if (!kernels.includes(name)) return w;
      found = true;
      const n = shape.at(-1)!;
      const u = ctx.weight("vector_u", [1, n], { initializer, trainable: false });
      if (!ctx.training) return w;
      const next = normalised(reshape(w, [sizeOf(shape) / n, n]), reshape(u, [n]), iterations);
      ctx.update(u, stopGradient(reshape(next.u, [1, n])));
      const kernel = stopGradient(reshape(next.w, shape));
      ctx.update(w, kernel);
      return kernel;
    },
  };
  return { ctx: own, found: () => found };
}

/** @param catalogue all layers, this among them */
export const spectralNormalization = (catalogue: Catalogue): Layer =>
  defineLayer({
    name: "spectral_normalization",
    doc:
      "A layer whose kernel W becomes W/σ(W) in every step of training, before it is used; σ(W) is its largest " +
      "singular value, by power iteration (https://arxiv.org/abs/1802.05957).",
    takes: "one",
    options: {
      layer: layerOption(catalogue).describe(
        "The layer, of one kernel: dense, a convolution, an embedding.",
      ),
      power_iterations: z
        .int()
        .positive()
        .default(1)
        .describe("Steps of the iteration, each time."),
    },
    inner: ["layer"],
    check({ layer: { definition, options } }) {
      const wraps = definition.inner !== undefined || "go_backwards" in options;
      if (!wraps && (definition.takes === "one" || definition.takes === "some")) return undefined;
      return unfit(definition.name);
    },
    mask: (inputs, masks, { layer }) => maskGiven(layer, inputs, masks),
    // Each use of the layer normalises.
    mixes: () => true,
    wants({ layer }) {
      const wanted = layer.definition.wants?.(layer.options);
      return wanted && { ...wanted, option: ["layer", layer.definition.name, ...wanted.option] };
    },
    build(inputs, { layer, power_iterations }, ctx) {
      const own = normalising(ctx, power_iterations);
      const y = buildInner({ layer, at: ["layer"] }, inputs, ctx.masks, own.ctx);
      return own.found() ? y : ctx.fail(unfit(layer.definition.name));
    },
  });

const unfit = (name: string) => ({
  path: ["layer"],
  message: `${name} has no kernel to normalise`,
  expected: "a layer of one kernel, such as dense, conv2d or embedding",
  received: name,
  fix: "write it without `spectral_normalization`",
});
