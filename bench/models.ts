/**
 * Models of kinds that people train, beside those of the lecture: small ones, so that what each is made of shows. All
 * read MNIST's digits, 100 at a time; bench/peers/peers.py has the same for PyTorch.
 */

const image = "reshape: { target_shape: [28, 28, 1] }";
const relu = "activation: { function: relu }";
const classes = "dense: { units: 10, activation: softmax }";
const pooled = ["global_average_pooling2d", classes];

function conv(filters: number, kernel: number, more = ""): string {
  return `conv2d: { filters: ${filters}, kernel_size: ${kernel}, padding: same${more} }`;
}
const active = ", activation: relu";
const up = (filters: number) =>
  `conv2d_transpose: { filters: ${filters}, kernel_size: 3, strides: 2, padding: same${active} }`;
const depthwise = (strides: number) => [
  `depthwise_conv2d: { kernel_size: 3, padding: same, strides: ${strides} }`,
  "batch_normalization",
  relu,
];
const recurrent = (layer: string) => [
  "reshape: { target_shape: [28, 28] }",
  `${layer}: { units: 128, return_sequences: true }`,
  `${layer}: { units: 128 }`,
  classes,
];

/** Layers by the model's name. */
const layersOf: Readonly<Record<string, readonly string[]>> = {
  Autoencoder: [
    image,
    conv(32, 3, `, strides: 2${active}`),
    conv(64, 3, `, strides: 2${active}`),
    "flatten",
    "dense: { units: 16 }",
    "dense: { units: 1568, activation: relu }",
    "reshape: { target_shape: [7, 7, 32] }",
    up(64),
    up(32),
    "conv2d_transpose: { filters: 1, kernel_size: 3, padding: same, activation: sigmoid }",
    "reshape: { target_shape: [28, 28] }",
  ],
  Depthwise: [
    image,
    conv(32, 3, `, strides: 2${active}`),
    ...depthwise(1),
    ...[conv(64, 1), "batch_normalization", relu],
    ...depthwise(2),
    ...[conv(128, 1), "batch_normalization", relu],
    ...pooled,
  ],
  Groups: [
    image,
    conv(64, 3, active),
    conv(64, 3, `, groups: 8${active}`),
    conv(64, 3, `, groups: 4, strides: 2${active}`),
    conv(128, 1, active),
    ...pooled,
  ],
  Normalized: [
    image,
    ...[conv(32, 3), "batch_normalization", relu, "average_pooling2d"],
    ...[conv(64, 3), "batch_normalization", relu, "average_pooling2d"],
    "flatten",
    classes,
  ],
  "Conv 1-D": [
    "reshape: { target_shape: [196, 4] }",
    "conv1d: { filters: 64, kernel_size: 5, activation: relu }",
    "max_pooling1d",
    "conv1d: { filters: 64, kernel_size: 5, dilation_rate: 2, activation: relu }",
    "conv1d: { filters: 64, kernel_size: 3, strides: 2, activation: relu }",
    "global_max_pooling1d",
    classes,
  ],
  "Conv 3-D": [
    "reshape: { target_shape: [7, 14, 8, 1] }",
    "conv3d: { filters: 16, kernel_size: 3, padding: same, activation: relu }",
    "max_pooling3d: { pool_size: [1, 2, 2] }",
    "conv3d: { filters: 32, kernel_size: 3, padding: same, activation: relu }",
    "global_average_pooling3d",
    classes,
  ],
  GRU: recurrent("gru"),
  Attention: [
    "reshape: { target_shape: [49, 16] }",
    "dense: { units: 64 }",
    "multi_head_attention: { num_heads: 4, key_dim: 16 }",
    "layer_normalization",
    "global_average_pooling1d",
    classes,
  ],
};

export const modelNames: readonly string[] = Object.keys(layersOf);

/** The spec of one of them. */
export function modelText(name: string): string {
  const layers = layersOf[name]!.map((layer) => `  - ${layer}\n`).join("");
  const rebuilds = name === "Autoencoder";
  return `name: ${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}
data: { source: mnist${rebuilds ? ", targets: { y: x }" : ""} }
model:
${layers}loss: ${rebuilds ? "binary_crossentropy" : "sparse_categorical_crossentropy"}
optimizer: adam
train: { batch_size: 100 }
`;
}
