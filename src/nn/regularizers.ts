/** Penalties on weights, added to the loss (https://keras.io/api/layers/regularizers/). */
import { z } from "zod";
import type { Tensor } from "../ir/graph.ts";
import { abs, add, mul, square } from "../ops/pointwise.ts";
import { sum } from "../ops/reduce.ts";
import { type Definition, named } from "./definition.ts";

export interface Regularizer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** The penalty, a tensor of shape []. */
  penalty(w: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
function defineRegularizer<S extends z.ZodRawShape>(r: Regularizer<S>): Regularizer {
  return r as unknown as Regularizer;
}

const factor = (initial: number) =>
  z.number().min(0).default(initial).describe("Factor of the penalty.");
const absolute = (w: Tensor) => sum(abs(w), undefined, false);
const squares = (w: Tensor) => sum(square(w), undefined, false);

export const regularizers: readonly Regularizer[] = [
  defineRegularizer({
    name: "l1",
    doc: "l1·Σ|w|",
    options: { l1: factor(0.01) },
    penalty: (w, { l1 }) => mul(absolute(w), l1),
  }),
  defineRegularizer({
    name: "l2",
    doc: "l2·Σw²",
    options: { l2: factor(0.01) },
    penalty: (w, { l2 }) => mul(squares(w), l2),
  }),
  defineRegularizer({
    name: "l1_l2",
    doc: "l1·Σ|w| + l2·Σw²",
    options: { l1: factor(0), l2: factor(0) },
    penalty: (w, { l1, l2 }) => add(mul(absolute(w), l1), mul(squares(w), l2)),
  }),
];

/** The spec's reference to a regularizer. */
export const regularizerOption = () => named<Regularizer>("regularizer", () => regularizers);
