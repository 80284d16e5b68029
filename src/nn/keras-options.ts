/** Options that Keras has and nnc has not: what to write, or do, instead. Some are those of one kind or name only. */
const instead: Readonly<Record<string, string>> = {
  data_format:
    "leave it out: dimensions are always [batch, …, channels], Keras's `channels_last`; `permute` brings others there",
  seed: "leave it out: all random numbers follow from the spec's own `seed`",
  dtype: "leave it out: all layers compute in one precision, that of the backend",
  return_state:
    "leave it out: a layer gives one tensor; without `return_sequences` it is the last output",
  stateful: "leave it out: every batch begins with states of 0",
  unroll: "leave it out: it changes no number",
  use_cudnn: "leave it out: it changes no number",
  flash_attention: "leave it out: it changes no number",
  loss_scale_factor: "leave it out: it changes no number",
  synchronized: "leave it out: there is one device",
  renorm: "leave it out: statistics of a batch are not corrected by the moving ones",
  renorm_clipping: "leave it out: statistics of a batch are not corrected by the moving ones",
  renorm_momentum: "leave it out: statistics of a batch are not corrected by the moving ones",
  lora_rank: "leave it out: weights are trained as a whole, or not at all (`trainable: false`)",
  lora_alpha: "leave it out: weights are trained as a whole, or not at all (`trainable: false`)",
  quantization_config: "leave it out: weights are numbers of the backend's precision",
  gptq_unpacked_column_size: "leave it out: weights are numbers of the backend's precision",
  bounding_box_format: "leave it out: images have no boxes",
  "layer activity_regularizer": "put `activity_regularization` after it",
  "resizing fill_mode": "leave it out: it belongs to `pad_to_aspect_ratio`",
  "resizing fill_value": "leave it out: it belongs to `pad_to_aspect_ratio`",
  name: "leave it out: it is reported by the name that it has here",
  append: "leave it out: a run that goes on goes on with its files",
  save_weights_only: "leave it out: weights are what is saved",
  save_freq: "write `train: { checkpoint: { steps: 500 } }` to save within an epoch",
  raise_error: "leave it out: a run that ends so fails",
  histogram_freq: "leave it out: the loss and metrics of each epoch are written",
  update_freq: "leave it out: the loss and metrics of each epoch are written",
  write_graph: "leave it out: `nnc inspect` shows graphs",
  profile_batch: "leave it out: `nnc bench --kernels` shows where the time goes",
  weights:
    "leave it out: `--weights FILE.safetensors` gives first values to weights by their names",
  crop_to_aspect_ratio: "leave it out, and put `cropping2d` before the layer",
  pad_to_aspect_ratio: "leave it out, and put `zero_padding2d` before the layer",
  sparse: "leave it out: tensors have all their elements",
  "discretization num_bins": "write `bin_boundaries`, the quantiles of the data for instance",
  "discretization epsilon": "leave it out: it belongs to `num_bins`; write `bin_boundaries`",
  antialias: "leave it out, and put `average_pooling2d` before the layer to shrink an image much",
  input_axes: "leave it out: what is an input and what an output follows from the layer",
  output_axes: "leave it out: what is an input and what an output follows from the layer",
  num_labels: "leave it out: it is the last dimension of the predictions",
  sparse_y_pred: "write `io_u` or `mean_io_u`, which take class numbers",
  from_sorted_ids: "leave it out: predictions are a number for every class",
  "loss axis": "leave it out: classes lie along the last dimension; `permute` brings them there",
  "metric axis": "leave it out: classes lie along the last dimension; `permute` brings them there",
  "activation activation": "write `function`",
  verbose: "leave it out: `--quiet` or `--json` say what is printed",
};
/** The same for values of options that there are. */
const insteadOfValues: Readonly<Record<string, string>> = {
  "average null":
    "a metric is one number: write `average: macro`, or a metric for each class: `f1: { class_id: 0 }`, `f1: { class_id: 1 }` …",
};
/** What to do about a value that a Keras user would expect. */
export const insteadOfValue = (option: string, value: unknown): string | undefined =>
  insteadOfValues[`${option} ${String(value)}`];

/** What stands beside a layer's key. */
const beside = ["name", "trainable"];

/**
 * @param owner what the option was written for, as `layer dense`
 * @returns what to do about an option that a Keras user would expect
 */
export function insteadOf(option: string, owner: string): string | undefined {
  const [kind, name] = owner.split(" ");
  if (kind === "layer" && beside.includes(option))
    return `write \`${option}\` beside \`${name}:\`, not under it`;
  const keys = [`${name} ${option}`, `${kind} ${option}`, option];
  const key = keys.find((k) => Object.hasOwn(instead, k));
  return key === undefined ? undefined : instead[key];
}
