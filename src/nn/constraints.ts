/** What weights must satisfy, made so after every step (https://keras.io/api/layers/constraints/). */
import { z } from "zod";
import type { Shape, Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { sum } from "../ops/reduce.ts";
import type { Problem } from "../support/errors.ts";
import { type Definition, named } from "./definition.ts";

export interface Constraint<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** What of the options does not fit a weight of this shape, if anything; the path starts at them. */
  unfit?(shape: Shape, options: z.output<z.ZodObject<S>>): Problem | undefined;
  /** The weight nearby that satisfies it. */
  apply(w: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
/** Checks a definition's types; the catalogue holds constraints of all kinds of options. */
export function defineConstraint<S extends z.ZodRawShape>(c: Constraint<S>): Constraint {
  return c as unknown as Constraint;
}

/** Keras's `backend.epsilon()` */
const epsilon = 1e-7;

const axisOption = z
  .union([z.int(), z.array(z.int()).min(1)])
  .default(0)
  .describe(
    "Dimensions the norm is taken over: 0 for the inputs of a dense kernel, [0, 1, 2] in conv2d.",
  );
type Axis = z.output<typeof axisOption>;

const dimensions = (axis: Axis, { length }: Shape) =>
  [axis].flat().map((a) => (a < 0 ? a + length : a));
/** ‖w‖ over the dimensions of `axis`, which stay as 1. */
const norms = (w: Tensor, axis: Axis) => op.sqrt(sum(op.square(w), dimensions(axis, w.type.shape)));
/** w with other norms: w·wanted/(ε + ‖w‖), ε as Keras has it */
const withNorms = (w: Tensor, wanted: Tensor | number, now: Tensor) =>
  op.mul(w, op.div(wanted, op.add(now, epsilon)));

function unfitAxis(shape: Shape, { axis }: { readonly axis: Axis }): Problem | undefined {
  const dims = dimensions(axis, shape);
  const fits = dims.every((d, k) => d >= 0 && d < shape.length && dims.indexOf(d) === k);
  if (fits) return undefined;
  return {
    path: ["axis"],
    message: `a weight [${shape.join(", ")}] has no such dimensions`,
    expected: `0 to ${shape.length - 1}, or ${-shape.length} to -1, each once`,
    received: JSON.stringify(axis),
  };
}
const norm = (initial: number, what: string) => z.number().min(0).default(initial).describe(what);

export const constraints: readonly Constraint[] = [
  defineConstraint({
    name: "max_norm",
    doc: "Norms of at most max_value",
    options: { max_value: norm(2, "Largest norm."), axis: axisOption },
    unfit: unfitAxis,
    apply(w, { max_value, axis }) {
      const now = norms(w, axis);
      return withNorms(w, op.clip(now, 0, max_value), now);
    },
  }),
  defineConstraint({
    name: "min_max_norm",
    doc: "Norms moved by rate towards the range of min_value to max_value",
    options: {
      min_value: norm(0, "Smallest norm."),
      max_value: norm(1, "Largest norm."),
      rate: z.number().min(0).max(1).default(1).describe("How far to go; 1 is all the way."),
      axis: axisOption,
    },
    check({ min_value, max_value }) {
      if (min_value <= max_value) return undefined;
      return {
        path: ["min_value"],
        message: "`min_value` is larger than `max_value`",
        expected: `at most ${max_value}`,
        received: `${min_value}`,
      };
    },
    unfit: unfitAxis,
    apply(w, { min_value, max_value, rate, axis }) {
      const now = norms(w, axis);
      const inside = op.mul(op.clip(now, min_value, max_value), rate);
      return withNorms(w, op.add(inside, op.mul(now, 1 - rate)), now);
    },
  }),
  defineConstraint({
    name: "non_neg",
    doc: "max(w, 0)",
    options: {},
    apply: (w) => op.maximum(w, 0),
  }),
  defineConstraint({
    name: "unit_norm",
    doc: "Norms of 1",
    options: { axis: axisOption },
    unfit: unfitAxis,
    apply: (w, { axis }) => withNorms(w, 1, norms(w, axis)),
  }),
];

/** The spec's reference to a constraint. */
export const constraintOption = () => named<Constraint>("constraint", () => constraints);
