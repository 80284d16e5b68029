/**
 * Attention (https://keras.io/api/layers/attention_layers/). Vocabulary: a query looks at the values by the
 * likeness of itself with their keys; T is the number of queries, S that of values and keys.
 */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { add, lessEqual, mul, tanh, where } from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { iota, reshape } from "../../ops/view.ts";
import { softmaxOver } from "../activations.ts";
import { type Constraint, constraintOption } from "../constraints.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { type Regularizer, regularizerOption } from "../regularizers.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";
import { dropped } from "./regularization.ts";

const shared = {
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
interface Shared {
  readonly dropout: number;
  readonly use_causal_mask: boolean;
}

interface Inputs {
  readonly query: Tensor;
  readonly value: Tensor;
  readonly key: Tensor;
}

/** [query, value] or [query, value, key]; the key is the value by default. */
function roles(name: string, inputs: readonly Tensor[], ctx: LayerContext): Inputs {
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

/** softmax(scores) over the last dimension, with what is masked as 0, then dropout. */
function distribution(scores: Tensor, options: Shared, ctx: LayerContext): Tensor {
  const { shape } = scores.type;
  const own = shape.slice(-2); // [T, S]
  const seen = lessEqual(iota(own, 1), iota(own, 0));
  const masked = options.use_causal_mask ? where(seen, scores, -1e9) : scores;
  const weights = softmaxOver(masked, [shape.length - 1]);
  const drops = ctx.training && options.dropout > 0;
  return drops ? dropped(weights, options.dropout, shape, ctx) : weights;
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
    return einsum("bts,bsf->btf", distribution(scores(), options, ctx), from.value);
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
    const weights = distribution(additive(from, undefined, scale), options, ctx);
    return einsum("bts,bsf->btf", weights, from.value);
  },
});

interface Projections {
  readonly use_bias: boolean;
  readonly kernel_initializer: Named<Initializer>;
  readonly bias_initializer: Named<Initializer>;
  readonly kernel_regularizer?: Named<Regularizer> | undefined;
  readonly bias_regularizer?: Named<Regularizer> | undefined;
  readonly kernel_constraint?: Named<Constraint> | undefined;
  readonly bias_constraint?: Named<Constraint> | undefined;
}

/**
 * x·W + b over the last dimensions of x.
 * @param x [rows…, summed…]
 * @returns [rows…, out…], by a kernel [summed…, out…] and a bias [out…]
 */
function project(
  name: string,
  x: Tensor,
  { summed, out }: { readonly summed: number; readonly out: Shape },
  options: Projections,
  ctx: LayerContext,
): Tensor {
  const { shape } = x.type;
  const [rows, inner] = [shape.slice(0, -summed), shape.slice(-summed)];
  const kernel = ctx.weight(`${name}/kernel`, [...inner, ...out], {
    initializer: options.kernel_initializer,
    regularizer: options.kernel_regularizer,
    constraint: options.kernel_constraint,
  });
  const matrix = reshape(kernel, [sizeOf(inner), sizeOf(out)]);
  const product = einsum("ri,io->ro", reshape(x, [sizeOf(rows), sizeOf(inner)]), matrix);
  const y = reshape(product, [...rows, ...out]);
  if (!options.use_bias) return y;
  const bias = ctx.weight(`${name}/bias`, out, {
    initializer: options.bias_initializer,
    regularizer: options.bias_regularizer,
    constraint: options.bias_constraint,
  });
  return add(y, bias);
}

export const multiHeadAttention = defineLayer({
  name: "multi_head_attention",
  doc:
    "In each head, softmax(q·kᵀ/√key_dim)·v of projected queries, keys and values; the heads together are " +
    "projected again (https://arxiv.org/abs/1706.03762). With one input it attends to itself.",
  takes: "some",
  options: {
    num_heads: z.int().positive().describe("Heads, each attending in its own way."),
    key_dim: z.int().positive().describe("Width of queries and keys in a head."),
    value_dim: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe("Width of values in a head; null: key_dim."),
    use_bias: z.boolean().default(true).describe("Add biases to the projections."),
    output_shape: z
      .union([z.int().positive(), z.array(z.int().positive()).min(1)])
      .nullable()
      .default(null)
      .describe("What a query becomes; null: as many features as it has."),
    ...shared,
    kernel_initializer: initializerOption().prefault("glorot_uniform").describe("First kernels."),
    bias_initializer: initializerOption().prefault("zeros").describe("First biases."),
    kernel_regularizer: regularizerOption().optional().describe("Penalty on the kernels."),
    bias_regularizer: regularizerOption().optional().describe("Penalty on the biases."),
    kernel_constraint: constraintOption().optional().describe("What the kernels must satisfy."),
    bias_constraint: constraintOption().optional().describe("What the biases must satisfy."),
  },
  build(inputs, { num_heads, key_dim, value_dim, output_shape, ...options }, ctx) {
    const { query, value, key } = roles("multi_head_attention", inputs, ctx);
    if (options.use_causal_mask && query.type.shape.length > 3) {
      ctx.fail({
        path: ["use_causal_mask"],
        message: "with several dimensions of positions there is no before and after",
        expected: "inputs (None, T, features)",
        received: showShape(query.type.shape),
        fix: "leave it out, or `reshape` to one dimension of positions",
      });
    }
    const heads = (name: string, x: Tensor, width: number) => {
      const [batch, ...rest] = x.type.shape;
      const y = project(name, x, { summed: 1, out: [num_heads, width] }, options, ctx);
      // All dimensions between the batch and the features are positions: [batch, T, heads, width].
      return reshape(y, [batch!, sizeOf(rest.slice(0, -1)), num_heads, width]);
    };
    const q = mul(heads("query", query, key_dim), 1 / Math.sqrt(key_dim));
    const k = heads("key", key, key_dim);
    const v = heads("value", value, value_dim ?? key_dim);
    const weights = distribution(einsum("bthd,bshd->bhts", q, k), options, ctx);
    const y = einsum("bhts,bshd->bthd", weights, v);
    const apart = [...query.type.shape.slice(0, -1), num_heads, value_dim ?? key_dim];
    const out = [output_shape ?? query.type.shape.at(-1)!].flat();
    return project("attention_output", reshape(y, apart), { summed: 2, out }, options, ctx);
  },
});
