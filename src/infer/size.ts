/** How many examples to predict at once, and how much work that is. */
import { graphTensors, sizeOf } from "../ir/graph.ts";
import type { Spec } from "../spec/spec.ts";
import type { InputTypes } from "./graphs.ts";
import { type PredictionPlan, planPrediction } from "./predictor.ts";

/** More at once is not faster, in examples. */
const mostAtOnce = 256;
/** What all tensors of a batch may take, in bytes, had each memory of its own. */
const memory = 2 ** 30;

/**
 * A plan whose batch is a power of two, so that programs are found in the cache whatever the number of
 * examples; smaller where a batch would take too much memory.
 */
export function planFor(spec: Spec, inputs: InputTypes, count: number): PredictionPlan {
  let batch = Math.min(mostAtOnce, 2 ** Math.ceil(Math.log2(Math.max(1, count))));
  for (;;) {
    const plan = planPrediction(spec, { inputs, batch });
    if (batch === 1 || bytesOf(plan) <= memory) return plan;
    batch /= 2;
  }
}

const tensorsOf = ({ graphs }: PredictionPlan) => graphs.graphs.flatMap(graphTensors);

const bytesOf = (plan: PredictionPlan): number =>
  tensorsOf(plan).reduce((sum, x) => sum + 4 * sizeOf(x.type.shape), 0);

/** Multiply-adds and other elements to compute for so many examples. */
export function workOf(plan: PredictionPlan, count: number): number {
  const batches = Math.ceil(count / plan.sizes[0]!);
  const each = tensorsOf(plan).reduce(
    (sum, x) => sum + (x.op.multiplyAdds?.(x) ?? 0) + sizeOf(x.type.shape),
    0,
  );
  return batches * each;
}
