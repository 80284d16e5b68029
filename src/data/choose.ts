/**
 * Inputs and targets made of a source's arrays: under other names, the same for several, some of the columns,
 * classes joined to coarser ones. So one source serves several inputs and outputs, and `{ image: x }` makes the
 * examples their own targets.
 */
import { z } from "zod";
import { type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { Dataset, Examples, Samples } from "./dataset.ts";
import type { Encodings } from "./encoding.ts";
import { isStored, type Stored } from "./stream/stored.ts";

const whole = z.int().min(0);
const choice = z.strictObject({
  columns: z
    .array(whole)
    .min(1)
    .optional()
    .describe("Positions along the last dimension, from 0: only these, in this order."),
  classes: z
    .array(whole)
    .min(1)
    .optional()
    .describe("What each class number becomes: the first entry stands for class 0."),
});
type Choice = z.output<typeof choice>;

const array = z.union([
  z.string(),
  z
    .record(z.string(), choice)
    .refine((named) => Object.keys(named).length === 1, "a single name of an array"),
]);
type ArrayChoice = z.output<typeof array>;
type Choices = Readonly<Record<string, ArrayChoice>>;

/** Of the `data` section; a path into them starts there. */
export const chooseOptions = {
  inputs: z
    .record(z.string(), array)
    .optional()
    .describe(
      "The model's inputs: each an array of the source, or a part of it. Default: its own.",
    ),
  targets: z
    .record(z.string(), array)
    .optional()
    .describe(
      "What each output is compared with: an array of the source, or what is made of it; its inputs " +
        "too, as in `{ image: x }`. Default: its own targets.",
    ),
};

export interface Chosen {
  readonly inputs?: Choices | undefined;
  readonly targets?: Choices | undefined;
}

/** @throws ProblemError with paths `["targets", output, …]` */
export function chooseArrays<S extends Samples | Stored>(
  dataset: Dataset<S>,
  { inputs, targets }: Chosen,
): Dataset<S> {
  if (inputs === undefined && targets === undefined) return dataset;
  const chosen = (examples: Examples<S>): Examples<S> => {
    const arrays = new Map([...examples.inputs, ...examples.targets]);
    return {
      ...examples,
      ...(inputs ? { inputs: choose(arrays, inputs, "inputs") } : {}),
      ...(targets ? { targets: choose(arrays, targets, "targets") } : {}),
    };
  };
  const { train, validation, classes, encodings, ...rest } = dataset;
  return {
    ...rest,
    ...(encodings ? { encodings: inputs ? renamed(encodings, inputs) : encodings } : {}),
    train: chosen(train),
    ...(validation ? { validation: chosen(validation) } : {}),
    // Of several targets, or of joined classes, they are not the names.
    ...(classes && targets === undefined ? { classes } : {}),
  };
}

/** How rows and texts became the inputs that are whole arrays; of parts of them nothing can be said. */
const renamed = (encodings: Encodings, inputs: Choices): Encodings =>
  new Map(
    Object.entries(inputs).flatMap(([name, choice]) => {
      const found = typeof choice === "string" ? encodings.get(choice) : undefined;
      return found ? [[name, found] as const] : [];
    }),
  );

function choose<S extends Samples | Stored>(
  arrays: ReadonlyMap<string, S>,
  choices: Choices,
  side: string,
): ReadonlyMap<string, S> {
  const problems: Problem[] = [];
  const found = Object.entries(choices).flatMap(([name, value]): [string, S][] => {
    const bare = typeof value === "string";
    const [key, how] = bare ? [value, {}] : Object.entries(value)[0]!;
    const path: SpecPath = [side, name, ...(bare ? [] : [key])];
    const samples = arrays.get(key);
    if (samples === undefined) problems.push(unknownArray(path, key, [...arrays.keys()]));
    else {
      const made = make<S>(samples, how, path);
      if ("message" in made) problems.push(made);
      else return [[name, made]];
    }
    return [];
  });
  if (problems.length > 0) throw new ProblemError(problems);
  return new Map(found);
}

function unknownArray(path: SpecPath, name: string, names: readonly string[]): Problem {
  const near = suggest(name, names);
  return {
    path,
    at: path.length > 2 ? "key" : "value",
    message: `the data has no array "${name}"`,
    expected: oneOf(names),
    received: name,
    ...(near ? { fix: `did you mean \`${near}\`?` } : {}),
  };
}

function make<S extends Samples | Stored>(
  samples: S,
  { columns, classes }: Choice,
  path: SpecPath,
): S | Problem {
  if (columns === undefined && classes === undefined) return samples;
  if (isStored(samples)) {
    return {
      path,
      message: "streamed arrays are taken as they are",
      expected: "the name of an array",
      received: columns ? "some of its columns" : "its classes joined",
      fix: "save such an array, or write `stream: false` beside the source",
    };
  }
  return makeHeld(samples, { columns, classes }, path) as S | Problem;
}

function makeHeld(
  samples: Samples,
  { columns, classes }: Choice,
  path: SpecPath,
): Samples | Problem {
  const part = columns ? columnsOf(samples, columns, [...path, "columns"]) : samples;
  return classes && !("message" in part) ? joined(part, classes, [...path, "classes"]) : part;
}

/** Some positions of the last dimension. */
function columnsOf(samples: Samples, columns: readonly number[], path: SpecPath) {
  const width = samples.shape.at(-1);
  const beyond = columns.findIndex((column) => width === undefined || column >= width);
  if (width === undefined || beyond >= 0) {
    const problem: Problem = {
      path: width === undefined ? path : [...path, beyond],
      message: "the array has no such column",
      expected: width === undefined ? "no columns: it has one number each" : `0 to ${width - 1}`,
      received: `${columns[beyond]}`,
    };
    return problem;
  }
  const { values } = samples;
  const rows = values.length / width;
  const made = new (values.constructor as new (n: number) => typeof values)(rows * columns.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, column] of columns.entries())
      made[row * columns.length + i] = values[row * width + column]!;
  }
  return { ...samples, shape: [...samples.shape.slice(0, -1), columns.length], values: made };
}

/** Class numbers, each replaced by the entry at its position. */
function joined(samples: Samples, classes: readonly number[], path: SpecPath): Samples | Problem {
  const { values, scale } = samples;
  const odd = values.find((v) => !Number.isInteger(v) || v < 0 || v >= classes.length);
  if (scale !== undefined || odd !== undefined) {
    return {
      path,
      message: "the array has values that this list has no entry for",
      expected: `class numbers from 0 to ${classes.length - 1}`,
      received: scale === undefined ? `${odd}` : "numbers that are no classes",
      fix: "give an entry for every class, the first for class 0",
    };
  }
  return { ...samples, values: Int32Array.from(values, (v) => classes[v]!) };
}
