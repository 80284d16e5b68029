/**
 * Layers of several inputs (https://keras.io/api/layers/merging_layers/). Inputs of fewer dimensions get
 * dimensions of 1 behind the batch, and dimensions of 1 repeat, as in Keras.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import * as op from "../../ops/pointwise.ts";
import { fill, concatenate as join, reshape } from "../../ops/view.ts";
import { behind, either, type Mask, maskOver } from "../mask.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";
import { unitLength } from "./normalization-unit.ts";

const listed = (inputs: readonly Tensor[]) => inputs.map((x) => showShape(x.type.shape)).join(", ");

/** Inputs of one rank, and shapes that broadcast. */
function aligned(name: string, inputs: readonly Tensor[], ctx: LayerContext): readonly Tensor[] {
  const rank = Math.max(...inputs.map((x) => x.type.shape.length));
  const shapes = inputs.map(({ type: { shape } }): Shape => {
    const [batch, ...rest] = shape;
    return [batch!, ...Array<number>(rank - shape.length).fill(1), ...rest];
  });
  const clash = shapes[0]!.findIndex(
    (_, d) => new Set(shapes.map((s) => s[d]!).filter((n) => n !== 1)).size > 1,
  );
  if (clash > 0) {
    ctx.fail({
      path: [],
      message: `${name} needs inputs of one shape`,
      expected: `dimension ${clash} the same in all of them, or 1`,
      received: listed(inputs),
      fix: "bring them to one shape first, by `reshape` or by layers of the same width",
    });
  }
  return inputs.map((x, i) => reshape(x, shapes[i]!));
}

/** The inputs' masks over as many of their aligned dimensions as one of them has, though never the last. */
function alignedMasks(inputs: readonly Tensor[], masks: readonly Mask[]): readonly Mask[] {
  const rank = Math.max(...inputs.map((x) => x.type.shape.length));
  const missing = inputs.map((x) => rank - x.type.shape.length);
  const ranks = masks.map((mask, i) => (mask ? mask.type.shape.length + missing[i]! : 0));
  const own = Math.min(Math.max(...ranks), rank - 1);
  return masks.map((mask, i) => {
    if (!mask) return undefined;
    const [batch, ...steps] = inputs[i]!.type.shape.slice(0, own - missing[i]!);
    const ones = Array<number>(missing[i]!).fill(1);
    return reshape(maskOver(mask, [batch!, ...steps], steps.length + 1), [
      batch!,
      ...ones,
      ...steps,
    ]);
  });
}
/** A step is there if it is in any input; without a mask everything is. */
function anyMask(inputs: readonly Tensor[], masks: readonly Mask[]): Mask {
  const own = alignedMasks(inputs, masks);
  return own.reduce((a, b) => a && b && either(a, b));
}

/** An aligned input, and its mask with a dimension of 1 for the features. */
interface Masked {
  readonly x: Tensor;
  readonly mask: Mask;
}

const merge = (
  name: string,
  doc: string,
  join: (inputs: readonly Masked[]) => Tensor,
  takes = Number.POSITIVE_INFINITY,
) =>
  defineLayer({
    name,
    doc,
    takes: "several",
    options: {},
    mask: anyMask,
    build(given, _, ctx) {
      const inputs = takes === 2 ? two(name, given, ctx) : given;
      const xs = aligned(name, inputs, ctx);
      const masks = alignedMasks(inputs, ctx.masks);
      return join(
        xs.map((x, i) => ({ x, mask: masks[i] && behind(masks[i], x.type.shape.length) })),
      );
    },
  });
/** Element by element, whether masked or not. */
const plainly = (f: (a: Tensor, b: Tensor) => Tensor) => (inputs: readonly Masked[]) =>
  inputs.map(({ x }) => x).reduce((a, b) => f(a, b));
/** An element by element choice between the inputs that are there. */
const choosing = (f: (a: Tensor, b: Tensor) => Tensor) => (inputs: readonly Masked[]) =>
  inputs.reduce((a, b): Masked => {
    const other = b.mask ? op.where(b.mask, b.x, a.x) : b.x;
    const own = a.mask ? op.where(a.mask, a.x, other) : a.x;
    return { x: f(own, other), mask: a.mask && b.mask && either(a.mask, b.mask) };
  }).x;

/** The product of the inputs that are there, and 0 where none is. */
function product(inputs: readonly Masked[]): Tensor {
  const y = inputs
    .map(({ x, mask }) => (mask ? op.where(mask, x, 1) : x))
    .reduce((a, b) => op.mul(a, b));
  const any = inputs.map(({ mask }) => mask).reduce((a, b) => a && b && either(a, b));
  return any ? op.where(any, y, 0) : y;
}

export const add = merge("add", "The sum of the inputs, element by element.", plainly(op.add));
export const multiply = merge(
  "multiply",
  "The product of the inputs, element by element, without those that are masked.",
  product,
);
export const maximum = merge(
  "maximum",
  "The largest of the inputs' elements, without those that are masked.",
  choosing(op.maximum),
);
export const minimum = merge(
  "minimum",
  "The smallest of the inputs' elements, without those that are masked.",
  choosing(op.minimum),
);
export const average = merge("average", "The mean of the inputs, element by element.", (inputs) =>
  op.mul(plainly(op.add)(inputs), 1 / inputs.length),
);
export const subtract = merge(
  "subtract",
  "The first input minus the second, element by element.",
  plainly(op.sub),
  2,
);

/** Checks that there are exactly two inputs. */
function two(name: string, inputs: readonly Tensor[], ctx: LayerContext): [Tensor, Tensor] {
  if (inputs.length !== 2) {
    ctx.fail({
      path: [],
      message: `${name} takes exactly two inputs`,
      expected: "`from: [a, b]`",
      received: `${inputs.length} inputs`,
      fix: "use several of these layers for more inputs",
    });
  }
  return [inputs[0]!, inputs[1]!];
}

export const concatenate = defineLayer({
  name: "concatenate",
  doc: "The inputs one after the other along a dimension.",
  takes: "several",
  options: {
    axis: z.int().default(-1).describe("Dimension to join along; 1 is the first behind the batch."),
  },
  mask(inputs, masks, { axis }) {
    const last = inputs[0]!.type.shape.length - 1;
    const dim = axis < 0 ? axis + last + 1 : axis;
    if (masks.every((mask) => mask === undefined)) return undefined;
    if (dim === last) return anyMask(inputs, masks);
    const whole = inputs.map(({ type: { shape } }, i) =>
      maskOver(masks[i] ?? fill(1, [1]), shape, last),
    );
    return join(whole, dim);
  },
  build(inputs, { axis }, ctx) {
    const { shape } = inputs[0]!.type;
    const dim = dimension(axis, inputs[0]!, ["axis"], ctx);
    const fits = inputs.every(
      ({ type: { shape: s } }) =>
        s.length === shape.length && s.every((n, d) => d === dim || n === shape[d]),
    );
    if (!fits) {
      ctx.fail({
        path: [],
        message: "concatenate needs inputs that differ in one dimension only",
        expected: `the same rank, and the same extents but for dimension ${dim}`,
        received: listed(inputs),
        fix: "choose another `axis`, or bring the inputs to one shape first",
      });
    }
    return join(inputs, dim);
  },
});

/** A dimension of an input behind the batch, counted from the end if negative. */
function dimension(
  axis: number,
  x: Tensor,
  path: readonly (string | number)[],
  ctx: LayerContext,
): number {
  const rank = x.type.shape.length;
  const dim = axis < 0 ? axis + rank : axis;
  if (dim >= 1 && dim < rank) return dim;
  return ctx.fail({
    path,
    message: `${showShape(x.type.shape)} has no dimension ${axis} behind the batch`,
    expected: rank > 1 ? `1 to ${rank - 1}, or ${1 - rank} to -1` : "inputs of at least rank 1",
    received: `${axis}`,
    fix: "write -1 for the last dimension",
  });
}

export const dot = defineLayer({
  name: "dot",
  doc: "The dot products of two inputs along a dimension of each: y[n, i…, j…] = Σ a[n, i…, k]·b[n, k, j…].",
  takes: "several",
  mask: "stops",
  options: {
    axes: z
      .union([z.int(), z.array(z.int()).length(2)])
      .describe("The dimension that is summed, one for both inputs or one for each."),
    normalize: z
      .boolean()
      .default(false)
      .describe("Bring the inputs to length 1 along it first: the cosine of the angle."),
  },
  build(inputs, { axes, normalize }, ctx) {
    const pair = two("dot", inputs, ctx);
    const dims = pair.map((x, i) =>
      typeof axes === "number"
        ? dimension(axes, x, ["axes"], ctx)
        : dimension(axes[i]!, x, ["axes", i], ctx),
    );
    const [n, m] = pair.map((x, i) => x.type.shape[dims[i]!]!);
    if (n !== m) {
      ctx.fail({
        path: ["axes"],
        message: "the dimensions to be summed differ in extent",
        expected: `${n}, as dimension ${dims[0]} of ${showShape(pair[0].type.shape)}`,
        received: `${m}, as dimension ${dims[1]} of ${showShape(pair[1].type.shape)}`,
        fix: "choose dimensions of the same extent",
      });
    }
    const [a, b] = normalize ? pair.map((x, i) => unitLength(x, [dims[i]!])) : pair;
    return innerProduct(a!, b!, dims[0]!, dims[1]!);
  },
});

/** [batch, a's other dimensions…, b's other dimensions…], or [batch, 1] where there are none. */
function innerProduct(a: Tensor, b: Tensor, own: number, other: number): Tensor {
  const letters = "acdefghijl";
  const rows = a.type.shape.map((_, d) => (d === 0 ? "b" : d === own ? "k" : letters[d - 1]!));
  const columns = b.type.shape.map((_, d) =>
    d === 0 ? "b" : d === other ? "k" : letters.toUpperCase()[d - 1]!,
  );
  const rest = [...rows, ...columns].filter((c) => c !== "k" && c !== "b").join("");
  const y = einsum(`${rows.join("")},${columns.join("")}->b${rest}`, a, b);
  return rest === "" ? reshape(y, [y.type.shape[0]!, 1]) : y;
}
