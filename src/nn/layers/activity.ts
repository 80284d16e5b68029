/** Penalties on what a layer gives, for any layer (https://keras.io/api/layers/regularizers/). */
import type { Tensor } from "../../ir/graph.ts";
import { mul } from "../../ops/pointwise.ts";
import type { Named } from "../definition.ts";
import { type Regularizer, regularizerOption } from "../regularizers.ts";
import type { LayerContext } from "./layer.ts";

/** The options that such a layer has. */
export const activityOptions = {
  activity_regularizer: regularizerOption()
    .optional()
    .describe("Penalty on what the layer gives, divided by the examples of the batch."),
};
export interface Activity {
  readonly activity_regularizer?: Named<Regularizer> | undefined;
}

/** The same tensor, [batch, …], its penalty added to the loss. */
export function penalised(
  y: Tensor,
  { activity_regularizer: regularizer }: Activity,
  ctx: LayerContext,
): Tensor {
  if (!regularizer) return y;
  const { definition, options } = regularizer;
  const problem = definition.unfit?.(y.type.shape, options);
  if (problem) {
    const path = ["activity_regularizer", definition.name, ...problem.path];
    ctx.fail({ ...problem, path, message: `what it gives: ${problem.message}` });
  }
  ctx.penalise(mul(definition.penalty(y, options), 1 / y.type.shape[0]!));
  return y;
}
