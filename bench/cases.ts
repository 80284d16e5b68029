/** What the suite measures, as data. A peer's figures belong to a case by its name. */

import { type MakeSpec, makeLstm, ofText } from "./made-specs.ts";
import { modelNames, modelText } from "./models.ts";

export interface TrainingCase {
  readonly name: string;
  /** A bundled spec, or one that is made. */
  readonly spec: string | MakeSpec;
  /** Absent: the one that the suite is told to use. */
  readonly backend?: string;
}
export const trainingCases: readonly TrainingCase[] = [
  { name: "MLP", spec: "mlp.yaml" },
  { name: "CNN valid", spec: "cnn.yaml" },
  { name: "CNN same", spec: "cnn-tf.yaml" },
  { name: "LSTM", spec: makeLstm },
  { name: "ResNet", spec: "resnet.yaml" },
  ...modelNames.map((name) => ({ name, spec: ofText(modelText(name)) })),
  { name: "MLP on WebAssembly", spec: "mlp.yaml", backend: "webasm" },
];

/** Prediction of the first `examples` validation images, `batch` at a time. */
export interface InferenceCase {
  readonly name: string;
  readonly spec: string;
  readonly examples: number;
  readonly batch: number;
}
export const inferenceCases: readonly InferenceCase[] = [
  { name: "MLP", spec: "mlp.yaml", examples: 10_000, batch: 1000 },
  { name: "CNN valid", spec: "cnn.yaml", examples: 10_000, batch: 1000 },
  { name: "CNN same", spec: "cnn-tf.yaml", examples: 10_000, batch: 1000 },
];

/** A product and what it multiplies; images are square, channels last. */
export type Shape =
  | {
      readonly kind: "dense";
      readonly batch: number;
      readonly inputs: number;
      readonly units: number;
    }
  | {
      readonly kind: "conv";
      readonly batch: number;
      readonly size: number;
      readonly channels: number;
      readonly filters: number;
      readonly kernel: number;
      readonly stride: number;
      readonly padding: "same" | "valid";
    };

const dense = (batch: number, inputs: number, units: number): Shape => ({
  kind: "dense",
  ...{ batch, inputs, units },
});
const conv = (
  batch: number,
  size: number,
  channels: number,
  filters: number,
  kernel: number,
  more: { readonly stride?: number; readonly padding?: "same" | "valid" } = {},
): Shape => {
  const { stride = 1, padding = "same" } = more;
  return { kind: "conv", ...{ batch, size, channels, filters, kernel, stride, padding } };
};

/** An odd shape beside the tidy one that it differs from in one thing. */
export interface ShapePair {
  readonly name: string;
  readonly tidy: Shape;
  readonly odd: Shape;
}
export const shapePairs: readonly ShapePair[] = [
  { name: "batch 37", tidy: dense(32, 784, 256), odd: dense(37, 784, 256) },
  { name: "129 units", tidy: dense(100, 256, 128), odd: dense(100, 256, 129) },
  { name: "37 × 129 × 65", tidy: dense(32, 128, 64), odd: dense(37, 129, 65) },
  { name: "5 classes", tidy: dense(100, 256, 16), odd: dense(100, 256, 5) },
  { name: "501 × 503 × 509", tidy: dense(512, 512, 512), odd: dense(501, 503, 509) },
  { name: "1 channel", tidy: conv(100, 28, 16, 32, 5), odd: conv(100, 28, 1, 32, 5) },
  { name: "1 filter", tidy: conv(100, 28, 32, 16, 5), odd: conv(100, 28, 32, 1, 5) },
  {
    name: "padding valid",
    tidy: conv(100, 12, 32, 64, 5),
    odd: conv(100, 12, 32, 64, 5, { padding: "valid" }),
  },
  {
    name: "3×3 stride 2",
    tidy: conv(32, 16, 32, 64, 3),
    odd: conv(32, 16, 32, 64, 3, { stride: 2 }),
  },
  { name: "33 channels", tidy: conv(32, 16, 32, 64, 3), odd: conv(32, 16, 33, 64, 3) },
  { name: "size 13, batch 37", tidy: conv(32, 12, 32, 32, 3), odd: conv(37, 13, 32, 32, 3) },
];
