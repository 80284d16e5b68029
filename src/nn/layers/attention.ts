/**
 * Attention in one head (https://keras.io/api/layers/attention_layers/). Vocabulary: a query looks at the
 * values by the likeness of itself with their keys; T is the number of queries, S that of values and keys.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { add, lessEqual, mul, tanh, where } from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { iota, reshape } from "../../ops/view.ts";
import { softmaxOver } from "../activations.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { behind, both, hidden, maskOver } from "../mask.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";
import { dropped } from "./regularization.ts";

export const shared = {
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("Share of the attention weights dropped in training."),
  use_causal_mask: z
    .boolean()
    .default(false)
    .describe("A query sees no values behind its own position."),
};
export interface Shared {
  readonly dropout: number;
  readonly use_causal_mask: boolean;
}

interface Inputs {
  readonly query: Tensor;
  readonly value: Tensor;
  readonly key: Tensor;
}

/** [query, value] or [query, value, key]; the key is the value by default. */
export function roles(name: string, inputs: readonly Tensor[], ctx: LayerContext): Inputs {
  const [query, value = query, key = value] = inputs;
  const shapes = [query!, value!, key!].map((x) => x.type.shape);
  const shown = inputs.map((x) => showShape(x.type.shape)).join(", ");
  const ranks = shapes.every((s) => s.length >= 3 && s.length === shapes[0]!.length);
  const steps = shapes[1]!.slice(1, -1).join() === shapes[2]!.slice(1, -1).join();
  if (inputs.length > 3 || !ranks || !steps) {
    ctx.fail({
      path: [],
      message: `${name} needs a query, values and, if they are not the values, keys`,
      expected: "(None, T, features), (None, S, features) and a key for every value",
      received: shown,
      fix: "write `from: [query, value]` or `from: [query, value, key]`",
    });
  }
  return { query: query!, value: value!, key: key! };
}

/** Checks that query and key have as many features. */
function checkFeatures(name: string, { query, key }: Inputs, ctx: LayerContext): void {
  const [q, k] = [query, key].map((x) => x.type.shape);
  if (q!.length === 3 && q!.at(-1) === k!.at(-1)) return;
  ctx.fail({
    path: [],
    message: `${name} needs a query and keys of as many features`,
    expected: `(None, S, ${q!.at(-1)}) as keys, as the query is ${showShape(q!)}`,
    received: showShape(k!),
    fix: "bring one of them to the other's width by a `dense` before it",
  });
}

/** Which values [T, S] a query sees that does not look ahead. */
export const notAhead = (scores: Tensor): Tensor => {
  const own = scores.type.shape.slice(-2);
  return lessEqual(iota(own, 1), iota(own, 0));
};

/** softmax(scores) over the last dimension, then dropout. */
export function distribution(scores: Tensor, { dropout }: Shared, ctx: LayerContext): Tensor {
  const { shape } = scores.type;
  const weights = softmaxOver(scores, [shape.length - 1]);
  return ctx.training && dropout > 0 ? dropped(weights, dropout, shape, ctx) : weights;
}

/**
 * What queries make of values with these scores [batch, T, S]. Values that are masked do not count; a query that
 * is masked becomes 0.
 */
function attended(scores: Tensor, value: Tensor, options: Shared, ctx: LayerContext): Tensor {
  const [query, values] = ctx.masks;
  const padding = values && maskOver(values, value.type.shape, 2); // [batch, S]
  const among = padding && reshape(padding, [padding.type.shape[0]!, 1, padding.type.shape[1]!]);
  const seen = both(among, options.use_causal_mask ? notAhead(scores) : undefined);
  // Lower by the same for all: where nothing is left to see, the others' proportions stay, as in Keras.
  const visible = seen ? where(seen, scores, add(scores, hidden)) : scores;
  const y = einsum("bts,bsf->btf", distribution(visible, options, ctx), value);
  return query ? where(behind(maskOver(query, y.type.shape, 2), 3), y, 0) : y;
}

const one = (name: string, initializer: Named<Initializer>, shape: Shape, ctx: LayerContext) =>
  ctx.weight(name, shape, { initializer });
const ones = initializerOption().parse("ones");
const glorot = initializerOption().parse("glorot_uniform");

/** Σ over the features of scale·tanh(query + key): [batch, T, S] */
function additive({ query, key }: Inputs, within: Tensor | undefined, scale: Tensor | undefined) {
  const [batch, t, features] = query.type.shape as [number, number, number];
  const s = key.type.shape[1]!;
  const both = add(reshape(query, [batch, t, 1, features]), reshape(key, [batch, 1, s, features]));
  const bent = tanh(within ? mul(both, within) : both);
  return sum(scale ? mul(bent, scale) : bent, [3], false);
}

export const attention = defineLayer({
  name: "attention",
  doc:
    "y = softmax(scores)·value; the score of a query and a key is their dot product (times a learned " +
    "number), or concat: w·Σ tanh(scale·(query + key)).",
  takes: "several",
  options: {
    use_scale: z.boolean().default(false).describe("Multiply the scores by a learned number."),
    score_mode: z
      .enum(["dot", "concat"])
      .default("dot")
      .describe("dot: dot products; concat: hyperbolic tangents of sums."),
    ...shared,
  },
  build(inputs, { use_scale, score_mode, ...options }, ctx) {
    const from = roles("attention", inputs, ctx);
    checkFeatures("attention", from, ctx);
    const scale = use_scale ? one("scale", ones, [], ctx) : undefined;
    const scores = () => {
      if (score_mode === "dot") {
        const products = einsum("btf,bsf->bts", from.query, from.key);
        return scale ? mul(products, scale) : products;
      }
      const weight = one("concat_score_weight", ones, [], ctx);
      return mul(additive(from, scale, undefined), weight);
    };
    return attended(scores(), from.value, options, ctx);
  },
});

export const additiveAttention = defineLayer({
  name: "additive_attention",
  doc: "y = softmax(scores)·value, scores = Σ scale·tanh(query + key) over the features (https://arxiv.org/abs/1409.0473).",
  takes: "several",
  options: {
    use_scale: z
      .boolean()
      .default(true)
      .describe("Learn scale, one number a feature; else it is 1."),
    ...shared,
  },
  build(inputs, { use_scale, ...options }, ctx) {
    const from = roles("additive_attention", inputs, ctx);
    checkFeatures("additive_attention", from, ctx);
    const features = from.query.type.shape[2]!;
    const scale = use_scale ? one("scale", glorot, [features], ctx) : undefined;
    return attended(additive(from, undefined, scale), from.value, options, ctx);
  },
});
