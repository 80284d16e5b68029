/** The schema of a spec, built from the catalogues of layers, losses, optimizers, metrics and sources. */
import { z } from "zod";
import type { DataSource, Dataset, Loaded, SourceContext } from "../data/dataset.ts";
import { partOptions } from "../data/pipeline.ts";
import { sources } from "../data/sources/index.ts";
import type { Stored } from "../data/stream/stored.ts";
import { callbackOption } from "../nn/callbacks/index.ts";
import { type Definition, inputForms, named, namesOf, section } from "../nn/definition.ts";
import { layers } from "../nn/layers/index.ts";
import type { Layer } from "../nn/layers/layer.ts";
import { optimizerOption } from "../nn/optimizers/index.ts";

/** A source with its options' type forgotten: the schema has checked them. */
export type AnySource = Definition & {
  load(options: Record<string, unknown>, context: SourceContext): Promise<Loaded>;
  stream?: (
    options: Record<string, unknown>,
    context: SourceContext,
    beyond: number,
  ) => Promise<Dataset<Stored> | undefined>;
};
const catalogue = sources as readonly unknown[] as readonly (AnySource & DataSource)[];

const layerName = z
  .string()
  .regex(
    /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/,
    "letters, digits, _ . and - only; with / for what stands in a block (block/layer)",
  );

/** A layer, with what may stand beside its own key. */
export const layerOption = () =>
  named<Layer, typeof layerExtras>("layer", () => layers, layerExtras);
/** What may stand beside the key of a layer or of a block. */
export const layerExtras = {
  name: layerName.optional().describe("What other layers, outputs and weights call it."),
  from: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe("The layer or layers it reads; by default the one above."),
  trainable: z
    .boolean()
    .optional()
    .describe(
      "false: its weights stay as they are, and batch_normalization uses its moving averages.",
    ),
  reuse: z
    .string()
    .optional()
    .describe("A layer or block above that is applied once more, with the same weights."),
  repeat: z
    .int()
    .positive()
    .optional()
    .describe("So many of it in a row; with a name: name_1, name_2 … and name for the last."),
};

const word = z.string().regex(/^[A-Za-z0-9_.-]+$/, "letters, digits, _ . and - only");
/** Anything, as parameters may stand anywhere; what is made of it is checked. Editors get the names. */
const blockEntry = z.unknown();
inputForms.set(blockEntry, () => {
  const names = layers.flatMap((layer) =>
    namesOf(layer).map((name) => [name, z.unknown().optional().describe(layer.doc)] as const),
  );
  const beside = Object.entries(layerExtras).map(
    ([name, { description }]) => [name, z.unknown().optional().describe(description!)] as const,
  );
  const entry = z.looseObject(Object.fromEntries([...names, ...beside]));
  return { form: "either", of: [z.string(), entry] };
});
const blockLayers = z.array(blockEntry).min(1);
const blockSection = section("a block", {
  parameters: z
    .record(word, z.unknown())
    .default({})
    .describe("What its uses may set, with defaults; one without a default must be set."),
  inputs: z
    .array(word)
    .min(1)
    .default(["input"])
    .describe("What its layers call what it reads, in the order of `from`."),
  layers: blockLayers.describe("Its layers; $name stands for the parameter of that name."),
});
const blockOption = z.unknown().transform((value, ctx) => {
  const layers = Array.isArray(value);
  const result = blockSection.safeParse(layers ? { layers: value } : value);
  for (const { path, ...issue } of result.error?.issues ?? [])
    ctx.issues.push({ ...issue, path: layers ? path.slice(1) : path, input: value } as never);
  return result.success ? result.data : z.NEVER;
});
inputForms.set(blockOption, () => ({ form: "either", of: [blockLayers, blockSection] }));
/** Named lists of layers: `{ head: [layers], residual: { parameters, layers } }`. */
export const blocksOption = z.record(word, blockOption);

const sourceOption = () => named<AnySource>("data source", () => catalogue);
const dataSection = section("data", {
  source: sourceOption().describe("Where the examples come from."),
  validation: sourceOption()
    .optional()
    .describe("Another source, whose examples validate; encoded as those that train."),
  ...partOptions,
});
const shortData = sourceOption().transform((source) => ({
  source,
  validation: undefined,
  ...z.object(partOptions).parse({}),
}));

/** `mnist`, `csv: {…}`, or `{ source: …, validation_split: … }`. */
const dataOption = z.unknown().transform((value, ctx) => {
  const long = typeof value === "object" && value !== null && "source" in value;
  const result = (long ? dataSection : shortData).safeParse(value);
  for (const issue of result.error?.issues ?? [])
    ctx.issues.push({ ...issue, input: value } as never);
  return result.success ? result.data : z.NEVER;
});
inputForms.set(dataOption, () => ({ form: "either", of: [sourceOption(), dataSection] }));

const checkpointSection = section("checkpoint", {
  epochs: z.int().positive().default(1).describe("After every so many epochs, and after the last."),
  steps: z.int().positive().optional().describe("After every so many steps, in an epoch too."),
  seconds: z.number().positive().optional().describe("After so much time, in an epoch too."),
  keep: z.int().positive().default(2).describe("How many are kept."),
});

const trainSection = section("train", {
  epochs: z.int().positive().default(1).describe("Times the training data is gone through."),
  batch_size: z.int().positive().default(32).describe("Examples a step."),
  shuffle: z.boolean().default(true).describe("A new order of the examples every epoch."),
  steps: z.int().positive().optional().describe("Stop after this many steps in all."),
  accumulate: z
    .int()
    .positive()
    .optional()
    .describe("Batches whose gradients are averaged for one step of the optimizer."),
  checkpoint: checkpointSection
    .prefault({})
    .describe("When the run is saved so that it can be resumed; stopping it saves it too."),
});

const comparison = z
  .string()
  .regex(
    /^\s*(>=|<=|==|~|>|<)?\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i,
    'a comparison such as ">= 0.97"',
  );
const expectation = z.union([z.number(), comparison]);

/** What stands at the top of a spec. Loss and metrics are checked once the outputs are known. */
export const specShape = {
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9_.-]+$/,
      "letters, digits, _ . and - only (runs are kept in a folder of this name)",
    )
    .optional()
    .describe("Name of the model; by default the file's."),
  seed: z.int().min(0).max(0xffffffff).default(1).describe("Start of all random numbers."),
  data: dataOption.describe("Where examples come from."),
  model: z.array(layerOption()).min(1).describe("The layers; each reads the one above it."),
  blocks: blocksOption
    .optional()
    .describe("Lists of layers with names and parameters, used in the model like layers."),
  outputs: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Layers whose results are compared with targets."),
  loss: z.unknown().optional().describe("What is made small; with several outputs, one for each."),
  loss_weights: z
    .record(z.string(), z.number())
    .optional()
    .describe("Weight of each output's loss."),
  optimizer: optimizerOption().prefault("rmsprop").describe("How weights follow their gradients."),
  metrics: z
    .unknown()
    .optional()
    .describe("What is reported beside the loss; with several outputs, by output."),
  callbacks: z
    .array(callbackOption())
    .default([])
    .describe("What happens after an epoch: an early end, a log, a smaller learning rate …"),
  train: trainSection.prefault({}).describe("How long and in what portions."),
  expect: z
    .record(z.string(), expectation)
    .optional()
    .describe(
      'What must hold at the end: `val_accuracy: ">= 0.97"`; also best_…, parameters, seconds.',
    ),
};
export const specSchema = section("the spec", specShape);
export type ParsedSpec = z.output<typeof specSchema>;
