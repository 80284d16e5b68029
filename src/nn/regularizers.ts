/** Penalties on weights, added to the loss (https://keras.io/api/layers/regularizers/). */
import { z } from "zod";
import type { Shape, Tensor } from "../ir/graph.ts";
import { einsum } from "../ops/contract.ts";
import { abs, add, equal, float, mul, square, sub } from "../ops/pointwise.ts";
import { sum, unitLength } from "../ops/reduce.ts";
import { iota, transpose } from "../ops/view.ts";
import type { Problem } from "../support/errors.ts";
import { type Definition, named } from "./definition.ts";

export interface Regularizer<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** What does not fit a weight of this shape, if anything; the path starts at the options. */
  unfit?(shape: Shape, options: z.output<z.ZodObject<S>>): Problem | undefined;
  /** The penalty, a tensor of shape []. */
  penalty(w: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
/** Checks a definition's types; the catalogue holds regularizers of all kinds of options. */
export function defineRegularizer<S extends z.ZodRawShape>(r: Regularizer<S>): Regularizer {
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
    aliases: ["l1l2"],
    doc: "l1·Σ|w| + l2·Σw²",
    options: { l1: factor(0), l2: factor(0) },
    penalty: (w, { l1, l2 }) => add(mul(absolute(w), l1), mul(squares(w), l2)),
  }),
  defineRegularizer({
    name: "orthogonal_regularizer",
    doc: "factor times the mean |cos| of the angles between rows, or columns, of a matrix",
    options: {
      factor: factor(0.01),
      mode: z.enum(["rows", "columns"]).default("rows").describe("What is to be orthogonal."),
    },
    unfit(shape) {
      if (shape.length === 2) return undefined;
      return {
        path: [],
        message: "what is to be orthogonal is no matrix",
        expected: "exactly two dimensions",
        received: `shape [${shape.join(", ")}]`,
        fix: "use `l2`",
      };
    },
    penalty(w, { factor, mode }) {
      const x = unitLength(mode === "rows" ? w : transpose(w, [1, 0]), [1]);
      const cosines = einsum("ik,jk->ij", x, x);
      const [size] = cosines.type.shape;
      const others = sub(1, equal(float(iota([size!, size!], 0)), float(iota([size!, size!], 1))));
      // ½·Σ|cos| over i ≠ j counts each of the n(n − 1)/2 pairs once. One row alone has none: Keras says NaN.
      const pairs = Math.max(1, (size! * (size! - 1)) / 2);
      return mul(sum(abs(mul(cosines, others)), undefined, false), (0.5 * factor) / pairs);
    },
  }),
];

/** The spec's reference to a regularizer. */
export const regularizerOption = () => named<Regularizer>("regularizer", () => regularizers);
