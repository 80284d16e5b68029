/**
 * Arrays of examples that stay in their files. Any run of rows can be read, at any time and without state, so
 * a part of them is the same thing with other row numbers.
 */
import {
  arraysOf,
  type Dataset,
  type Examples,
  type Form,
  mapArrays,
  type Samples,
  type SampleValues,
  sampleForm,
} from "../dataset.ts";
import type { Place } from "../read-file.ts";
import type { DataFile } from "./data-file.ts";
import type { Facts } from "./survey.ts";

export type ElementType = "uint8" | "int32" | "float32";

export interface Stored extends Form {
  readonly type: ElementType;
  /**
   * Fills `into` with the examples from number `from` on; it must be of the array's type, and as long as a
   * number of examples that there are.
   * @throws RunError if the file is no longer what it was
   */
  readonly read: (from: number, into: SampleValues) => Promise<void>;
  /** Where its examples lie one behind another as memory holds them, if they do. */
  readonly lies?: Lies | undefined;
  /** Where it comes from, for messages. */
  readonly place: Place;
  /** The number of its first example there. */
  readonly first: number;
}

export interface Lies {
  readonly file: DataFile;
  /** Byte at which the first example begins: a multiple of an element's size. */
  readonly offset: number;
}

/** With what was found by looking through all of it. */
export interface Surveyed extends Stored {
  readonly facts: Facts;
}

const constructors = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array } as const;

export const isStored = <T extends Stored>(samples: Samples | T): samples is T => "read" in samples;

/** Elements behind the end of what is made here, which vector instructions may read: so a backend can use it in place. */
const room = 64;

export const makeValues = (type: ElementType, length: number): SampleValues =>
  new constructors[type](length + room).subarray(0, length);

export function typeOf(samples: Pick<Samples, "values"> | Pick<Stored, "type">): ElementType {
  if ("type" in samples) return samples.type;
  const { values } = samples;
  if (values instanceof Uint8Array) return "uint8";
  return values instanceof Int32Array ? "int32" : "float32";
}

/** Elements of one example. */
export const sizeOf = ({ shape }: Form): number => shape.reduce((n, extent) => n * extent, 1);

/** Bytes that an example takes in memory. */
export const bytesOf = (samples: Form & (Pick<Samples, "values"> | Pick<Stored, "type">)): number =>
  sizeOf(samples) * constructors[typeOf(samples)].BYTES_PER_ELEMENT;

/** Fills `into` with the examples from number `from` on, wherever they are. */
export async function readRows(
  samples: Samples | Stored,
  from: number,
  into: SampleValues,
): Promise<void> {
  if (isStored(samples)) return samples.read(from, into);
  const start = from * sizeOf(samples);
  into.set(samples.values.subarray(start, start + into.length));
}

/** Whether any of them stays in a file. */
export const isStreamed = (examples: Examples<Samples | Stored>): boolean =>
  arraysOf(examples).some(isStored);

/** Rows `from` up to, not including, `to`; of what is in memory a view. */
export function partOf<S extends Samples | Stored>(samples: S, from: number, to: number): S {
  if (isStored(samples)) {
    const { first, read, lies } = samples;
    return {
      ...samples,
      first: first + from,
      read: (at, into) => read(from + at, into),
      ...(lies ? { lies: { ...lies, offset: lies.offset + from * bytesOf(samples) } } : {}),
    };
  }
  const size = sizeOf(samples);
  const values = samples.values.subarray(from * size, to * size);
  return { ...samples, values, ...placed(samples, (i) => from + i) };
}

/** All rows but those from `from` up to, not including, `to`. */
export function without<S extends Samples | Stored>(
  samples: S,
  from: number,
  to: number,
  count: number,
): S {
  const size = sizeOf(samples);
  if (isStored(samples)) {
    const { read } = samples;
    return {
      ...samples,
      read: async (at, into) => {
        const before = Math.max(0, Math.min(into.length, (from - at) * size));
        if (before > 0) await read(at, into.subarray(0, before));
        if (before < into.length) await read(Math.max(at, from) + to - from, into.subarray(before));
      },
      // In two parts.
      lies: undefined,
    };
  }
  const { values } = samples;
  const kept = makeValues(typeOf(samples), (count - to + from) * size);
  kept.set(values.subarray(0, from * size));
  kept.set(values.subarray(to * size, count * size), from * size);
  return { ...samples, values: kept, ...placed(samples, (i) => (i < from ? i : i + to - from)) };
}

/** Where the examples of a part stand, by their numbers in the whole. */
const placed = ({ at }: Samples, numberOf: (example: number) => number): Pick<Samples, "at"> =>
  at ? { at: (i) => at(numberOf(i)) } : {};

/** The same data, read into memory. */
export async function inMemory({ train, validation, ...rest }: Dataset<Stored>): Promise<Dataset> {
  const hold = async (examples: Examples<Stored>): Promise<Examples> => {
    const held = new Map<Stored, Samples>();
    for (const stored of arraysOf(examples)) {
      const values = makeValues(stored.type, examples.count * sizeOf(stored));
      await stored.read(0, values);
      held.set(stored, { ...sampleForm(stored), values });
    }
    return mapArrays(examples, examples.count, (stored) => held.get(stored)!);
  };
  return {
    ...rest,
    train: await hold(train),
    ...(validation ? { validation: await hold(validation) } : {}),
  };
}
