/** Misspelt keys at every level, wrong types, numbers out of range. */
import { type BrokenSpec, broken, override, text } from "./case.ts";

const misspelt: readonly BrokenSpec[] = [
  broken("top", { "⟦optimiser⟧": "sgd", optimizer: undefined }, /did you mean `optimizer`/),
  broken("top, nothing near", { "⟦flavour⟧": "sweet" }, /unknown option "flavour"/),
  broken(
    "data section",
    { data: "{ source: mnist, ⟦validation_spilt⟧: 0.2 }" },
    /validation_split`/,
  ),
  broken("source", { data: "{ ⟦cvs⟧: { path: points.csv, target: y } }" }, /mean `csv`/),
  broken("source by name", { data: "⟦mnits⟧" }, /did you mean `mnist`/),
  broken(
    "source option",
    { data: "{ csv: { path: points.csv, ⟦traget⟧: y } }" },
    /did you mean `target`/,
  ),
  broken("layer", { model: "\n  - ⟦dence⟧: { units: 1 }" }, /did you mean `dense`/),
  broken("layer by name", { model: "\n  - ⟦flaten⟧\n  - dense: { units: 1 }" }, /mean `flatten`/),
  broken(
    "layer option",
    { model: "\n  - dense:\n      units: 1\n      ⟦activaton⟧: relu" },
    /did you mean `activation`/,
  ),
  broken("layer option, required", { model: "\n  - dense: { ⟦unit⟧: 1 }" }, /did you mean `units`/),
  broken(
    "an option in place of all",
    { model: "\n  - activation: ⟦relu⟧\n  - dense: { units: 1 }" },
    /write `activation: \{ function: relu \}`/,
  ),
  broken("a number in place of all", { model: "\n  - dense: ⟦1⟧" }, /`dense: \{ units: 1 \}`/),
  broken(
    "a layer in place of the option",
    { model: "\n  - time_distributed: ⟦{ dense: { units: 1 } }⟧" },
    /needs `layer`/,
    /time_distributed: \{ layer: /,
  ),
  broken(
    "option of a wrapped layer",
    { model: "\n  - time_distributed: { layer: { dense: { ⟦unit⟧: 1 } } }" },
    /unknown option "unit" of layer dense/,
  ),
  broken(
    "wrapped layer",
    { model: "\n  - time_distributed: { layer: ⟦flaten⟧ }" },
    /did you mean `flatten`/,
  ),
  broken(
    "an option that only Keras has",
    { model: "\n  - dense: { units: 1, ⟦data_format⟧: channels_first }" },
    /leave it out: dimensions are always \[batch, …, channels\]/,
  ),
  broken(
    "a layer's name among its options",
    { model: "\n  - dense: { units: 1, ⟦name⟧: head }" },
    /write `name` beside `dense:`, not under it/,
  ),
  broken("reduction", { loss: "{ mse: { reduction: ⟦none⟧ } }" }, /sum_over_batch_size/),
  broken("activation", { model: "\n  - dense: { units: 1, activation: ⟦rellu⟧ }" }, /mean `relu`/),
  broken(
    "activation option",
    { model: "\n  - dense: { units: 1, activation: { leaky_relu: { ⟦negative_slop⟧: 0.1 } } }" },
    /did you mean `negative_slope`/,
  ),
  broken(
    "initializer option",
    { model: "\n  - dense: { units: 1, kernel_initializer: { random_normal: { ⟦std⟧: 1 } } }" },
    /did you mean `stddev`/,
  ),
  broken(
    "regularizer",
    { model: "\n  - dense: { units: 1, kernel_regularizer: { ⟦l3⟧: { l3: 1 } } }" },
    /one of l1, l2/,
  ),
  broken("beside a layer", { model: "\n  - dense: { units: 1 }\n    ⟦form⟧: a" }, /from/),
  broken(
    "option beside its layer",
    { model: "\n  - dense: { units: 1 }\n    ⟦activation⟧: relu" },
    /indent `activation` under `dense`/,
  ),
  broken("loss", { loss: "⟦msee⟧" }, /did you mean `mse`/),
  broken("loss option", { loss: "{ huber: { ⟦dleta⟧: 2 } }" }, /did you mean `delta`/),
  broken("optimizer", { optimizer: "⟦adamm⟧" }, /did you mean `adam`/),
  broken("optimizer option", { optimizer: "{ adam: { ⟦lr⟧: 0.1 } }" }, /learning_rate/),
  broken("metric", { metrics: "[mae, ⟦accurcy⟧]" }, /did you mean `accuracy`/),
  broken("train", { train: "{ ⟦epoch⟧: 3 }" }, /did you mean `epochs`/),
  broken("callback", { callbacks: "[⟦early_stoping⟧]" }, /did you mean `early_stopping`/),
  broken(
    "callback option",
    { callbacks: "\n  - early_stopping: { ⟦patient⟧: 3 }" },
    /did you mean `patience`/,
  ),
  broken(
    "callback's metric",
    { callbacks: "\n  - reduce_lr_on_plateau: { monitor: ⟦val_los⟧ }" },
    /did you mean `val_loss`/,
  ),
  broken("checkpoint", { train: "{ checkpoint: { ⟦step⟧: 3 } }" }, /did you mean `steps`/),
  broken("expect", { expect: '{ ⟦val_accuraccy⟧: ">= 0.9" }' }, /no metric "val_accuraccy"/),
  broken(
    "two at once",
    { train: "{ ⟦epoch⟧: 3, ⟦batchsize⟧: 2 }" },
    /did you mean `epochs`/,
    /did you mean `batch_size`/,
  ),
];

const types: readonly BrokenSpec[] = [
  broken("callbacks, no list", { callbacks: "⟦csv_log⟧" }, /a list/),
  broken(
    "callback outside the run's folder",
    { callbacks: '[{ csv_log: { filename: ⟦"../log.csv"⟧ } }]' },
    /a path inside the run's folder/,
  ),
  broken(
    "callback's file of another kind",
    { callbacks: '[{ model_checkpoint: { filepath: ⟦"w-{epoch}.h5"⟧ } }]' },
    /a file name that ends with \.safetensors/,
  ),
  broken(
    "callback's field that is none",
    { callbacks: '[{ model_checkpoint: { filepath: ⟦"w-{epoch:x}.safetensors"⟧ } }]' },
    /fields such as \{epoch:02d\}/,
  ),
  broken("a time limit of nothing", { callbacks: "[{ time_limit: ⟦{}⟧ }]" }, /minutes: 30/),
  broken(
    "a metric that may go both ways",
    {
      metrics: "[true_positives]",
      callbacks: "[{ early_stopping: { monitor: ⟦true_positives⟧ } }]",
    },
    /`mode: min` or `mode: max`/,
  ),
  broken(
    "a rate that two set",
    {
      optimizer:
        "{ sgd: { learning_rate: { cosine_decay: { initial_learning_rate: 1, decay_steps: 9 } } } }",
      callbacks: "[⟦reduce_lr_on_plateau⟧]",
    },
    /keep one of the two/,
  ),
  broken(
    "two bests",
    {
      metrics: "[mae]",
      callbacks:
        "[model_checkpoint, ⟦{ early_stopping: { monitor: val_mae, restore_best: true } }⟧]",
    },
    /do not agree on the best weights/,
    /monitor: val_loss/,
  ),
  broken(
    "a metric of data that is not there",
    { callbacks: "[⟦early_stopping⟧]" },
    /no validation data/,
    /validation_split/,
  ),
  broken("units as text", { model: "\n  - dense: { units: ⟦ten⟧ }" }, /a number/, /"ten"/),
  broken("units with a fraction", { model: "\n  - dense: { units: ⟦1.5⟧ }" }, /a whole number/),
  broken("negative units", { model: "\n  - dense: { units: ⟦-3⟧ }" }, /more than 0/),
  broken("no units", { model: "\n  - ⟦dense⟧" }, /layer dense needs `units`/),
  broken("a layer that is a number", { model: "\n  - ⟦7⟧" }, /this is not a layer/),
  broken("dropout of 1.5", { model: "\n  - dropout: { rate: ⟦1.5⟧ }" }, /rate.*not right/s, /1/),
  broken("options that are no mapping", { model: "\n  - dense: ⟦3⟧" }, /a mapping of options/),
  broken("one layer, no list", { model: "⟦{ dense: { units: 1 } }⟧" }, /a list/),
  broken("no layers", { model: "⟦[]⟧" }, /at least 1 entry/),
  broken(
    "kernel of three sizes",
    { model: "\n  - conv2d: { filters: 2, kernel_size: ⟦[3, 3, 3]⟧ }" },
    /a number or exactly 2 entries/,
  ),
  broken(
    "padding unknown",
    { model: "\n  - conv2d: { filters: 2, kernel_size: 3, padding: ⟦sam⟧ }" },
    /mean `same`/,
  ),
  broken("batch_size 0", { train: "{ batch_size: ⟦0⟧ }" }, /more than 0/),
  broken("epochs as text", { train: "{ epochs: ⟦many⟧ }" }, /a number/),
  broken("shuffle as text", { train: "{ shuffle: ⟦yes⟧ }" }, /true or false/),
  broken("train as list", { train: "⟦[epochs, 3]⟧" }, /not a mapping/),
  broken("negative seed", { seed: "⟦-1⟧" }, /at least 0/),
  broken("name with a slash", { name: "⟦a/b⟧" }, /letters, digits/),
  broken("expect no comparison", { expect: "{ loss: ⟦small⟧ }" }, /comparison|a number/),
  broken(
    "validation_split 1.2",
    { data: "{ source: mnist, validation_split: ⟦1.2⟧ }" },
    /less than 1/,
  ),
  broken("csv path a list", { data: "{ csv: { path: ⟦[a, b]⟧, target: y } }" }, /a text/),
  broken(
    "two clip options",
    { optimizer: "{ adam: { clipnorm: 1, ⟦clipvalue⟧: 0.5 } }" },
    /one way only/,
    /keep one of clipnorm, clipvalue/,
  ),
  broken(
    "several errors",
    { model: "\n  - dense: { units: ⟦-1⟧ }", loss: "mse", train: "{ epochs: ⟦0⟧ }" },
    /`units`/,
    /`epochs`/,
  ),
  text("no data", "⟦m⟧odel: [{ dense: { units: 1 } }]\nloss: mse\n", /needs `data`/),
  text("no model", "⟦d⟧ata: mnist\nloss: mse\n", /needs `model`/),
  text(
    "no loss",
    "⟦d⟧ata: mnist\nmodel: [{ dense: { units: 1 } }]\n",
    /needs `loss`/,
    /`loss: mse`/,
  ),
];

/** Losses, metrics, optimizers, schedules, constraints. */
const training: readonly BrokenSpec[] = [
  broken(
    "a layer that only Keras has",
    { model: "\n  - ⟦StringLookup⟧\n  - dense: { units: 1 }" },
    /the source makes numbers of texts/,
  ),
  broken(
    "an activation that only Keras has",
    { model: "\n  - dense: { units: 1, activation: ⟦glu⟧ }" },
    /two `dense` layers/,
  ),
  broken(
    "a layer that only Keras has, where there are blocks",
    {
      blocks: "{ head: [{ dense: { units: 1 } }] }",
      model: "\n  - flatten\n  - head\n  - ⟦random_crop⟧: { height: 2, width: 2 }",
    },
    /write `random_translation`/,
  ),
  broken(
    "an option of all of Keras's layers",
    { model: "\n  - relu: { ⟦activity_regularizer⟧: l2 }\n  - dense: { units: 1 }" },
    /put `activity_regularization` after it/,
  ),
  broken(
    "a metric of several numbers",
    { metrics: "[{ f1_score: { average: ⟦null⟧ } }]" },
    /a metric for each class: `f1: \{ class_id: 0 \}`/,
  ),
  broken("loss by a name near", { loss: "⟦logcos⟧" }, /did you mean `log_?cosh`/),
  broken("gamma below 0", { loss: "{ binary_focal_crossentropy: { gamma: ⟦-1⟧ } }" }, /at least 0/),
  broken(
    "alpha for other classes",
    { loss: "{ categorical_focal_crossentropy: { alpha: ⟦[1, 2]⟧ } }" },
    /as many weights as there are classes/,
    /a list of 1/,
  ),
  broken(
    "axis of the batch",
    { loss: "{ cosine_similarity: { axis: ⟦0⟧ } }" },
    /no such dimension/,
    /0 is the batch/,
  ),
  broken(
    "axis of dice",
    { loss: "{ dice: { axis: ⟦[1, 3]⟧ } }" },
    /no such dimension/,
    /`dice|dice:/,
  ),
  broken(
    "target class beyond the classes",
    { metrics: "[{ io_u: { num_classes: 2, target_class_ids: [0, ⟦2⟧] } }]" },
    /no such class/,
    /0 to 1/,
  ),
  broken(
    "one-hot targets of class numbers",
    { metrics: "[{ mean_io_u: { num_classes: 2, sparse_y_true: ⟦false⟧ } }]" },
    /shape of targets that are such too/,
    /sparse_y_pred: false/,
  ),
  broken(
    "correlation of one output",
    { metrics: "[{ pearson_correlation: { axis: ⟦-1⟧ } }]" },
    /correlates with nothing/,
    /use `r2`/,
  ),
  broken("k of 0", { metrics: "[{ top_k_categorical_accuracy: { k: ⟦0⟧ } }]" }, /more than 0/),
  broken("class_id too large", { metrics: "[mae, { recall: { class_id: ⟦1⟧ } }]" }, /0 to 0/),
  broken("top_k too large", { metrics: "{ precision: { top_k: ⟦2⟧ } }" }, /does not fit the 1/),
  broken("auc's curve", { metrics: "[{ auc: { curve: ⟦roc⟧ } }]" }, /mean `ROC`/),
  broken("f1's average", { metrics: "[{ f1_score: { average: ⟦makro⟧ } }]" }, /mean `macro`/),
  broken(
    "muon's expressions",
    { optimizer: "{ muon: { exclude_layers: [⟦'out('⟧] } }" },
    /regular expression/,
  ),
  broken("schedule", { optimizer: "{ sgd: { learning_rate: ⟦cosine_decy⟧ } }" }, /cosine_decay/),
  broken(
    "schedule option",
    {
      optimizer:
        "{ sgd: { learning_rate: { exponential_decay: { initial_learning_rate: 1, decay_rate: 0.5, ⟦decay_step⟧: 5 } } } }",
    },
    /did you mean `decay_steps`/,
  ),
  broken(
    "as many values as boundaries",
    {
      optimizer:
        "{ sgd: { learning_rate: { piecewise_constant_decay: { boundaries: [3, 5], values: ⟦[1, 2]⟧ } } } }",
    },
    /one value more than boundaries/,
    /a list of 3/,
  ),
  broken("negative rate", { optimizer: "{ sgd: { learning_rate: ⟦-1⟧ } }" }, /at least 0/),
  broken("a list of rates", { optimizer: "{ sgd: { learning_rate: ⟦true⟧ } }" }, /a number/),
  broken("accumulate 0", { train: "{ accumulate: ⟦0⟧ }" }, /more than 0/),
  broken(
    "accumulation twice",
    {
      optimizer: "{ sgd: { gradient_accumulation_steps: 2 } }",
      train: "{ accumulate: ⟦4⟧ }",
    },
    /keep one of the two/,
  ),
  broken("ema_momentum 2", { optimizer: "{ adam: { ema_momentum: ⟦2⟧ } }" }, /at most 1/),
  broken(
    "constraint",
    { model: "\n  - dense: { units: 1, kernel_constraint: ⟦maxnorm⟧ }" },
    /did you mean `max_norm`/,
  ),
  broken(
    "constraint along no dimension",
    { model: "\n  - dense: { units: 1, bias_constraint: { unit_norm: { axis: ⟦1⟧ } } }" },
    /layer dense, bias: a weight \[1\] has no such dimensions/,
  ),
  broken(
    "limits the wrong way round",
    {
      model:
        "\n  - dense: { units: 1, kernel_constraint: { min_max_norm: { min_value: ⟦2⟧, max_value: 1 } } }",
    },
    /larger than `max_value`/,
  ),
  broken(
    "no matrix to be orthogonal",
    { model: "\n  - dense: { units: 1, bias_regularizer: ⟦orthogonal_regularizer⟧ }" },
    /is no matrix/,
    /use `l2`/,
  ),
];

const overrides: readonly BrokenSpec[] = [
  override("--set an unknown key", ["train.⟦epoch⟧=3"], /did you mean `epochs`/),
  override("--set a wrong type", ["train.epochs=⟦many⟧"], /a number/),
  override(
    "--set an option of another optimizer",
    ["optimizer.⟦adam⟧.epsilon=1"],
    /optimizer is sgd/,
    /put `--set optimizer=adam` before/,
  ),
];

export const schemaCases = [...misspelt, ...types, ...training, ...overrides];
