/**
 * What convolution and pooling share: their options in Keras's words, and where windows lie. Inputs
 * are [batch, size…, channels]; an option is one number for all spatial dimensions, or one for each.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import type { Sliding } from "../../ops/window.ts";
import type { LayerContext } from "./layer.ts";
import { showShape } from "./layer.ts";

export type PerDimension = number | readonly number[];
export type Padding = "valid" | "same" | "causal";

/** A whole number, at least `least`, or a list of one for each of the spatial dimensions. */
export const perDimension = (rank: number, least = 1) =>
  z.union([z.int().min(least), z.array(z.int().min(least)).length(rank)]);
export const paddingOption = () =>
  z
    .enum(["valid", "same"])
    .default("valid")
    .describe(
      "valid: only windows inside; same: zeros around, so that ceil(size/stride) are left.",
    );

/** For sequences. */
export const causalPaddingOption = () =>
  z
    .enum(["valid", "same", "causal"])
    .default("valid")
    .describe("valid: only windows inside; same: zeros around; causal: zeros in front only.");

export const each = (value: PerDimension, rank: number): readonly number[] =>
  typeof value === "number" ? Array.from({ length: rank }, () => value) : value;

/** The spatial extents of [batch, size…, channels]. */
export const spatial = ({ type: { shape } }: Tensor): Shape => shape.slice(1, -1);

/** What the spatial dimensions are called. */
export const dimensionNames = (rank: number): readonly string[] =>
  rank === 1 ? ["steps"] : rank === 2 ? ["height", "width"] : ["depth", "height", "width"];

/** Checks that the input is [batch, size…, channels] with that many sizes. */
export function checkRank(layer: string, x: Tensor, rank: number, ctx: LayerContext): void {
  const { shape } = x.type;
  if (shape.length === rank + 2) return;
  const unchannelled = shape.length === rank + 1;
  ctx.fail({
    path: [],
    message: `${layer} needs ${["sequences", "images", "volumes"][rank - 1]} with their channels last`,
    expected: `(${["None", ...dimensionNames(rank), "channels"].join(", ")})`,
    received: showShape(shape),
    fix: unchannelled
      ? `put \`reshape: { target_shape: [${[...shape.slice(1), 1].join(", ")}] }\` before it`
      : `give it inputs of rank ${rank + 1}, by a \`reshape\` before it for instance`,
  });
}

export interface WindowOptions {
  readonly size: PerDimension;
  readonly strides: PerDimension;
  readonly dilation?: PerDimension;
  readonly padding: Padding;
}

/** Elements a window spans, holes included. */
export const spanOf = (size: number, dilation: number): number => dilation * (size - 1) + 1;

/**
 * Where the windows lie over each spatial dimension, as in Keras. valid: floor((n − span)/s) + 1
 * windows; same: ceil(n/s), the padding halved with the odd one at the end; causal: it is all in front.
 * @param option the name of the layer's option that holds the size, for messages
 */
export function slidesOver(
  x: Tensor,
  { size, strides, dilation = 1, padding }: WindowOptions,
  option: string,
  ctx: LayerContext,
): readonly Sliding[] {
  const extents = spatial(x);
  const rank = extents.length;
  const all = [size, strides, dilation].map((v) => each(v, rank));
  return extents.map((n, d) => {
    const [k, stride, holes] = all.map((v) => v[d]!) as [number, number, number];
    const span = spanOf(k, holes);
    if (padding === "valid" && span > n) return tooLarge(x, span, d, option, ctx);
    const out = padding === "valid" ? Math.floor((n - span) / stride) + 1 : Math.ceil(n / stride);
    const total = Math.max((out - 1) * stride + span - n, 0);
    const before = { valid: 0, same: Math.floor(total / 2), causal: span - 1 }[padding];
    return { size: k, stride, dilation: holes, before, out };
  });
}

function tooLarge(x: Tensor, span: number, d: number, option: string, ctx: LayerContext): never {
  const extents = spatial(x);
  const name = dimensionNames(extents.length)[d]!;
  return ctx.fail({
    path: [option],
    message: `no window of ${span} fits into ${name} ${extents[d]}`,
    expected: `at most ${extents[d]}, as the input is ${showShape(x.type.shape)}`,
    received: `${span}`,
    fix: `make \`${option}\` smaller, or write \`padding: same\``,
  });
}

/** Keras's rule for convolutions: windows may have strides or holes, not both. */
export function checkStrides(strides: PerDimension, dilation: PerDimension, ctx: LayerContext) {
  const largest = (v: PerDimension) => Math.max(...[v].flat());
  if (largest(strides) === 1 || largest(dilation) === 1) return;
  ctx.fail({
    path: ["dilation_rate"],
    message: "strides and dilation_rate are both more than 1",
    expected: "one of them 1",
    received: `strides ${JSON.stringify(strides)}, dilation_rate ${JSON.stringify(dilation)}`,
    fix: "leave one of them out",
  });
}
