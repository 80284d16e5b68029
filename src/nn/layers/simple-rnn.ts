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
    ({ projected: [x], recurrent, activate }) =>
    ([h]) => [activate(add(x!, recurrent(h!)[0]!), "activation")],
});
