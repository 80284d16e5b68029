/** Layers that apply another layer (https://keras.io/api/layers/recurrent_layers/time_distributed/). */
import type { Tensor } from "../../ir/graph.ts";
import { concatenate, reshape, slice } from "../../ops/view.ts";
import { type Mask, maskOver } from "../mask.ts";
import { buildInner, type Catalogue, type InnerLayer, layerOption } from "./inner.ts";
import { defineLayer, type Layer, type LayerContext, maskGiven, showShape } from "./layer.ts";

/** [batch, time, …] as [batch·time, …]: every step an example of its own. */
function folded(x: Tensor): Tensor {
  const [batch, time, ...rest] = x.type.shape as [number, number, ...number[]];
  return reshape(x, [batch * time, ...rest]);
}
/** [batch·time, …] as [batch, time, …], as they are in x. */
function unfolded(y: Tensor, x: Tensor): Tensor {
  const [batch, time] = x.type.shape as [number, number];
  return reshape(y, [batch, time, ...y.type.shape.slice(1)]);
}
/** Step t of [batch, time, …], [batch, …]. */
function stepOf(x: Tensor, t: number): Tensor {
  const [batch, , ...rest] = x.type.shape as [number, number, ...number[]];
  const start = x.type.shape.map((_, d) => (d === 1 ? t : 0));
  return reshape(slice(x, start, [batch, 1, ...rest]), [batch, ...rest]);
}

/** A context in which every step of the training data is an example that weights observe. */
const observingSteps = (ctx: LayerContext): LayerContext => ({
  ...ctx,
  weight: (name, shape, { observe, ...options }) =>
    ctx.weight(name, shape, {
      ...options,
      ...(observe && { observe: (data) => observe({ ...data, shape: data.shape.slice(1) }) }),
    }),
});

/**
 * As in Keras, whose steps follow each other: each has statistics and random numbers of its own, and reads what the one
 * before it left in the weights.
 */
function stepByStep(inner: InnerLayer, x: Tensor, mask: Mask, ctx: LayerContext): Tensor {
  const steps = x.type.shape[1]!;
  const results = Array.from({ length: steps }, (_, t) => {
    const y = buildInner(inner, [stepOf(x, t)], [mask && stepOf(mask, t)], ctx);
    return reshape(y, [y.type.shape[0]!, 1, ...y.type.shape.slice(1)]);
  });
  return concatenate(results, 1);
}

/** A mask that knows the steps, [batch, time, …]. */
const ofSteps = (mask: Mask, x: Tensor): Mask =>
  mask && maskOver(mask, x.type.shape, Math.max(2, mask.type.shape.length));

const timeDistributed = (catalogue: Catalogue): Layer =>
  defineLayer({
    name: "time_distributed",
    doc: "A layer applied to every step by itself, with the same weights: y[:, t] = layer(x[:, t]).",
    takes: "one",
    options: { layer: layerOption(catalogue).describe("The layer, of one input.") },
    inner: ["layer"],
    check: ({ layer: { definition } }) =>
      definition.takes === "one" || definition.takes === "some"
        ? undefined
        : {
            path: ["layer"],
            message: `time_distributed cannot apply ${definition.name} to every step`,
            expected: "a layer of one input",
            received: definition.name,
            fix: "write a layer such as `dense: { units: 10 }`",
          },
    mask([x], [mask], { layer }) {
      const own = ofSteps(mask, x!);
      if (!own || own.type.shape.length === 2) return own;
      // What the layer leaves of the masks within the steps; else, which steps have anything in them.
      const left = maskGiven(layer, [folded(x!)], [folded(own)]);
      return left ? unfolded(left, x!) : maskOver(own, x!.type.shape, 2);
    },
    wants({ layer }) {
      const wanted = layer.definition.wants?.(layer.options);
      const at = ["layer", layer.definition.name];
      return wanted && { ...wanted, option: [...at, ...wanted.option] };
    },
    build([x], { layer }, ctx) {
      const { shape } = x!.type;
      if (shape.length < 3) {
        ctx.fail({
          path: [],
          message: "time_distributed needs steps with features",
          expected: "(None, time, features) or more dimensions",
          received: showShape(shape),
          fix:
            shape.length === 2
              ? "put `reshape: { target_shape: [-1, 1] }` before it, or use the layer itself"
              : "use the layer itself",
        });
      }
      const inner = { layer, at: ["layer"] };
      const mask = ofSteps(ctx.masks[0], x!);
      const own = observingSteps(ctx);
      if (ctx.training && layer.definition.mixes?.(layer.options)) {
        return stepByStep(inner, x!, mask, own);
      }
      return unfolded(buildInner(inner, [folded(x!)], [mask && folded(mask)], own), x!);
    },
  });

/** @param catalogue all layers, these among them */
export const wrappers = (catalogue: Catalogue): readonly Layer[] => [timeDistributed(catalogue)];
