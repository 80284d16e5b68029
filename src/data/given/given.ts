/**
 * Examples to predict from, as people have them: pictures, tables, JSON, NumPy arrays. What a file is, its
 * name and its first bytes say; how its content becomes numbers is known from the data that trained the model.
 */
import { beginning } from "../beginning.ts";
import { type Samples, sampleForm } from "../dataset.ts";
import type { DescribedSamples } from "../description.ts";
import type { Encodings } from "../encoding.ts";
import { pictureForm } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";

/** What the model was trained on: its inputs, and how rows became numbers. */
export interface Wanted {
  readonly inputs: ReadonlyMap<string, DescribedSamples>;
  readonly encodings: Encodings;
}

export interface GivenFile {
  readonly place: Place;
  readonly bytes: Buffer;
}

export interface Given {
  readonly count: number;
  /** In the form that training had, by input. */
  readonly inputs: ReadonlyMap<string, Samples>;
  /** What each example is called: `digit.png`, `iris.csv:3`. */
  readonly names: readonly string[];
  /** What was done to them beyond reading, or looks odd; for people. */
  readonly notes: readonly string[];
}

export interface GivenOptions {
  /** Pictures: white becomes black. */
  readonly invert?: boolean;
}

/** @throws ProblemError for anything that is damaged, or does not fit the model */
export async function readGiven(
  files: readonly GivenFile[],
  wanted: Wanted,
  options: GivenOptions = {},
): Promise<Given> {
  const parts: Given[] = [];
  for (const file of files) parts.push(await readOne(file, wanted, options));
  return withRanges(together(parts, wanted), wanted);
}

async function readOne(file: GivenFile, wanted: Wanted, options: GivenOptions): Promise<Given> {
  if (file.bytes.length === 0)
    return damaged(file.place, "is empty", {
      expected: "examples to predict from",
      fix: "name a file, or pipe examples in, such as [[0.1, 0.2]]",
    });
  const form = formOf(file);
  switch (form) {
    case "picture":
      return (await import("./picture.ts")).readPicture(file, wanted, options);
    case "numpy":
      return (await import("./numpy.ts")).readNumpy(file, wanted);
    case "json":
      return (await import("./json.ts")).readJson(file, wanted);
    case "table":
    case "text":
      return (
        (await readTexts(file, form, wanted)) ?? (await import("./rows.ts")).readRows(file, wanted)
      );
    default:
      return form satisfies never;
  }
}

/** Rows or plain text, for a model of texts; undefined for others. */
async function readTexts(file: GivenFile, form: "table" | "text", wanted: Wanted) {
  const [input, ...others] = wanted.inputs.keys();
  const encoding = wanted.encodings.get(input!);
  if (others.length > 0 || encoding?.kind !== "text") return undefined;
  const { readText, readTextColumn } = await import("./text.ts");
  return form === "table"
    ? readTextColumn(file, input!, encoding)
    : readText(file, input!, encoding);
}

/** `text` is what is in no other form: prose, or rows without a name that says so. */
type Form = "picture" | "numpy" | "json" | "table" | "text";

const byEnding: readonly (readonly [RegExp, Form])[] = [
  [/\.(png|jpe?g)$/i, "picture"],
  [/\.np[yz]$/i, "numpy"],
  [/\.(jsonl?|ndjson)$/i, "json"],
  [/\.(csv|tsv)$/i, "table"],
];

/** By the first bytes where these are telling, else by the name, else by the first sign of the text. */
function formOf({ place, bytes }: GivenFile): Form {
  if (pictureForm(bytes)) return "picture";
  const start = bytes.toString("latin1", 0, 6);
  if (start === "\x93NUMPY" || start.startsWith("PK")) return "numpy";
  const named = byEnding.find(([ending]) => ending.test(place.name))?.[1];
  if (named) return named;
  const text = bytes.toString("utf8", 0, 4096).replace(/^\uFEFF/, "");
  if (/^\s*[[{]/.test(text)) return "json";
  if (/[\0\uFFFD]/.test(text)) {
    damaged(place, "is in no form that is known here", {
      expected: "a PNG or JPEG picture, CSV, JSON, .npy, .npz or text",
      received: beginning(bytes),
      fix: "save it in one of these forms",
    });
  }
  return "text";
}

/** The only input, where a form has room for one alone. */
export function onlyInput(
  { inputs }: Wanted,
  place: Place,
  form: string,
): readonly [name: string, samples: DescribedSamples] {
  const [first, ...others] = inputs;
  if (first && others.length === 0) return first;
  return damaged(place, `gives one input, and the model has ${inputs.size}`, {
    expected: `values for ${[...inputs.keys()].join(", ")}`,
    received: form,
    fix: "give JSON objects, or an .npz archive, with a value for each by its name",
  });
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const showShape = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

const arrays = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array } as const;

/**
 * Numbers as the samples that training had: of the same type, to be scaled alike.
 * @param at where the number of an index stands, for messages
 * @throws ProblemError at `place` for a number that the type cannot hold
 */
export function toSamples(
  values: ArrayLike<number>,
  described: DescribedSamples,
  place: Place,
  at: (index: number) => string,
): Samples {
  const { type, scale } = described;
  const result = new arrays[type](values.length);
  for (let i = 0; i < values.length; i++) {
    result[i] = values[i]!;
    const fits = type === "float32" ? Number.isFinite(result[i]!) : result[i] === values[i];
    if (fits) continue;
    damaged(place, "has a number that the model's input cannot hold", {
      expected: {
        uint8: "whole numbers from 0 to 255",
        int32: "whole numbers",
        float32: "numbers",
      }[type],
      received: `${values[i]} at ${at(i)}`,
      fix:
        scale === undefined
          ? "correct it, or leave the example out"
          : `give them as in the training data: the model multiplies them by ${scale}`,
    });
  }
  return { ...sampleForm(described), values: result };
}

function together(parts: readonly Given[], { inputs }: Wanted): Given {
  if (parts.length === 1) return parts[0]!;
  const joined = [...inputs].map(([name, { type }]): [string, Samples] => {
    const all = parts.map((part) => part.inputs.get(name)!);
    const values = new arrays[type](all.reduce((n, s) => n + s.values.length, 0));
    let at = 0;
    for (const { values: own } of all) {
      values.set(own, at);
      at += own.length;
    }
    return [name, { ...all[0]!, values }];
  });
  return {
    count: parts.reduce((n, part) => n + part.count, 0),
    inputs: new Map(joined),
    names: parts.flatMap((part) => part.names),
    notes: parts.flatMap((part) => part.notes),
  };
}

/** Adds a note for each input whose numbers lie far from those that trained. */
function withRanges(given: Given, wanted: Wanted): Given {
  const notes = [...given.inputs].flatMap(([name, { values }]) => {
    const [least, most] = wanted.inputs.get(name)!.range;
    const span = most - least;
    let [low, high] = [most, least];
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    if (low >= least - span && high <= most + span) return [];
    return [
      `input ${name}: numbers from ${low} to ${high}, and in training they were from ${least} to ${most}`,
    ];
  });
  return { ...given, notes: [...given.notes, ...notes] };
}
