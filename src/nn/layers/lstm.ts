/** Long short-term memory (https://keras.io/api/layers/recurrent_layers/lstm/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { add, mul } from "../../ops/pointwise.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializer } from "../initializers.ts";
import { defineRecurrent, gateOptions, type Recurrence, vectors } from "./recurrent.ts";

/** Gates of the bias: input, forget, candidate, output. */
const gates = 4;

/** The forget gate begins open: its quarter of the bias is 1, the others are as asked for. */
function forgetting(others: Named<Initializer>, units: number): Named<Initializer> {
  const { definition, options } = others;
  // What cannot fill the other quarters is left to be refused by itself.
  if (definition.unfit?.([units])) return others;
  const ones = initializer("ones");
  return {
    options,
    definition: {
      ...definition,
      fill([size], own, random) {
        const fill = (n: number) => definition.fill([n], own, random);
        const forget = ones.definition.fill([units], ones.options, random);
        return Float32Array.of(...fill(units), ...forget, ...fill(size! - 2 * units));
      },
    },
  };
}

const options = {
  ...gateOptions,
  unit_forget_bias: z.boolean().default(true).describe("The forget gate's part of b begins as 1."),
};

/** The cell, whatever its products are. */
export const longShortTerm: Recurrence<typeof options> = {
  options,
  gates,
  states: 2,
  firstBias: ({ unit_forget_bias, bias_initializer }, units) =>
    unit_forget_bias ? forgetting(bias_initializer, units) : bias_initializer,
  step:
    ({ projected, recurrent, activate }) =>
    ([h, c]) => {
      const z = recurrent(h!).map((y, k) => add(projected[k]!, y));
      const open = (k: number): Tensor => activate(z[k]!, "recurrent_activation");
      const candidate = activate(z[2]!, "activation");
      const next = add(mul(open(1), c!), mul(open(0), candidate));
      return [mul(open(3), activate(next, "activation")), next];
    },
};

const about = {
  name: "lstm",
  doc:
    "i, f, o = recurrent_activation(x[t]·W + h[t − 1]·R + b), c[t] = f·c[t − 1] + i·activation(…), " +
    "h[t] = o·activation(c[t]) (https://doi.org/10.1162/neco.1997.9.8.1735).",
};
export const lstm = defineRecurrent(about, vectors, longShortTerm);
