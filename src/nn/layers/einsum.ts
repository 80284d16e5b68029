/** A dense layer in Einstein's notation (https://keras.io/api/layers/core_layers/einsum_dense/). */
import { z } from "zod";
import { type Shape, sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { add } from "../../ops/pointwise.ts";
import { activationOption, applyActivation } from "../activations.ts";
import { activityOptions, penalised } from "./activity.ts";
import { type Equation, parse, problemOf } from "./einsum-equation.ts";
import { biasOptions, kernelOptions, ofBias, ofKernel } from "./kernel.ts";
import { defineLayer, type LayerContext, showShape } from "./layer.ts";

/** An equation for inputs of a shape: every dimension has a letter. */
interface Spelt {
  readonly x: string;
  readonly y: string;
  /** What is in front of the result's own letters. */
  readonly front: string;
  readonly behind: string;
}

function spelt(shape: Shape, { x, kernel, y, others }: Equation, ctx: LayerContext): Spelt {
  const extra = shape.length - x.length;
  if (extra < 0 || (extra > 0 && others === "none")) {
    ctx.fail({
      path: ["equation"],
      message: `the input has ${shape.length} dimensions with its batch, ${x} has ${x.length}`,
      expected: `a letter for each of ${showShape(shape)}`,
      received: x,
      fix: "`...x,xy->...y` takes inputs of any number of dimensions",
    });
  }
  const free = [..."abcdefghijklmnopqrstuvwxyz"].filter((c) => !(x + kernel + y).includes(c));
  const own = free.slice(0, extra).join("");
  const [front, behind] = others === "front" ? [own, ""] : ["", own];
  return { x: front + x + behind, y: front + y + behind, front, behind };
}

/** The size of every letter: of the input's from its shape, of the others from what is wanted of the result. */
function sizesOf(
  shape: Shape,
  { x, front, y, behind }: Spelt,
  wanted: readonly (number | null)[],
  ctx: LayerContext,
): ReadonlyMap<string, number> {
  const made = y.slice(Math.max(1, front.length), y.length - behind.length);
  const received = JSON.stringify(wanted);
  if (wanted.length !== made.length) {
    ctx.fail({
      path: ["output_shape"],
      message: `${wanted.length} numbers for ${made.length} dimensions of the result`,
      expected: made ? `one for each of ${[...made].join(", ")}` : "[]",
      received,
      fix: "leave out the batch and what `...` stands for; null is a size as in the input",
    });
  }
  const sizes = new Map([...x].map((c, d) => [c, shape[d]!]));
  for (const [i, c] of [...made].entries()) {
    const known = sizes.get(c);
    const size = wanted[i] ?? known;
    if (size !== undefined && (known === undefined || size === known)) sizes.set(c, size);
    else {
      ctx.fail({
        path: ["output_shape"],
        message: known ? `"${c}" is ${known} in the input` : `nothing says how large "${c}" is`,
        expected: known ? `${known}, or null, for "${c}"` : `a number for "${c}"`,
        received,
        fix: known ? "write null for what is as in the input" : "only the input's can be null",
      });
    }
  }
  return sizes;
}

/** The sizes of the result's dimensions from the first with a bias on; 1 where all have the same. */
const biasShape = (axes: string, y: string, sizes: ReadonlyMap<string, number>): Shape =>
  [...y]
    .slice(Math.min(...[...axes].map((c) => y.indexOf(c))))
    .map((c) => (axes.includes(c) ? sizes.get(c)! : 1));

const size = z.int().positive();

export const einsumDense = defineLayer({
  name: "einsum_dense",
  doc: "y = activation(x·W + b) by any product that einsum can write; ...x,xy->...y is `dense`.",
  takes: "one",
  mask: "stops",
  options: {
    equation: z
      .string()
      .describe("x,W->y, a letter a dimension, the batch first: abc,cd->abd; ... for any others."),
    output_shape: z
      .union([size, z.array(size.nullable())])
      .describe("Sizes of y without the batch and what ... stands for; null: as in the input."),
    activation: activationOption().prefault("linear").describe("Applied to the result."),
    bias_axes: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe("Dimensions of y along which b differs; null: no b."),
    ...kernelOptions,
    ...biasOptions,
    ...activityOptions,
  },
  check: ({ equation, bias_axes }) => problemOf(equation, parse(equation), bias_axes),
  build([x], { equation, output_shape, activation, bias_axes, ...options }, ctx) {
    const { shape } = x!.type;
    const written = parse(equation)!;
    const letters = spelt(shape, written, ctx);
    // Where `...` stands for nothing the batch has a letter.
    const problem = problemOf(
      equation,
      { ...written, others: letters.front ? "front" : "none" },
      bias_axes,
    );
    if (problem) ctx.fail(problem);
    const sizes = sizesOf(shape, letters, [output_shape].flat(), ctx);
    const of = (some: readonly string[]) => some.map((c) => sizes.get(c)!);
    const own = [...written.kernel];
    const isMade = (c: string) => written.y.includes(c);
    const kernel = ctx.weight("kernel", of(own), {
      ...ofKernel(options),
      fans: {
        fanIn: sizeOf(of(own.filter((c) => !isMade(c)))),
        fanOut: sizeOf(of(own.filter(isMade))),
      },
    });
    const product = einsum(`${letters.x},${written.kernel}->${letters.y}`, x!, kernel);
    const finished = (y: Tensor) =>
      penalised(applyActivation(y, activation, ctx.fail, "activation"), options, ctx);
    if (bias_axes === null) return finished(product);
    const bias = ctx.weight("bias", biasShape(bias_axes, letters.y, sizes), ofBias(options));
    return finished(add(product, bias));
  },
});
