/** The catalogue of layers. A new layer is one definition in a file here and its name in this list. */
import { activationLayers } from "./activations.ts";
import * as attention from "./attention.ts";
import { groupQueryAttention, multiHeadAttention } from "./attention-heads.ts";
import * as augmentation from "./augmentation.ts";
import { bidirectional } from "./bidirectional.ts";
import * as borders from "./borders.ts";
import * as categories from "./categories.ts";
import { centerCrop } from "./center-crop.ts";
import { convLstm1d, convLstm2d, convLstm3d } from "./conv-lstm.ts";
import { conv1d, conv2d, conv3d } from "./convolution.ts";
import * as separable from "./convolution-separable.ts";
import * as transposed from "./convolution-transposed.ts";
import { activation, dense, identity, input } from "./core.ts";
import { einsumDense } from "./einsum.ts";
import { embedding } from "./embedding.ts";
import { gru } from "./gru.ts";
import type { Layer } from "./layer.ts";
import { lstm } from "./lstm.ts";
import { masking } from "./masking.ts";
import * as merge from "./merge.ts";
import * as normalization from "./normalization.ts";
import { unitNormalization } from "./normalization-unit.ts";
import * as pooling from "./pooling.ts";
import { adaptivePooling } from "./pooling-adaptive.ts";
import * as preprocessing from "./preprocessing.ts";
import * as regularization from "./regularization.ts";
import { upSampling1d, upSampling2d, upSampling3d } from "./resizing.ts";
import * as shape from "./shape.ts";
import { simpleRnn } from "./simple-rnn.ts";
import { spectralNormalization } from "./spectral.ts";
import { wrappers } from "./wrappers.ts";

export const layers: readonly Layer[] = [
  input,
  dense,
  einsumDense,
  activation,
  embedding,
  masking,
  identity,
  ...activationLayers,
  shape.flatten,
  shape.reshape,
  shape.permute,
  shape.repeatVector,
  merge.add,
  merge.subtract,
  merge.multiply,
  merge.average,
  merge.maximum,
  merge.minimum,
  merge.concatenate,
  merge.dot,
  regularization.dropout,
  regularization.spatialDropout1d,
  regularization.spatialDropout2d,
  regularization.spatialDropout3d,
  regularization.gaussianNoise,
  regularization.gaussianDropout,
  regularization.alphaDropout,
  regularization.activityRegularization,
  conv1d,
  conv2d,
  conv3d,
  separable.depthwiseConv1d,
  separable.depthwiseConv2d,
  separable.separableConv1d,
  separable.separableConv2d,
  transposed.conv1dTranspose,
  transposed.conv2dTranspose,
  transposed.conv3dTranspose,
  pooling.maxPooling1d,
  pooling.maxPooling2d,
  pooling.maxPooling3d,
  pooling.averagePooling1d,
  pooling.averagePooling2d,
  pooling.averagePooling3d,
  pooling.globalMaxPooling1d,
  pooling.globalMaxPooling2d,
  pooling.globalMaxPooling3d,
  pooling.globalAveragePooling1d,
  pooling.globalAveragePooling2d,
  pooling.globalAveragePooling3d,
  ...adaptivePooling,
  borders.zeroPadding1d,
  borders.zeroPadding2d,
  borders.zeroPadding3d,
  borders.cropping1d,
  borders.cropping2d,
  borders.cropping3d,
  upSampling1d,
  upSampling2d,
  upSampling3d,
  normalization.batchNormalization,
  normalization.layerNormalization,
  normalization.groupNormalization,
  normalization.rmsNormalization,
  unitNormalization,
  simpleRnn,
  lstm,
  gru,
  convLstm1d,
  convLstm2d,
  convLstm3d,
  bidirectional(() => layers),
  ...wrappers(() => layers),
  spectralNormalization(() => layers),
  attention.attention,
  attention.additiveAttention,
  multiHeadAttention,
  groupQueryAttention,
  preprocessing.rescaling,
  preprocessing.normalization,
  preprocessing.resizing,
  centerCrop,
  categories.categoryEncoding,
  categories.discretization,
  augmentation.randomFlip,
  augmentation.randomTranslation,
  augmentation.randomRotation,
  augmentation.randomZoom,
  augmentation.randomContrast,
  augmentation.randomBrightness,
  augmentation.randomGrayscale,
];
