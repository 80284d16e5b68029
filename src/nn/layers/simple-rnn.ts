/** The plain recurrent layer (https://keras.io/api/layers/recurrent_layers/simple_rnn/). */
import { add } from "../../ops/pointwise.ts";
import { defineRecurrent } from "./recurrent.ts";

export const simpleRnn = defineRecurrent({
  name: "simple_rnn",
  doc: "h[t] = activation(x[t]·W + h[t − 1]·R + b).",
  options: {},
  gates: 1,
  states: 1,
  step:
    ({ projected, recurrent, activate }) =>
    ([h]) => [activate(add(projected, recurrent(h!)), "activation")],
});
