/** Data that is missing, or other than the spec says. */
import { type BrokenSpec, broken } from "./case.ts";

export const dataCases: readonly BrokenSpec[] = [
  broken(
    "a missing file",
    { data: "{ csv: { path: ⟦point.csv⟧, target: y } }" },
    /point.csv/,
    /points.csv/,
  ),
  broken("a folder for a file", { data: "{ csv: { path: ⟦.⟧, target: y } }" }, /folder/),
  broken(
    "a missing target column",
    { data: "{ csv: { path: points.csv, target: ⟦z⟧ } }" },
    /no column "?z"?/,
    /"a", "b"/,
  ),
  broken(
    "a missing feature column",
    { data: "{ csv: { path: points.csv, target: y, features: [a, ⟦bb⟧] } }" },
    /no column "?bb"?/,
  ),
  broken(
    "a value missing in the data",
    { data: "{ csv: { path: ⟦holes.csv⟧, target: y } }" },
    /row|line/,
  ),
  broken(
    "too few units for the labels",
    {
      data: "{ csv: { path: classes.csv, target: kind } }",
      model: "\n  - dense: { units: 2, activation: softmax }",
      loss: "⟦sparse_categorical_crossentropy⟧",
    },
    /give layer dense 3 units/,
  ),
  broken(
    "negative labels",
    {
      data: "{ csv: { path: negative.csv, target: kind } }",
      model: "\n  - dense: { units: 2, activation: softmax }",
      loss: "⟦sparse_categorical_crossentropy⟧",
    },
    /whole numbers from 0 to 1/,
  ),
  broken(
    "one_hot of numbers",
    { data: "{ csv: { path: points.csv, target: y, one_hot: ⟦true⟧ } }" },
    /has no classes/,
  ),
  broken(
    "a split that leaves nothing",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  validation_split: ⟦0.99⟧" },
    /none to train on/,
  ),
  broken("more MNIST than there is", { data: "{ mnist: { limit: ⟦70000⟧ } }" }, /at most 60000/),
];
