/** Data made ready inside the model (https://keras.io/api/layers/preprocessing_layers/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { sizeOf } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import {
  abs,
  add,
  clip,
  div,
  equal,
  float,
  floor,
  maximum,
  mul,
  sqrt,
  sub,
} from "../../ops/pointwise.ts";
import { iota, reshape } from "../../ops/view.ts";
import { initializerOption } from "../initializers.ts";
import { constants } from "./constants.ts";
import { checkRank } from "./geometry.ts";
import { defineLayer, type LayerContext, type Observed, showShape } from "./layer.ts";

const numbers = z.union([z.number(), z.array(z.number()).min(1)]);

export const rescaling = defineLayer({
  name: "rescaling",
  doc: "y = scale·x + offset; a list has a number for every channel.",
  takes: "one",
  options: {
    scale: numbers.describe("Factor: 0.00392156862745098 brings bytes to 0 … 1."),
    offset: numbers.default(0).describe("Added after that."),
  },
  build([x], { scale, offset }, ctx) {
    const channels = x!.type.shape.at(-1)!;
    const operand = (option: string, value: number | readonly number[]) => {
      if (typeof value === "number") return value;
      if (value.length === channels) return constants(value, [channels]);
      return ctx.fail({
        path: [option],
        message: `rescaling has ${value.length} numbers for ${channels} channels`,
        expected: `one number, or ${channels} as the input is ${showShape(x!.type.shape)}`,
        received: `${value.length} numbers`,
        fix: "give one for every channel",
      });
    };
    return add(mul(x!, operand("scale", scale)), operand("offset", offset));
  },
});

/** The dimensions that have statistics of their own, as positions in [batch, …], in order. */
function keptDimensions(axis: number | readonly number[] | null, shape: Shape, ctx: LayerContext) {
  const rank = shape.length;
  const dims = axis === null ? [] : [axis].flat().map((a) => (a < 0 ? a + rank : a));
  if (dims.some((d, k) => d < 1 || d >= rank || dims.indexOf(d) !== k)) {
    ctx.fail({
      path: ["axis"],
      message: `${showShape(shape)} has no such dimension`,
      expected: `1 to ${rank - 1}, or ${1 - rank} to -1, each once; 0 is the batch`,
      received: JSON.stringify(axis),
      fix: "write `axis: -1` for statistics a channel, `axis: null` for one of all",
    });
  }
  return dims.sort((a, b) => a - b);
}

/** Mean and variance of data over all dimensions but the kept ones, from those of each element. */
function statistics({ shape, mean, variance }: Observed, kept: readonly number[]) {
  const full = [mean.length / Math.max(1, sizeOf(shape)), ...shape];
  const groups = sizeOf(kept.map((d) => full[d]!));
  const strides = full.map((_, d) => {
    const k = kept.indexOf(d);
    return k < 0 ? 0 : sizeOf(kept.slice(k + 1).map((e) => full[e]!));
  });
  const groupOf = groupIndex(full.slice(1), strides.slice(1));
  const size = sizeOf(shape);
  const perGroup = mean.length / groups;
  const average = (term: (i: number, g: number) => number) => {
    const sums = new Float64Array(groups);
    for (let i = 0; i < mean.length; i++) sums[groupOf[i % size]!]! += term(i, groupOf[i % size]!);
    return sums.map((s) => s / perGroup);
  };
  const centre = average((i) => mean[i]!);
  // Of all values: the variance within the elements, and that of their means.
  const spread = average((i, g) => variance[i]! + (mean[i]! - centre[g]!) ** 2);
  return { mean: centre, variance: spread };
}
/** Which group each element of an example is in. */
function groupIndex(shape: Shape, strides: readonly number[]): Int32Array {
  const groups = new Int32Array(sizeOf(shape));
  for (let i = 0; i < groups.length; i++) {
    let rest = i;
    for (let d = shape.length - 1; d >= 0; d--) {
      groups[i]! += (rest % shape[d]!) * strides[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
  }
  return groups;
}

const [zeros, ones] = ["zeros", "ones"].map((name) => initializerOption().parse(name));
/** Keras's epsilon: no deviation is smaller. */
const least = 1e-7;

export const normalization = defineLayer({
  name: "normalization",
  doc:
    "y = (x − mean)/√variance. Without `mean` and `variance` they are those of the training data, found " +
    "once before training and kept with the weights.",
  takes: "one",
  options: {
    axis: z
      .union([z.int(), z.array(z.int())])
      .nullable()
      .default(-1)
      .describe("Dimension or dimensions with statistics of their own; null: one mean for all."),
    mean: numbers.optional().describe("Mean, one number or one for every position of `axis`."),
    variance: numbers.optional().describe("Variance, of the same form."),
    invert: z.boolean().default(false).describe("The way back: y = x·√variance + mean."),
  },
  build([x], { axis, mean, variance, invert }, ctx) {
    const { shape } = x!.type;
    const kept = keptDimensions(axis, shape, ctx);
    const own = kept.map((d) => shape[d]!);
    const spread = shape.map((n, d) => (kept.includes(d) ? n : 1));
    const given = (name: "mean" | "variance", value: number | readonly number[] | undefined) => {
      if (typeof value === "number")
        return constants(
          [value],
          shape.map(() => 1),
        );
      if (value?.length === sizeOf(own)) return constants(value, spread);
      return ctx.fail({
        path: [name],
        message: `normalization has no ${name} for every position`,
        expected: `one number, or ${sizeOf(own)} as the input is ${showShape(shape)}`,
        received: value === undefined ? "nothing" : `${value.length} numbers`,
        fix: "give both mean and variance, or leave out both to take them from the data",
      });
    };
    const learnt = (name: "mean" | "variance") =>
      reshape(
        ctx.weight(name, own, {
          initializer: name === "mean" ? zeros! : ones!,
          trainable: false,
          observe: (data) => Float32Array.from(statistics(data, kept)[name]),
        }),
        spread,
      );
    const from = mean === undefined && variance === undefined;
    const centre = from ? learnt("mean") : given("mean", mean);
    const deviation = maximum(sqrt(from ? learnt("variance") : given("variance", variance)), least);
    return invert ? add(mul(x!, deviation), centre) : div(sub(x!, centre), deviation);
  },
});

type Interpolation = "bilinear" | "nearest";

/**
 * What every element of an enlarged or shrunk dimension takes from the old ones, [out, n]. Element o lies at
 * s = (o + ½)·n/out − ½; bilinear: max(0, 1 − |s − i|), the border going on; nearest: 1 where i = ⌊s + ½⌋.
 */
function shares(n: number, out: number, interpolation: Interpolation): Tensor {
  const [o, i] = [float(iota([out, n], 0)), float(iota([out, n], 1))];
  const centre = mul(add(o, 0.5), n / out);
  // s + ½ is a multiple of 1/(2·out): a little more, and rounding cannot move it below a whole number.
  if (interpolation === "nearest") return equal(floor(add(centre, 1 / (4 * out))), i);
  const at = clip(sub(centre, 0.5), 0, n - 1);
  return maximum(sub(1, abs(sub(at, i))), 0);
}

/** Images [batch, h, w, channels] of another size. */
export function resized(x: Tensor, height: number, width: number, how: Interpolation): Tensor {
  const [, h, w] = x.type.shape as [number, number, number];
  const rows = h === height ? x : einsum("bhwc,ph->bpwc", x, shares(h, height, how));
  return w === width ? rows : einsum("bhwc,qw->bhqc", rows, shares(w, width, how));
}

export const resizing = defineLayer({
  name: "resizing",
  doc: "Images of another size, by values between neighbours or by the nearest element.",
  takes: "one",
  mask: "stops",
  options: {
    height: z.int().positive().describe("Rows of the result."),
    width: z.int().positive().describe("Columns of the result."),
    interpolation: z
      .enum(["bilinear", "nearest"])
      .default("bilinear")
      .describe("bilinear: linear between the centres of elements; nearest: the nearest one."),
  },
  build([x], { height, width, interpolation }, ctx) {
    checkRank("resizing", x!, 2, ctx);
    return resized(x!, height, width, interpolation);
  },
});
