/** Losses of how far predictions and targets overlap (https://keras.io/api/losses/probabilistic_losses/). */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import type { Problem } from "../../support/errors.ts";
import { defineLoss, dimension, epsilon, type Loss, unfitAxis } from "./loss.ts";

type Axis = number | readonly number[] | null;

const axisOption = z
  .union([z.int(), z.array(z.int()).min(1)])
  .nullable()
  .default(null)
  .describe(
    "Dimensions that are summed, one or a list; without it all, so that a batch has one loss.",
  );
const listed = (axis: number | readonly number[]) => (typeof axis === "number" ? [axis] : axis);

/** Sums over the dimensions, which go; null is all of them, the batch too. */
function over(x: Tensor, axis: Axis): Tensor {
  if (axis === null) return sum(x, undefined, false);
  const dims = new Set(listed(axis).map((a) => dimension(a, x.type.shape)!));
  return sum(x, [...dims], false);
}

function unfit(shape: Shape, axis: Axis, mask?: Shape): Problem | undefined {
  if (axis !== null)
    return listed(axis)
      .map((a) => unfitAxis(a, shape, mask))
      .find((problem) => problem !== undefined);
  if (!mask) return undefined;
  return {
    path: [],
    message: "it sums all of the batch, in which some steps are masked",
    fix: "say with `axis` which dimensions behind the steps are summed: `axis: -1`",
  };
}

export const overlapLosses: readonly Loss[] = [
  defineLoss({
    name: "dice",
    doc: "1 − 2·Σ y·ŷ/(Σ y + Σ ŷ + 1e-7) (Milletari et al. 2016)",
    targets: "values",
    predicts: "truth",
    options: { axis: axisOption },
    unfit: (shape, { axis }, mask) => unfit(shape, axis, mask),
    batchwise: ({ axis }) => axis === null,
    perSample(y, p, { axis }) {
      const shared = op.mul(over(op.mul(y, p), axis), 2);
      const all = op.add(op.add(over(y, axis), over(p, axis)), epsilon);
      return op.sub(1, op.div(shared, all));
    },
  }),
  defineLoss({
    name: "tversky",
    doc: "1 − Σ y·ŷ/(Σ y·ŷ + alpha·Σ y·(1 − ŷ) + beta·Σ (1 − y)·ŷ + 1e-7) (Salehi et al. 2017)",
    targets: "values",
    predicts: "truth",
    options: {
      // Keras's documentation has them the other way round, its code so.
      alpha: z.number().min(0).default(0.5).describe("Weight of what is missed, y·(1 − ŷ)."),
      beta: z.number().min(0).default(0.5).describe("Weight of what is there too much, (1 − y)·ŷ."),
      axis: axisOption,
    },
    unfit: (shape, { axis }, mask) => unfit(shape, axis, mask),
    batchwise: ({ axis }) => axis === null,
    perSample(y, p, { alpha, beta, axis }) {
      const shared = over(op.mul(y, p), axis);
      const missed = op.mul(over(op.mul(y, op.sub(1, p)), axis), alpha);
      const extra = op.mul(over(op.mul(op.sub(1, y), p), axis), beta);
      const all = op.add(op.add(op.add(shared, missed), extra), epsilon);
      return op.sub(1, op.div(shared, all));
    },
  }),
];
