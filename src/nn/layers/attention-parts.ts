/** What attention in several heads is made of; the words are those of attention.ts. */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { abs, add, float, less, sub, where } from "../../ops/pointwise.ts";
import { iota, reshape, transpose } from "../../ops/view.ts";
import { both, hidden, type Mask, maskOver } from "../mask.ts";
import { type Activity, activityOptions, penalised } from "./activity.ts";
import { distribution, notAhead, type Shared } from "./attention.ts";
import {
  type BiasOptions,
  biasOptions,
  type KernelOptions,
  kernelOptions,
  ofBias,
  ofKernel,
} from "./kernel.ts";
import { type LayerContext, showShape } from "./layer.ts";

/** Options of the projections. */
export const useBias = z.boolean().default(true).describe("Add biases to the projections.");
export const projectionOptions = {
  ...kernelOptions,
  ...biasOptions,
  ...activityOptions,
};
/** Options of what is seen, and what becomes of it. */
export const slidingWindow = z
  .int()
  .positive()
  .nullable()
  .default(null)
  .describe("A query sees values fewer than so many positions away, on both sides.");
export const useGate = z
  .boolean()
  .default(false)
  .describe("Multiply what each head gives by a sigmoid of the query (arXiv 2505.06708).");

type Projections = KernelOptions & BiasOptions & Activity & { readonly use_bias: boolean };

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
export function project(
  name: string,
  x: Tensor,
  { summed, out, squash = (y) => y }: Projection,
  options: Projections,
  ctx: LayerContext,
): Tensor {
  const { shape } = x.type;
  const [rows, inner] = [shape.slice(0, -summed), shape.slice(-summed)];
  const kernel = ctx.weight(`${name}/kernel`, [...inner, ...out], {
    ...ofKernel(options),
    fans: { fanIn: sizeOf(inner), fanOut: sizeOf(out) },
  });
  // Heads stay a dimension of their own: joined with another, a kernel could not be read as it lies.
  const [r, i, o] = [rows, inner, out].map((dims, k) =>
    dims.map((_, d) => String.fromCharCode(97 + 8 * k + d)).join(""),
  );
  const y = einsum(`${r}${i},${i}${o}->${r}${o}`, x, kernel);
  if (!options.use_bias) return penalised(squash(y), options, ctx);
  const bias = ctx.weight(`${name}/bias`, out, ofBias(options));
  return penalised(squash(add(y, bias)), options, ctx);
}

/** Dimensions of an input that are positions to attend to; the others in front of the features go on apart. */
export interface Positions {
  readonly attended: readonly number[];
  readonly apart: readonly number[];
}
export function positionsOf(axes: number | readonly number[] | null, x: Tensor, ctx: LayerContext) {
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
export function gathered(x: Tensor, { attended, apart }: Positions): Tensor {
  const { shape } = x.type;
  const rest = shape.map((_, d) => d).slice(1 + attended.length + apart.length);
  const size = (dims: readonly number[]) => sizeOf(dims.map((d) => shape[d]!));
  const together = transpose(x, [0, ...apart, ...attended, ...rest]);
  return reshape(together, [size([0, ...apart]), size(attended), ...rest.map((d) => shape[d]!)]);
}
/** The way back, for positions as those of x. */
export function scattered(y: Tensor, { attended, apart }: Positions, x: Tensor): Tensor {
  const order = [0, ...apart, ...attended];
  const rest = y.type.shape.slice(2);
  const split = reshape(y, [...order.map((d) => x.type.shape[d]!), ...rest]);
  const back = order.map((_, d) => order.indexOf(d));
  return transpose(split, [...back, ...rest.map((_, k) => order.length + k)]);
}

/** What goes on apart must be as large in the query as in the values. */
export function checkApart(
  query: Tensor,
  value: Tensor,
  { apart }: Positions,
  ctx: LayerContext,
): void {
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
export function inHeads(
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
