/**
 * Attention in several heads (https://keras.io/api/layers/attention_layers/multi_head_attention/); the words are
 * those of attention.ts.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { mul, sigmoid } from "../../ops/pointwise.ts";
import { reshape } from "../../ops/view.ts";
import { penalised } from "./activity.ts";
import { roles, shared } from "./attention.ts";
import {
  checkApart,
  gathered,
  inHeads,
  positionsOf,
  project,
  projectionOptions,
  scattered,
  slidingWindow,
  useBias,
  useGate,
} from "./attention-parts.ts";
import { defineLayer, showShape } from "./layer.ts";

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
    use_bias: useBias,
    output_shape: z
      .union([z.int().positive(), z.array(z.int().positive()).min(1)])
      .nullable()
      .default(null)
      .describe("What a query becomes; null: as many features as it has."),
    ...shared,
    ...projectionOptions,
    attention_axes: z
      .union([z.int(), z.array(z.int()).min(1)])
      .nullable()
      .default(null)
      .describe("Dimensions to attend to, of several between batch and features; null: all."),
    sliding_window: slidingWindow,
    use_gate: useGate,
  },
  build(inputs, { num_heads, key_dim, value_dim, output_shape, ...options }, ctx) {
    const { query, value, key } = roles("multi_head_attention", inputs, ctx);
    const positions = positionsOf(options.attention_axes, query, ctx);
    checkApart(query, value, positions, ctx);
    const ordered = options.use_causal_mask
      ? "use_causal_mask"
      : options.sliding_window !== null && "sliding_window";
    if (ordered && query.type.shape.length > 3) {
      ctx.fail({
        path: [ordered],
        message: "with several dimensions of positions there is no before and after",
        expected: "inputs (None, T, features)",
        received: showShape(query.type.shape),
        fix: "leave it out, or `reshape` to one dimension of positions",
      });
    }
    const width = value_dim ?? key_dim;
    const heads = (name: string, x: Tensor, out: number, squash = (y: Tensor) => y) => {
      const how = { summed: 1, out: [num_heads, out], squash };
      return gathered(project(name, x, how, options, ctx), positions); // [batch, T, heads, out]
    };
    const q = mul(heads("query", query, key_dim), 1 / Math.sqrt(key_dim));
    const k = heads("key", key, key_dim);
    const gate = options.use_gate ? heads("gate", query, width, sigmoid) : undefined;
    const v = heads("value", value, width);
    const weights = inHeads(einsum("bthd,bshd->bhts", q, k), inputs, positions, options, ctx);
    const y = einsum("bhts,bshd->bthd", weights, v);
    const joined = scattered(gate ? mul(y, gate) : y, positions, query);
    const out = [output_shape ?? query.type.shape.at(-1)!].flat();
    return project("attention_output", joined, { summed: 2, out }, options, ctx);
  },
});

/** Queries of several heads share the keys and values of one. */
export const groupQueryAttention = defineLayer({
  name: "group_query_attention",
  doc:
    "As multi_head_attention, but with fewer heads of keys and values, each for as many heads of queries " +
    "(https://arxiv.org/abs/2305.13245).",
  takes: "some",
  options: {
    head_dim: z.int().positive().describe("Width of queries, keys and values in a head."),
    num_query_heads: z.int().positive().describe("Heads of queries."),
    num_key_value_heads: z
      .int()
      .positive()
      .describe("Heads of keys and values, a divisor of the heads of queries."),
    ...shared,
    use_bias: useBias,
    sliding_window: slidingWindow,
    ...projectionOptions,
    use_gate: useGate,
  },
  check: ({ num_query_heads: queries, num_key_value_heads: values }) =>
    queries % values === 0
      ? undefined
      : {
          path: ["num_key_value_heads"],
          message: `${queries} heads of queries do not divide among ${values} of values`,
          expected: `a divisor of ${queries}`,
          received: `${values}`,
          fix: "write 1, for values that all queries share, or as many as heads of queries",
        },
  build(inputs, { head_dim, num_query_heads, num_key_value_heads, ...options }, ctx) {
    const { query, value, key } = roles("group_query_attention", inputs, ctx);
    const { shape } = query.type;
    if (shape.length !== 3) {
      ctx.fail({
        path: [],
        message: "group_query_attention needs one dimension of positions",
        expected: "(None, T, features)",
        received: showShape(shape),
        fix: "put a `reshape` before it, or use `multi_head_attention`",
      });
    }
    const heads = (name: string, x: Tensor, count: number, squash = (y: Tensor) => y) =>
      project(name, x, { summed: 1, out: [count, head_dim], squash }, options, ctx);
    const [batch, t, features] = shape as [number, number, number];
    const s = value.type.shape[1]!;
    // Head h of the queries is number g of those that share head k: h = each·k + g.
    const each = num_query_heads / num_key_value_heads;
    const grouped = [batch, t, num_key_value_heads, each, head_dim];
    const q = mul(heads("query", query, num_query_heads), 1 / Math.sqrt(head_dim));
    const k = heads("key", key, num_key_value_heads);
    const gate = options.use_gate ? heads("gate", query, num_query_heads, sigmoid) : undefined;
    const v = heads("value", value, num_key_value_heads);
    const scores = einsum("btkgd,bskd->bkgts", reshape(q, grouped), k);
    const positions = positionsOf(null, query, ctx);
    const apart = reshape(scores, [batch, num_query_heads, t, s]);
    const weights = reshape(inHeads(apart, inputs, positions, options, ctx), scores.type.shape);
    const y = reshape(einsum("bkgts,bskd->btkgd", weights, v), q.type.shape);
    const out = { summed: 2, out: [features] };
    const projected = project("attention_output", gate ? mul(y, gate) : y, out, options, ctx);
    // Once as a projection and once as what the layer gives, as in Keras.
    return penalised(projected, options, ctx);
  },
});
