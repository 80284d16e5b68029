/** Gated recurrent units (https://keras.io/api/layers/recurrent_layers/gru/). */
import { z } from "zod";
import { add, mul, sub } from "../../ops/pointwise.ts";
import { defineRecurrent, gateOptions, vectors } from "./recurrent.ts";

const about = {
  name: "gru",
  doc:
    "z, r = recurrent_activation(x[t]·W + h[t − 1]·R + b), h[t] = z·h[t − 1] + (1 − z)·activation(x[t]·W + " +
    "r·(h[t − 1]·R) + b) (https://arxiv.org/abs/1406.1078).",
};

export const gru = defineRecurrent(about, vectors, {
  options: {
    ...gateOptions,
    reset_after: z
      .boolean()
      .default(true)
      .describe("r·(h·R + b), b with a second row for it; false: (r·h)·R."),
  },
  gates: 3,
  states: 1,
  hasTwoBiases: ({ reset_after }) => reset_after,
  step:
    ({ projected: [xz, xr, xh], recurrent, activate }, { reset_after }) =>
    ([before]) => {
      const h = before!;
      const [hz, hr, hh] = recurrent(h, 0, reset_after ? 3 : 2);
      const z = activate(add(xz!, hz!), "recurrent_activation");
      const r = activate(add(xr!, hr!), "recurrent_activation");
      const reset = reset_after ? mul(r, hh!) : recurrent(mul(r, h), 2, 1)[0]!;
      const candidate = activate(add(xh!, reset), "activation");
      return [add(mul(z, h), mul(sub(1, z), candidate))];
    },
});
