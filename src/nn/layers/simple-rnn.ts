/** The plain recurrent layer (https://keras.io/api/layers/recurrent_layers/simple_rnn/). */
import { add } from "../../ops/pointwise.ts";
import { defineRecurrent, vectors } from "./recurrent.ts";

const about = { name: "simple_rnn", doc: "h[t] = activation(x[t]·W + h[t − 1]·R + b)." };

export const simpleRnn = defineRecurrent(about, vectors, {
  options: {},
  gates: 1,
  states: 1,
  step:
    ({ projected: [x], recurrent, activate }) =>
    ([h]) => [activate(add(x!, recurrent(h!)[0]!), "activation")],
});
