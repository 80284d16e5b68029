/** The catalogue of layers. A new layer is one definition in a file here and its name in this list. */
import { conv1d, conv2d, depthwiseConv2d } from "./convolution.ts";
import { conv2dTranspose } from "./convolution-transposed.ts";
import { activation, dense, input } from "./core.ts";
import type { Layer } from "./layer.ts";
import { batchNormalization, layerNormalization } from "./normalization.ts";
import * as pooling from "./pooling.ts";
import { dropout } from "./regularization.ts";
import { cropping2d, upSampling2d, zeroPadding2d } from "./resizing.ts";
import { flatten, reshape } from "./shape.ts";

export const layers: readonly Layer[] = [
  input,
  dense,
  activation,
  flatten,
  reshape,
  dropout,
  conv1d,
  conv2d,
  depthwiseConv2d,
  conv2dTranspose,
  pooling.maxPooling1d,
  pooling.maxPooling2d,
  pooling.averagePooling1d,
  pooling.averagePooling2d,
  pooling.globalMaxPooling1d,
  pooling.globalMaxPooling2d,
  pooling.globalAveragePooling1d,
  pooling.globalAveragePooling2d,
  zeroPadding2d,
  cropping2d,
  upSampling2d,
  batchNormalization,
  layerNormalization,
];
