/**
 * JSON and JSON lines as examples: nested lists of numbers; objects with a value for each input; objects with
 * a value for each column, where a table trained the model.
 */
import type { Samples } from "../dataset.ts";
import type { DescribedSamples } from "../description.ts";
import type { EncodedColumn } from "../encoding.ts";
import { damaged, type Place } from "../read-file.ts";
import { faultIn } from "../table/json.ts";
import { shown } from "../table/table.ts";
import { encodeTexts } from "../text/encoding.ts";
import {
  type Given,
  type GivenFile,
  onlyInput,
  showShape,
  sizeOf,
  toSamples,
  type Wanted,
} from "./given.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** @throws ProblemError if it is no JSON, or does not fit the model */
export async function readJson({ place, bytes }: GivenFile, wanted: Wanted): Promise<Given> {
  const value = await parse(bytes.toString("utf8").replace(/^\uFEFF/, ""), place);
  const list = examplesIn(value, wanted);
  if (list.length === 0)
    damaged(place, "holds no examples", {
      expected: "an example, or a list of them",
      fix: "put examples in it, such as [[0.1, 0.2]]",
    });
  const whole = list.length === 1 && list[0] === value;
  const name = (i: number) => (whole ? place.name : `${place.name}[${i}]`);
  const inputs = [...wanted.inputs].map(([input, described]): [string, Samples] => {
    const size = sizeOf(described.shape);
    const values = new Float64Array(list.length * size);
    list.forEach((example, i) => {
      const own: Place = { path: [], name: name(i) };
      values.set(numbersOf(example, input, described, wanted, own), i * size);
    });
    const at = (i: number) => `example ${Math.floor(i / size)}, position ${i % size}`;
    return [input, toSamples(values, described, place, at)];
  });
  return {
    count: list.length,
    inputs: new Map(inputs),
    names: list.map((_, i) => name(i)),
    notes: [],
  };
}

/** One value, or, if that is none, one a line. */
async function parse(text: string, place: Place): Promise<Json> {
  const whole = attempt(text);
  if (whole !== undefined) return whole;
  const lines = [...text.split("\n").entries()].filter(([, line]) => line.trim() !== "");
  const found: Json[] = [];
  for (const [i, line] of lines) {
    const value = attempt(line);
    // Of JSON on several lines the first alone is none either.
    const first = found.length === 0;
    if (value === undefined) {
      damaged(place, "is neither JSON nor JSON lines", {
        expected: "a JSON value, or one on each line",
        ...(first ? await faultIn(text, place, 1) : await faultIn(line, place, i + 1)),
      });
    }
    found.push(value);
  }
  return found;
}

function attempt(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Extents of a nested list, by its first elements. */
const depthOf = (value: Json): number =>
  Array.isArray(value) ? 1 + depthOf((value as readonly Json[])[0] ?? null) : 0;

/** The examples in a value: itself, or its elements. */
function examplesIn(value: Json, { inputs }: Wanted): readonly Json[] {
  if (!Array.isArray(value)) return [value];
  const list = value as readonly Json[];
  if (list.some((item) => isObject(item) || typeof item === "string")) return list;
  const rank = [...inputs.values()][0]!.shape.length;
  return inputs.size === 1 && depthOf(value) <= rank ? [value] : list;
}

function numbersOf(
  example: Json,
  input: string,
  described: DescribedSamples,
  wanted: Wanted,
  place: Place,
): readonly number[] {
  const encoding = wanted.encodings.get(input);
  if (encoding?.kind === "text") {
    const text = textOf(example, input, encoding.column ?? "text", place);
    return Array.from(encodeTexts([text], encoding));
  }
  if (isObject(example)) {
    if (input in example) return flat(example[input]!, described.shape, inside(place, input));
    if (encoding?.kind === "table") return encodeRow(example, encoding.features, place);
    return damaged(place, `has no value for input ${input}`, {
      expected: `an object with ${[...wanted.inputs.keys()].join(", ")}`,
      received: Object.keys(example).slice(0, 20).join(", ") || "an empty object",
      fix: `add "${input}": …`,
    });
  }
  onlyInput(wanted, place, "a list");
  return flat(example, described.shape, place);
}

/** A text by itself, or under the name of its input or column. */
function textOf(example: Json, input: string, column: string, place: Place): string {
  const value = isObject(example) ? (example[column] ?? example[input]) : example;
  if (typeof value === "string") return value;
  return damaged(place, "has no text", {
    expected: `a text, or an object with ${shown(column)}`,
    received: told(example),
    fix: "give texts in quotes",
  });
}

const inside = ({ path, name }: Place, key: string): Place => ({ path, name: `${name}.${key}` });

/** The numbers of a nested list, row-major. */
function flat(value: Json, shape: readonly number[], place: Place): readonly number[] {
  const [extent, ...rest] = shape;
  if (extent === undefined) {
    if (typeof value === "number") return [value];
    return noNumber(value, place);
  }
  // Where an example is a single number, that may stand without its brackets.
  if (typeof value === "number" && sizeOf(shape) === 1) return [value];
  const list = Array.isArray(value) ? (value as readonly Json[]) : undefined;
  if (!list && sizeOf(shape) === 1) return noNumber(value, place);
  if (list?.length !== extent) {
    return damaged(place, "has another shape than the model's input", {
      expected: `a list of ${extent}, for the shape ${showShape(shape)}`,
      received: list ? `a list of ${list.length}` : told(value),
      fix: "give examples of the shape that the model was trained on",
    });
  }
  return list.flatMap((item, i) =>
    flat(item, rest, { path: place.path, name: `${place.name}[${i}]` }),
  );
}

const noNumber = (value: Json, place: Place): never =>
  damaged(place, "is no number", {
    expected: "a number",
    received: told(value),
    fix: "correct it, or leave the example out",
  });

/** A row given as an object: its columns side by side, one-hot where they are categorical. */
function encodeRow(
  row: { readonly [key: string]: Json },
  columns: readonly EncodedColumn[],
  place: Place,
): readonly number[] {
  return columns.flatMap(({ name, categories }): readonly number[] => {
    const value = row[name];
    if (value === undefined || value === null) {
      return damaged(place, `has no value for ${shown(name)}`, {
        expected: `values for ${columns.map((c) => c.name).join(", ")}`,
        received: Object.keys(row).slice(0, 20).join(", ") || "an empty object",
        fix: `add ${shown(name)}`,
      });
    }
    if (!categories) return flat(value, [], inside(place, name));
    const at = categories.indexOf(String(value));
    if (at >= 0) return categories.map((_, i) => (i === at ? 1 : 0));
    return damaged(inside(place, name), "is a category that training never saw", {
      expected: `one of ${categories.slice(0, 20).map(shown).join(", ")}`,
      received: told(value),
      fix: "correct it",
    });
  });
}

const told = (value: Json): string => {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
