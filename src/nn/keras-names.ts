/** Names that Keras has and nnc has not: what to write, or do, instead. */

const cells =
  "write `simple_rnn`, `lstm` or `gru`; cells on top of each other are such layers one after the other";
const lookups =
  "leave it out: the source makes numbers of texts and categories (`text`, `csv`, `json`, `parquet`)";
const colours =
  "write `random_brightness`, `random_contrast` or `random_grayscale`, or change the images before";
const places = "write `random_rotation`, `random_zoom` or `random_translation`";
const mixed = "leave it out: a layer sees no targets; `label_smoothing` of the loss is near to it";
const others = "write it as a layer of your own: `--plugin FILE` (docs/plugins.md)";
const spectra = "put spectrograms into the data, as `npz` for instance";
const gated = "write two `dense` layers, one with `activation: sigmoid`, and `multiply` both";
const sparse = "write `softmax`, or one of your own with `--plugin FILE`";
const above = "write `relu: { threshold: … }`";

/** By kind, and the name without underscores. */
const instead: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  layer: {
    ...{
      rnn: cells,
      lstmcell: cells,
      grucell: cells,
      simplernncell: cells,
      stackedrnncells: cells,
    },
    ...{ textvectorization: lookups, stringlookup: lookups, integerlookup: lookups },
    ...{ hashing: lookups, hashedcrossing: lookups },
    ...{ randomhue: colours, randomsaturation: colours, randomcolorjitter: colours },
    ...{ randomcolordegeneration: colours, randomsharpness: colours, randominvert: colours },
    ...{ randomposterization: colours, randomgaussianblur: colours, solarization: colours },
    ...{ autocontrast: colours, equalization: colours, augmix: colours, randaugment: colours },
    contrastlimitedadaptivehistogramequalization: colours,
    ...{ randomshear: places, randomperspective: places, randomelastictransform: places },
    randomcrop: "write `random_translation`, and `center_crop` after it",
    randomerasing: "write `dropout` with a `noise_shape`, or `spatial_dropout2d`",
    ...{ mixup: mixed, cutmix: mixed },
    ...{ melspectrogram: spectra, stftspectrogram: spectra },
    lambda: others,
    ...{ jaxlayer: others, flaxlayer: others, tfsmlayer: others, torchmodulewrapper: others },
    inputlayer: "write `input: { shape: … }`",
    reversibleembedding: "write `embedding`, and at the end `dense` with weights of its own",
    pipeline: "list its layers one after the other, or make a block of them",
    ...{ glu: gated, sparsemax: sparse, threshold: above },
  },
  activation: {
    glu: gated,
    sparsemax: sparse,
    threshold: above,
  },
  metric: {
    mean: "name what is averaged: every loss is a metric, and `accuracy` is",
    sum: "name what is counted, as `true_positives`",
  },
  optimizer: {
    schedulefreeadamw: "write `adamw: { use_ema: true }`: the average of the weights is kept",
    lossscaleoptimizer: "write the optimizer itself: nothing is computed in half precision",
    multioptimizer:
      "write one optimizer; `trainable: false` beside a layer leaves its weights as they are",
  },
  initializer: { stft: spectra, stftinitializer: spectra },
  callback: {
    backupandrestore: "leave it out: every run can go on with `train SPEC --resume RUN`",
    learningratescheduler:
      "give the optimizer a schedule: `learning_rate: { exponential_decay: … }`",
    lambdacallback: "write one of your own: `--plugin FILE` (docs/plugins.md)",
    history: "leave it out: the run's folder has `events.jsonl`",
    progbarlogger: "leave it out: progress is shown on a terminal",
    remotemonitor: "leave it out: `--json` prints an event a line, for any program to read",
    swapemaweights: "leave it out: a run with `use_ema` ends with the averages",
    orbaxcheckpoint: "write `model_checkpoint`",
  },
};

/** What to do about a name of some kind that a Keras user would expect. */
export function insteadOfName(kind: string, name: string): string | undefined {
  const plain = name.toLowerCase().replaceAll(/[-_\s]/g, "");
  const own = instead[kind] ?? {};
  return Object.hasOwn(own, plain) ? own[plain] : undefined;
}
