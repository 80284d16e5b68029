/**
 * Attention in several heads (https://keras.io/api/layers/attention_layers/multi_head_attention/); the words are
 * those of attention.ts.
 */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { abs, add, float, less, mul, sigmoid, sub, where } from "../../ops/pointwise.ts";
import { iota, reshape, transpose } from "../../ops/view.ts";
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

interface Projection {
  /** Dimensions of x that are summed. */
  readonly summed: number;
  readonly out: Shape;
  readonly squash?: (y: Tensor) => Tensor;
}
/**
 * squash(x·W + b) over the last dimensions of x.
 * @param x [rows…, summed…]
 * @returns [rows…, out…], by a kernel [summed…, out…] and a bias [out…]
 */
function project(
  name: string,
  x: Tensor,
  { summed, out, squash = (y) => y }: Projection,
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
  // Heads stay a dimension of their own: joined with another, a kernel could not be read as it lies.
  const [r, i, o] = [rows, inner, out].map((dims, k) =>
    dims.map((_, d) => String.fromCharCode(97 + 8 * k + d)).join(""),
  );
  const y = einsum(`${r}${i},${i}${o}->${r}${o}`, x, kernel);
  if (!options.use_bias) return penalised(squash(y), options, ctx);
  const bias = ctx.weight(`${name}/bias`, out, {
    initializer: options.bias_initializer,
    regularizer: options.bias_regularizer,
    constraint: options.bias_constraint,
  });
  return penalised(squash(add(y, bias)), options, ctx);
}

/** Dimensions of an input that are positions to attend to; the others in front of the features go on apart. */
interface Positions {
  readonly attended: readonly number[];
  readonly apart: readonly number[];
}
function positionsOf(axes: number | readonly number[] | null, x: Tensor, ctx: LayerContext) {
  const rank = x.type.shape.length;
  const all = Array.from({ length: rank - 2 }, (_, d) => d + 1);
  const attended = axes === null ? all : [axes].flat().map((a) => (a < 0 ? a + rank : a));
  if (attended.some((d, k) => !all.includes(d) || attended.indexOf(d) !== k)) {
    ctx.fail({
      path: ["attention_axes"],
      message: `these are not positions of ${showShape(x.type.shape)}`,
      expected: `1 to ${rank - 2}, or ${1 - rank + 1} to -2, each once: neither batch nor features`,
      received: JSON.stringify(axes),
      fix: "leave it out to attend to all positions",
    });
  }
  return { attended, apart: all.filter((d) => !attended.includes(d)) };
}
/** [batch, positions…, rest…] as [batch·apart, attended, rest…]. */
function gathered(x: Tensor, { attended, apart }: Positions): Tensor {
  const { shape } = x.type;
  const rest = shape.map((_, d) => d).slice(1 + attended.length + apart.length);
  const size = (dims: readonly number[]) => sizeOf(dims.map((d) => shape[d]!));
  const together = transpose(x, [0, ...apart, ...attended, ...rest]);
  return reshape(together, [size([0, ...apart]), size(attended), ...rest.map((d) => shape[d]!)]);
}
/** The way back, for positions as those of x. */
function scattered(y: Tensor, { attended, apart }: Positions, x: Tensor): Tensor {
  const order = [0, ...apart, ...attended];
  const rest = y.type.shape.slice(2);
  const split = reshape(y, [...order.map((d) => x.type.shape[d]!), ...rest]);
  const back = order.map((_, d) => order.indexOf(d));
  return transpose(split, [...back, ...rest.map((_, k) => order.length + k)]);
}

/** What goes on apart must be as large in the query as in the values. */
function checkApart(query: Tensor, value: Tensor, { apart }: Positions, ctx: LayerContext): void {
  const sizes = [query, value].map((x) => apart.map((d) => x.type.shape[d]!));
  if (sizes[0]!.join() === sizes[1]!.join()) return;
  ctx.fail({
    path: ["attention_axes"],
    message: "query and values differ in a dimension that is not attended to",
    expected: `dimensions ${apart.join(", ")} as in the query, ${showShape(query.type.shape)}`,
    received: showShape(value.type.shape),
    fix: "attend to all dimensions in which they differ",
  });
}

interface Seeing extends Shared {
  readonly sliding_window: number | null;
}
/** Values [T, S] fewer than `window` positions away from the query. */
function near(scores: Tensor, window: number): Tensor {
  const own = scores.type.shape.slice(-2);
  const [t, s] = [float(iota(own, 0)), float(iota(own, 1))];
  return less(abs(sub(t, s)), window);
}

/** The weights of the values in each head, [batch, heads, T, S], with the masks of queries, values and keys. */
function inHeads(
  scores: Tensor,
  inputs: readonly Tensor[],
  positions: Positions,
  options: Seeing,
  ctx: LayerContext,
) {
  const [batch, , t, s] = scores.type.shape as [number, number, number, number];
  const masks = inputs.map((x, i): Mask => {
    const mask = ctx.masks[i];
    return mask && gathered(maskOver(mask, x.type.shape, x.type.shape.length - 1), positions);
  });
  const [query, value, key] = inputs.length === 1 ? [masks[0], masks[0]] : masks;
  const rows = query && reshape(query, [batch, 1, t, 1]);
  const columns = [value, key].map((mask) => mask && reshape(mask, [batch, 1, 1, s]));
  const causal = options.use_causal_mask ? notAhead(scores) : undefined;
  const window = options.sliding_window === null ? undefined : near(scores, options.sliding_window);
  const seen = [rows, ...columns, causal, window].reduce(both);
  const weights = distribution(seen ? where(seen, scores, hidden) : scores, options, ctx);
  // Where a query sees nothing, Keras has the mean of all values; but 0 where it does not use its fused function.
  const fused = options.dropout === 0 && inputs[0]!.type.shape.length === 3;
  return seen && !fused ? where(seen, weights, 0) : weights;
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
    attention_axes: z
      .union([z.int(), z.array(z.int()).min(1)])
      .nullable()
      .default(null)
      .describe("Dimensions to attend to, of several between batch and features; null: all."),
    sliding_window: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe("A query sees values fewer than so many positions away, on both sides."),
    use_gate: z
      .boolean()
      .default(false)
      .describe("Multiply what each head gives by a sigmoid of the query (arXiv 2505.06708)."),
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
