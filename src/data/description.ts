/**
 * `data.json` of a run: what its data looked like, so that the run can be used without it. Shapes and ranges
 * of inputs and targets, names of classes, how rows of a table were encoded, and where the spec's relative
 * paths start.
 */
import { z } from "zod";
import { UsageError } from "../support/errors.ts";
import type { AnySamples, Dataset } from "./dataset.ts";
import { type Encodings, encodingSchema } from "./encoding.ts";
import { extremesOf } from "./extremes.ts";
import { typeOf } from "./stream/stored.ts";

const samplesSchema = z.object({
  /** Of one example. */
  shape: z.array(z.int().nonnegative()),
  type: z.enum(["uint8", "int32", "float32"]),
  /** What the model multiplies stored values by. */
  scale: z.number().optional(),
  /** What is subtracted then, and what the rest is divided by, for each position of the last dimension. */
  standard: z.object({ mean: z.array(z.number()), deviation: z.array(z.number()) }).optional(),
  /** Least and largest stored value of the training data; all there are for bytes. */
  range: z.tuple([z.number(), z.number()]),
});
const descriptionSchema = z.object({
  format: z.literal(1),
  summary: z.string(),
  /** Where the spec's relative paths start, from the run's folder. */
  directory: z.string(),
  examples: z.object({ train: z.int(), validation: z.int() }),
  inputs: z.record(z.string(), samplesSchema),
  targets: z.record(z.string(), samplesSchema),
  /** Names of the classes of a categorical target, by number. */
  classes: z.array(z.string()).optional(),
  encodings: z.record(z.string(), encodingSchema),
});
export type Description = z.output<typeof descriptionSchema>;
export type DescribedSamples = z.output<typeof samplesSchema>;

/** @param directory where relative paths start, as the run's folder has it */
export function describe(dataset: Dataset<AnySamples>, directory: string): Description {
  const { train, validation, classes, encodings = new Map(), summary } = dataset;
  const all = (samples: ReadonlyMap<string, AnySamples>) =>
    Object.fromEntries([...samples].map(([name, s]) => [name, describeSamples(s)]));
  return {
    format: 1,
    summary,
    directory,
    examples: { train: train.count, validation: validation?.count ?? 0 },
    inputs: all(train.inputs),
    targets: all(train.targets),
    ...(classes ? { classes: [...classes] } : {}),
    encodings: Object.fromEntries(encodings),
  };
}

function describeSamples(samples: AnySamples): DescribedSamples {
  const { shape, scale, standard } = samples;
  const type = typeOf(samples);
  const common = {
    ...{ shape: [...shape], type },
    ...(scale === undefined ? {} : { scale }),
    ...(standard && { standard: { mean: [...standard.mean], deviation: [...standard.deviation] } }),
  };
  if (type === "uint8") return { ...common, range: [0, 255] };
  const { least, most } = extremesOf(samples);
  return { ...common, range: least <= most ? [least, most] : [0, 0] };
}

/** @throws UsageError if the text is no description */
export function parseDescription(text: string, file: string): Description {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damagedDescription(file, "it is no JSON");
  }
  const result = descriptionSchema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw damagedDescription(file, `${path.join(".") || "the whole"}: ${message}`);
}

const damagedDescription = (file: string, what: string) =>
  new UsageError(`${file} is damaged: ${what}`, "train again, or restore the run's folder");

export const encodingsOf = ({ encodings }: Description): Encodings =>
  new Map(Object.entries(encodings));
