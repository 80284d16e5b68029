/** Models that do not hang together, and shapes that do not fit. */
import { type BrokenSpec, broken } from "./case.ts";

const wiring: readonly BrokenSpec[] = [
  broken(
    "from an unknown layer",
    {
      model:
        "\n  - dense: { units: 3 }\n    name: first\n  - dense: { units: 1 }\n    from: ⟦frist⟧",
    },
    /no layer "frist"/,
    /did you mean `first`/,
  ),
  broken(
    "from a list with an unknown layer",
    { model: "\n  - dense: { units: 3 }\n    name: a\n  - dense: { units: 1 }\n    from: [⟦b⟧]" },
    /no layer "b"/,
  ),
  broken(
    "a circle",
    {
      model:
        "\n  - input: { shape: [4] }\n  - dense: { units: 3 }\n    name: a\n    from: ⟦b⟧\n  - dense: { units: 3 }\n    name: b\n    from: a\n  - dense: { units: 1 }",
    },
    /in a circle: /,
  ),
  broken(
    "a layer that reads itself",
    {
      model:
        "\n  - input: { shape: [4] }\n  - dense: { units: 3 }\n    name: a\n    from: ⟦a⟧\n  - dense: { units: 1 }",
    },
    /in a circle: a → a/,
  ),
  broken(
    "duplicate names",
    { model: "\n  - dense: { units: 3 }\n    name: a\n  - dense: { units: 1 }\n    name: ⟦a⟧" },
    /two layers are named "a"/,
  ),
  broken(
    "two inputs for one",
    {
      model:
        "\n  - dense: { units: 3 }\n    name: a\n  - dense: { units: 1 }\n    name: b\n  - dense: { units: 1 }\n    from: ⟦[a, b]⟧",
    },
    /exactly one input/,
  ),
  broken(
    "an unused layer",
    {
      model:
        "\n  - input: { shape: [4] }\n    name: x\n  - ⟦{ dense: { units: 3 }, name: a }⟧\n  - dense: { units: 1 }\n    from: x",
    },
    /nothing reads layer a/,
  ),
  broken(
    "an unused input",
    {
      model:
        "\n  - input: { shape: [4] }\n    name: a\n  - ⟦i⟧nput: { shape: [4] }\n    name: b\n  - dense: { units: 1 }\n    from: a",
    },
    /no layer reads the input b/,
  ),
  broken(
    "an input that reads",
    { model: "\n  - input: { shape: [4] }\n    from: ⟦dense⟧\n  - dense: { units: 1 }" },
    /an input reads no other layer/,
  ),
  broken("an unknown output", { outputs: "[⟦result⟧]" }, /no layer "result"/),
];

const heads =
  "\n  - dense: { units: 3 }\n    name: body\n  - dense: { units: 1 }\n    name: left\n  - dense: { units: 1 }\n    name: right\n    from: body";
const outputs: readonly BrokenSpec[] = [
  broken(
    "one loss for two outputs",
    { model: heads, outputs: "[left, right]", loss: "⟦mse⟧" },
    /each needs a loss/,
  ),
  broken(
    "no loss for one of two outputs",
    { model: heads, outputs: "[left, right]", loss: "⟦{ left: mse }⟧" },
    /output right has no loss/,
  ),
  broken(
    "a loss for no output",
    { model: heads, outputs: "[left, right]", loss: "{ left: mse, right: mse, ⟦rihgt⟧: mse }" },
    /no output/,
    /did you mean `right`/,
  ),
  broken(
    "two losses for one output",
    { loss: "\n  mse: {}\n  ⟦mae⟧: {}" },
    /several names where one loss/,
  ),
  broken("a list of losses", { loss: "⟦[mse, mae]⟧" }, /this is not a loss/),
  broken(
    "a weight for no output",
    {
      model: heads,
      outputs: "[left, right]",
      loss: "{ left: mse, right: mse }",
      loss_weights: "{ ⟦lfet⟧: 2 }",
    },
    /did you mean `left`/,
  ),
  broken(
    "metrics for no output",
    {
      model: heads,
      outputs: "[left, right]",
      loss: "{ left: mse, right: mse }",
      metrics: "{ ⟦body⟧: mae }",
    },
    /no output/,
  ),
];

const shapes: readonly BrokenSpec[] = [
  broken(
    "input shape against the data",
    { model: "\n  - input: { shape: ⟦[28, 28]⟧ }\n  - dense: { units: 1 }" },
    /another shape than this input/,
    /write `shape: \[4\]`/,
  ),
  broken(
    "reshape",
    { model: "\n  - reshape: { target_shape: ⟦[3, 2]⟧ }\n  - dense: { units: 1 }" },
    /does not reshape/,
    /4 elements/,
  ),
  broken(
    "reshape with two -1",
    { model: "\n  - reshape: { target_shape: ⟦[-1, -1]⟧ }\n  - dense: { units: 1 }" },
    /at most one -1/,
  ),
  broken(
    "kernel too large",
    {
      model:
        "\n  - reshape: { target_shape: [2, 2, 1] }\n  - conv2d: { filters: 2, kernel_size: ⟦5⟧ }\n  - flatten\n  - dense: { units: 1 }",
    },
    /no window of 5 fits/,
    /padding: same/,
  ),
  broken(
    "dense on a scalar",
    {
      data: "{ csv: { path: points.csv, target: y, features: [a] } }",
      model: "\n  - reshape: { target_shape: [] }\n  - ⟦dense: { units: 1 }⟧",
    },
    /at least one dimension/,
    /reshape: \{ target_shape: \[1\] \}/,
  ),
  broken(
    "convolution of vectors",
    { model: "\n  - ⟦conv2d: { filters: 2, kernel_size: 2 }⟧\n  - dense: { units: 1 }" },
    /needs images/,
  ),
  broken(
    "pooling too large",
    {
      model:
        "\n  - reshape: { target_shape: [2, 2, 1] }\n  - max_pooling2d: { pool_size: ⟦3⟧ }\n  - flatten\n  - dense: { units: 1 }",
    },
    /no window of 3 fits/,
  ),
  broken(
    "groups that do not divide",
    {
      model:
        "\n  - reshape: { target_shape: [2, 1, 2] }\n  - conv2d: { filters: 4, kernel_size: 1, groups: ⟦3⟧ }\n  - flatten\n  - dense: { units: 1 }",
    },
    /groups/,
  ),
  broken(
    "two units for one number",
    { model: "\n  - dense: { units: 2 }", loss: "⟦mse⟧" },
    /mse cannot compare/,
    /1 unit/,
  ),
  broken(
    "classes against a text target",
    {
      data: "{ csv: { path: classes.csv, target: kind } }",
      model: "\n  - dense: { units: 3 }",
      loss: "⟦mse⟧",
    },
    /sparse_categorical_crossentropy/,
  ),
  broken(
    "one-hot loss on class numbers",
    {
      data: "{ csv: { path: classes.csv, target: kind } }",
      model: "\n  - dense: { units: 3, activation: softmax }",
      loss: "⟦categorical_crossentropy⟧",
    },
    /use `sparse_categorical_crossentropy`/,
  ),
  broken(
    "a metric that does not fit",
    {
      data: "{ csv: { path: classes.csv, target: kind } }",
      model: "\n  - dense: { units: 3, activation: softmax }",
      loss: "sparse_categorical_crossentropy",
      metrics: "[⟦categorical_accuracy⟧]",
    },
    /use `sparse_categorical_accuracy`/,
  ),
];

const pair =
  "\n  - input: { shape: [4] }\n    name: x\n  - dense: { units: 3 }\n    name: a\n    from: x\n  - dense: { units: 2 }\n    name: b\n    from: x\n";
const several: readonly BrokenSpec[] = [
  broken(
    "a merge of one",
    { model: "\n  - dense: { units: 3 }\n  - ⟦add⟧\n  - dense: { units: 1 }" },
    /at least two inputs/,
    /from: \[a, b\]/,
  ),
  broken(
    "a sum of different widths",
    { model: `${pair}  - add:\n    from: ⟦[a, b]⟧\n  - dense: { units: 1 }` },
    /add needs inputs of one shape/,
    /it reads a: \(None, 3\), b: \(None, 2\)/,
  ),
  broken(
    "a difference of three",
    { model: `${pair}  - subtract:\n    from: ⟦[a, a, a]⟧\n  - add:\n    from: [subtract, b]` },
    /exactly two inputs/,
  ),
  broken(
    "joined along the batch",
    { model: `${pair}  - concatenate: { axis: ⟦0⟧ }\n    from: [a, b]\n  - dense: { units: 1 }` },
    /no dimension 0/,
  ),
  broken(
    "dot products of different widths",
    { model: `${pair}  - dot: { axes: ⟦-1⟧ }\n    from: [a, b]` },
    /differ in extent/,
  ),
  broken(
    "attention over vectors",
    { model: `${pair}  - attention:\n    from: ⟦[a, b]⟧\n  - dense: { units: 1 }` },
    /needs a query, values/,
  ),
];
const numbersOnly: readonly BrokenSpec[] = [
  broken(
    "more numbers than an embedding has",
    {
      model:
        "\n  - embedding: { input_dim: ⟦5⟧, output_dim: 2 }\n  - flatten\n  - dense: { units: 1 }",
    },
    /whole numbers from 0 to 4/,
    /write `input_dim: 8`/,
  ),
  broken(
    "an embedding of pixels",
    {
      data: "mnist",
      model:
        "\n  - embedding: { input_dim: ⟦256⟧, output_dim: 1 }\n  - flatten\n  - dense: { units: 10, activation: softmax }",
      loss: "sparse_categorical_crossentropy",
    },
    /read an input of whole numbers only/,
  ),
  broken(
    "spatial dropout of vectors",
    { model: "\n  - ⟦spatial_dropout1d: { rate: 0.5 }⟧\n  - dense: { units: 1 }" },
    /needs sequences/,
  ),
  broken(
    "a vector repeated no times",
    { model: "\n  - repeat_vector: { n: ⟦0⟧ }\n  - flatten\n  - dense: { units: 1 }" },
    /more than 0/,
  ),
];

const steps = "\n  - reshape: { target_shape: [2, 2] }\n";
const wrapped: readonly BrokenSpec[] = [
  broken(
    "a wrapper over vectors",
    {
      model:
        "\n  - ⟦time_distributed: { layer: { dense: { units: 3 } } }⟧\n  - dense: { units: 1 }",
    },
    /needs steps with features/,
    /target_shape: \[-1, 1\]/,
  ),
  broken(
    "a wrapped layer that does not fit",
    {
      model: `${steps}  - time_distributed: { layer: { softmax: { axis: ⟦2⟧ } } }\n  - flatten\n  - dense: { units: 1 }`,
    },
    /layer time_distributed: softmax: \(None, 2\) has no such axis/,
  ),
  broken(
    "an initializer of a wrapped layer",
    {
      model: `${steps}  - time_distributed: { layer: { dense: { units: 2, bias_initializer: ⟦orthogonal⟧ } } }\n  - flatten\n  - dense: { units: 1 }`,
    },
    /orthogonal cannot fill bias/,
  ),
  broken(
    "a wrapped layer of several inputs",
    { model: `${steps}  - time_distributed: { layer: ⟦add⟧ }\n  - flatten` },
    /cannot apply add to every step/,
  ),
  broken(
    "more numbers than a wrapped embedding has",
    {
      model: `\n  - input: { shape: [4, 1] }\n  - time_distributed: { layer: { embedding: { input_dim: ⟦5⟧, output_dim: 2 } } }\n  - flatten\n  - dense: { units: 1 }`,
    },
    /whole numbers from 0 to 4/,
    /write `input_dim: 8`/,
  ),
  broken(
    "a matrix regularizer for sequences",
    {
      model: `${steps}  - dense: { units: 2, activity_regularizer: ⟦orthogonal_regularizer⟧ }\n  - flatten\n  - dense: { units: 1 }`,
    },
    /what it gives: .* is no matrix/,
  ),
];

export const modelCases = [
  ...wiring,
  ...outputs,
  ...shapes,
  ...several,
  ...numbersOnly,
  ...wrapped,
];
