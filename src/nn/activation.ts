/** What an activation function is. */
import type { z } from "zod";
import type { Shape, Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import type { Problem } from "../support/errors.ts";
import type { Definition } from "./definition.ts";

export interface Activation<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** What is wrong with the options for a tensor of this shape, if anything; the path starts at them. */
  unfit?(shape: Shape, options: z.output<z.ZodObject<S>>): Problem | undefined;
  /**
   * Shape in, same shape out.
   * @param outer how many dimensions of x come before those that the options count; by default none
   */
  apply(x: Tensor, options: z.output<z.ZodObject<S>>, outer?: number): Tensor;
}
/** Checks a definition's types; the catalogue holds activations of all kinds of options. */
export function defineActivation<S extends z.ZodRawShape>(a: Activation<S>): Activation {
  return a as unknown as Activation;
}

/** An activation without options: its name, its formula in words, and in ops. */
export const plain = (
  name: string,
  doc: string,
  apply: (x: Tensor) => Tensor,
  aliases: readonly string[] = [],
): Activation => defineActivation({ name, doc, options: {}, aliases, apply: (x) => apply(x) });

/** min(max(x + 3, 0), 6)/6. In this order the slope is 0 at both corners, as in Keras. */
export const hardSigmoid = (x: Tensor): Tensor =>
  op.mul(op.minimum(6, op.relu(op.add(x, 3))), 1 / 6);
