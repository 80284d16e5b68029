/**
 * What is compared with Keras: for each kind of thing the files of records, what of a record is compared, and how
 * exactly. The tests take files and tolerances from here, and the table in docs/keras-parity.md is made of it.
 */
import { activations } from "../../src/nn/activations.ts";
import { constraints } from "../../src/nn/constraints.ts";
import { type Definition, namesOf } from "../../src/nn/definition.ts";
import { initializers } from "../../src/nn/initializers.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { losses } from "../../src/nn/losses/index.ts";
import { metrics } from "../../src/nn/metrics/index.ts";
import { optimizers } from "../../src/nn/optimizers/index.ts";
import { regularizers } from "../../src/nn/regularizers.ts";
import { schedules } from "../../src/nn/schedules.ts";
import { fixture, type Options } from "./keras.ts";

export interface Compared {
  readonly title: string;
  readonly definitions: readonly Definition[];
  readonly files: readonly string[];
  readonly compared: string;
  /** Largest |a − b| / max(1, |b|), in double precision; where a fixture says another one, that. */
  readonly tolerance: number;
}

export const parity = {
  layers: {
    title: "Layers",
    definitions: layers,
    files: ["layers", "more_layers", "recurrent_layers", "masks", "random_layers"],
    compared:
      "outputs, masks, gradients of inputs and weights, first values of weights, penalties, statistics after a step",
    tolerance: 1e-6,
  },
  activations: {
    title: "Activations",
    definitions: activations,
    files: ["activations"],
    compared: "values and derivatives, at kinks too",
    tolerance: 3e-7,
  },
  losses: {
    title: "Losses",
    definitions: losses,
    files: ["losses", "masked_losses", "random_losses"],
    compared: "the loss of a batch and its gradient",
    tolerance: 1e-8,
  },
  metrics: {
    title: "Metrics",
    definitions: metrics,
    files: ["metrics", "masked_metrics", "random_metrics"],
    compared: "the value after batches of different size",
    tolerance: 1e-8,
  },
  optimizers: {
    title: "Optimizers",
    definitions: optimizers,
    files: ["optimizers", "random_optimizers"],
    compared: "weights, and their moving averages, after each of three to six steps",
    tolerance: 1e-8,
  },
  schedules: {
    title: "Schedules",
    definitions: schedules,
    files: ["schedules", "random_schedules"],
    compared: "the rate at 10 to 21 steps",
    tolerance: 1e-8,
  },
  initializers: {
    title: "Initializers",
    definitions: initializers,
    files: ["initializers"],
    compared:
      "the distribution: limits, mean and spread within 4.5 standard errors, distance of Kolmogorov; constant ones",
    tolerance: 1e-6,
  },
  regularizers: {
    title: "Regularizers",
    definitions: regularizers,
    files: ["regularizers"],
    compared: "the penalty and its gradient",
    tolerance: 1e-8,
  },
  constraints: {
    title: "Constraints",
    definitions: constraints,
    files: ["constraints"],
    compared: "the weights that come out",
    tolerance: 1e-8,
  },
} as const satisfies Readonly<Record<string, Compared>>;

/** Whole models: the loss of each of their steps, at least three, and all weights after them. */
export const trainedModels = {
  files: ["models", "masked_models", "recurrent_models", "random_models", "whole_models"],
  tolerance: 1e-6,
};

/** The records of a kind of thing. */
export const recordsOf = <T>({ files }: Pick<Compared, "files">): T[] =>
  files.flatMap((file) => fixture<T[]>(file));

interface Case {
  readonly layer?: string;
  readonly name?: string;
  readonly options: Options;
}

/** Every name that occurs as a key or a value anywhere: of a spec, or of what a fixture has for one. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([key, v]) => [key, ...namesIn(v)]);
}

interface ModelCase {
  readonly spec?: Options;
  readonly layers?: unknown;
  readonly loss?: unknown;
  readonly optimizer?: unknown;
}

/** How many models have a thing in them, by its name. */
function modelCounts(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { spec, layers: own, loss, optimizer } of recordsOf<ModelCase>(trainedModels))
    for (const name of new Set(namesIn(spec ?? [own, loss, optimizer])))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function section(kind: Compared, models: ReadonlyMap<string, number>): string {
  const records = recordsOf<Case>(kind);
  const rows = kind.definitions.map((definition) => {
    const names = namesOf(definition);
    const own = records.filter((r) => names.includes(r.layer ?? r.name ?? ""));
    const sets = new Set(own.map((r) => JSON.stringify(r.options))).size;
    const trained = names.reduce((n, name) => n + (models.get(name) ?? 0), 0);
    return `| \`${definition.name}\` | ${own.length} | ${sets} | ${trained || "–"} |`;
  });
  return [
    `## ${kind.title}`,
    "",
    `Compared: ${kind.compared}. Tolerance ${kind.tolerance}.`,
    "",
    "| | cases | option sets | models trained |",
    "|---|---:|---:|---:|",
    ...rows,
  ].join("\n");
}

/** docs/keras-parity.md, as the fixtures make it. */
export function parityTable(): string {
  const models = modelCounts();
  const trained = recordsOf(trainedModels).length;
  const sections = Object.values(parity).map((kind) => section(kind, models));
  return `# What is compared with Keras

Made by \`npm run parity\` of the records in test/fixtures/keras, all of which the tests compare with what nnc
computes; a test fails where this page is not what they make it. The records are Keras 3's numbers, computed in double
precision; [their README](../test/fixtures/keras/README.md) says how they are made, and in what nnc and Keras differ.

A tolerance is the largest |a − b| / max(1, |b|), on the reference interpreter; what TensorFlow computes in single
precision only has 1e-5. Layers are compared on WebAssembly too, in single precision. ${trained} models are trained for
at least three steps from the same weights, most of them drawn at random, some made by hand: the loss of each step and
all weights after them agree to ${trainedModels.tolerance}. The last column says in how many of them a thing occurs. Layers whose training is random
are compared outside training, and where their random numbers can be given.

Other cases than these are drawn and compared by

\`\`\`
npx tsc
node dist/test/draw-cases.js 7 12 2 | python test/fixtures/keras/generate_random.py FOLDER
NNC_KERAS_FIXTURES=FOLDER npm test -- nn/
\`\`\`

with any seed in place of 7.

${sections.join("\n\n")}
`;
}
