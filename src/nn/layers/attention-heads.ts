/**
 * Attention in several heads (https://keras.io/api/layers/attention_layers/multi_head_attention/); the words are
 * those of attention.ts.
 */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { add, mul, where } from "../../ops/pointwise.ts";
import { reshape } from "../../ops/view.ts";
import { type Constraint, constraintOption } from "../constraints.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { both, hidden, type Mask, maskOver } from "../mask.ts";
import { type Regularizer, regularizerOption } from "../regularizers.ts";
import { type Activity, activityOptions, penalised } from "./activity.ts";
import { distribution, notAhead, roles, type Shared, shared } from "./attention.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";

interface Projections extends Activity {
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
  if (!options.use_bias) return penalised(y, options, ctx);
  const bias = ctx.weight(`${name}/bias`, out, {
    initializer: options.bias_initializer,
    regularizer: options.bias_regularizer,
    constraint: options.bias_constraint,
  });
  return penalised(add(y, bias), options, ctx);
}

/** The weights of the values in each head, [batch, heads, T, S], with the masks of queries, values and keys. */
function inHeads(scores: Tensor, inputs: readonly Tensor[], options: Shared, ctx: LayerContext) {
  const [batch, , t, s] = scores.type.shape as [number, number, number, number];
  const masks = inputs.map((x, i): Mask => {
    const mask = ctx.masks[i];
    return mask && maskOver(mask, x.type.shape, x.type.shape.length - 1);
  });
  const [query, value, key] = inputs.length === 1 ? [masks[0], masks[0]] : masks;
  const rows = query && reshape(query, [batch, 1, t, 1]);
  const columns = [value, key].map((mask) => mask && reshape(mask, [batch, 1, 1, s]));
  const causal = options.use_causal_mask ? notAhead(scores) : undefined;
  const seen = [rows, ...columns, causal].reduce(both);
  const weights = distribution(seen ? where(seen, scores, hidden) : scores, options, ctx);
  // Where a query sees nothing, Keras has the mean of all values; but 0 if the layer has a dropout.
  return seen && options.dropout > 0 ? where(seen, weights, 0) : weights;
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
    ...activityOptions,
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
    const weights = inHeads(einsum("bthd,bshd->bhts", q, k), inputs, options, ctx);
    const y = einsum("bhts,bshd->bthd", weights, v);
    const apart = [...query.type.shape.slice(0, -1), num_heads, value_dim ?? key_dim];
    const out = [output_shape ?? query.type.shape.at(-1)!].flat();
    return project("attention_output", reshape(y, apart), { summed: 2, out }, options, ctx);
  },
});
