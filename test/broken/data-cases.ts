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
    /-1 at negative\.csv:2/,
  ),
  broken(
    "labels that are no whole numbers",
    {
      data: "{ csv: { path: halves.csv, target: kind } }",
      model: "\n  - dense: { units: 2, activation: softmax }",
      loss: "⟦sparse_categorical_crossentropy⟧",
    },
    /whole numbers from 0 to 1/,
    /0\.5 at halves\.csv:3/,
  ),
  broken(
    "labels beyond what the loss is for",
    {
      data: "{ csv: { path: classes.csv, target: kind } }",
      model: "\n  - dense: { units: 1, activation: sigmoid }",
      loss: "⟦binary_crossentropy⟧",
    },
    /targets that binary_crossentropy cannot be computed of/,
    /numbers from 0 to 1/,
    /2 at classes\.csv:4/,
    /sparse_categorical_crossentropy/,
  ),
  broken(
    "negative targets, streamed",
    {
      data: "\n  source: { csv: { path: negative.csv, target: kind } }\n  stream: true",
      model: "\n  - dense: { units: 1, activation: sigmoid }",
      loss: "⟦binary_crossentropy⟧",
    },
    /-1 in negative\.csv/,
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
  broken(
    "class weights of no class",
    {
      data: "\n  source: { csv: { path: classes.csv, target: kind } }\n  class_weight: { ⟦amt⟧: 2 }",
      model: "\n  - dense: { units: 3, activation: softmax }",
      loss: "sparse_categorical_crossentropy",
    },
    /no class "amt"/,
    /did you mean `ant`/,
  ),
  broken(
    "stratify without a split",
    { data: "\n  source: { csv: { path: classes.csv, target: kind } }\n  stratify: ⟦true⟧" },
    /nothing is split/,
  ),
  broken(
    "a class too small to stratify",
    {
      data: "\n  source: { csv: { path: classes.csv, target: kind } }\n  validation_split: 0.5\n  stratify: ⟦true⟧",
    },
    /single example/,
  ),
  broken(
    "a limit beyond the data",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  limit: ⟦5⟧" },
    /fewer than 5 examples/,
    /at most 4/,
  ),
  broken(
    "JSON with a slip",
    { data: "{ json: { path: ⟦slip.jsonl⟧, target: y } }" },
    /slip.jsonl:2:8/,
  ),
  broken(
    "text without a target",
    { data: "{ text: ⟦{ path: classes.csv, text: kind }⟧ }" },
    /text needs a target/,
  ),
  broken(
    "text without its column",
    { data: "{ text: { path: classes.csv, text: ⟦kid⟧, target: p } }" },
    /no column "kid"/,
    /did you mean "kind"/,
  ),
  broken(
    "texts of punctuation only",
    { data: "{ text: { path: ⟦dots.csv⟧, target: y } }" },
    /without a single token/,
  ),
  broken(
    "tags that are too few",
    { data: "{ text: { path: ⟦dots.csv⟧, tags: y, standardize: none } }" },
    /dots.csv:3/,
  ),
  broken(
    "a vocabulary larger than the embedding",
    {
      data: "{ text: { path: classes.csv, text: kind, target: p } }",
      model:
        "\n  - embedding: { input_dim: ⟦3⟧, output_dim: 2 }\n  - flatten\n  - dense: { units: 1 }",
    },
    /input_dim: 5/,
  ),
  broken(
    "text for pictures",
    { data: "{ images: { path: ⟦points.csv⟧, target: y, image: a } }" },
    /1 does not exist/,
  ),
  broken(
    "an idx file that is none",
    { data: "{ idx: { x: ⟦points.csv⟧, y: points.csv } }" },
    /no IDX file/,
  ),
  broken(
    "a Parquet file that is none",
    { data: "{ parquet: { path: ⟦points.csv⟧, target: y } }" },
    /no Parquet file/,
  ),
  broken(
    "more words than there are",
    { data: "{ cmudict: { limit: ⟦200000⟧ } }" },
    /at most 117490/,
  ),
  broken(
    "streaming what cannot be streamed",
    { data: "\n  source: blobs\n  stream: ⟦true⟧" },
    /data of blobs cannot be streamed/,
    /one of csv, npz, npy/,
  ),
  broken(
    "streamed data in another order",
    {
      data: "\n  source: { csv: { path: points.csv, target: y } }\n  stream: true\n  shuffle: ⟦true⟧",
    },
    /stays in the order of its files/,
    /train.shuffle/,
  ),
  broken(
    "a window of no size",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  window: ⟦large⟧" },
    /a size such as 32MB/,
  ),
  broken(
    "two sets to validate with",
    {
      data:
        "\n  source: { csv: { path: points.csv, target: y } }" +
        "\n  validation: ⟦mnist⟧\n  validation_split: 0.5",
    },
    /two sets/,
  ),
  broken(
    "validation data of another form",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  validation: ⟦linear⟧" },
    /other inputs than the data that trains/,
    /x \[4\]/,
  ),
  broken(
    "validation data with a file that is missing",
    {
      data:
        "\n  source: { csv: { path: points.csv, target: y } }" +
        "\n  validation: { csv: { path: ⟦point.csv⟧, target: y } }",
    },
    /did you mean points.csv/,
  ),
  broken(
    "a fold that is none",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  folds: 2\n  fold: ⟦3⟧" },
    /1 to 2/,
  ),
  broken(
    "more folds than examples",
    { data: "\n  source: { csv: { path: points.csv, target: y } }\n  folds: ⟦5⟧" },
    /at most 4/,
  ),
];
