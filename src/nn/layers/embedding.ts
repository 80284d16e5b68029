/** Rows of a table by number (https://keras.io/api/layers/core_layers/embedding/). */
import { z } from "zod";
import { clip, integer } from "../../ops/pointwise.ts";
import { take } from "../../ops/take.ts";
import { constraintOption } from "../constraints.ts";
import { initializerOption } from "../initializers.ts";
import { differs } from "../mask.ts";
import { regularizerOption } from "../regularizers.ts";
import { activityOptions, penalised } from "./activity.ts";
import { defineLayer } from "./layer.ts";

export const embedding = defineLayer({
  name: "embedding",
  doc: "y[…, f] = E[x[…], f]: every whole number becomes a learned vector.",
  takes: "one",
  options: {
    input_dim: z
      .int()
      .positive()
      .describe("How many numbers there are: inputs are 0 to input_dim − 1."),
    output_dim: z.int().positive().describe("Length of a vector."),
    embeddings_initializer: initializerOption()
      .prefault({ random_uniform: { minval: -0.05, maxval: 0.05 } })
      .describe("First E."),
    embeddings_regularizer: regularizerOption().optional().describe("Penalty on E."),
    embeddings_constraint: constraintOption().optional().describe("What E must satisfy."),
    ...activityOptions,
    mask_zero: z
      .boolean()
      .default(false)
      .describe("0 stands for padding: layers that follow leave it out, where they know masks."),
  },
  mask: ([x], _, { mask_zero }) => (mask_zero ? differs(x!, 0) : undefined),
  build([x], { input_dim, output_dim, ...options }, ctx) {
    const table = ctx.weight("embeddings", [input_dim, output_dim], {
      initializer: options.embeddings_initializer,
      regularizer: options.embeddings_regularizer,
      constraint: options.embeddings_constraint,
    });
    // A number outside would read other memory; the data is checked before, what layers compute is not.
    return penalised(take(table, integer(clip(x!, 0, input_dim - 1))), options, ctx);
  },
  wants: ({ input_dim }) => ({ lowest: 0, highest: input_dim - 1, option: ["input_dim"] }),
});
