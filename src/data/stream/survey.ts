/**
 * What has to be known of all values of an array, found by looking through it once: for what is held in files
 * as for what is in memory.
 */
import { createHash } from "node:crypto";
import {
  type AnySamples,
  arraysOf,
  type Examples,
  type Form,
  mapArrays,
  type Samples,
} from "../dataset.ts";
import { firstNotFinite } from "../extremes.ts";
import { damaged } from "../read-file.ts";
import { bytesOf, isStored, makeValues, type Stored, type Surveyed, sizeOf } from "./stored.ts";

/** All of stored values: the scale is not applied. */
export interface Facts {
  readonly least: number;
  readonly most: number;
  /** Whether they are whole numbers. */
  readonly whole: boolean;
  readonly moments: Moments;
  /** How often there is each value, where an example is one whole number and there are few of them. */
  readonly counts: ReadonlyMap<number, number> | undefined;
  /** SHA-256 of the values. */
  readonly digest: string;
}

/** Mean and biased variance of each element of an example, over all examples. */
export interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Bytes looked at at once. */
const portion = 4 << 20;
/** Distinct values up to which they are counted. */
const few = 1024;

/** @throws ProblemError if there are values that are not finite */
export async function survey(examples: Examples<Stored>): Promise<Examples<Surveyed>> {
  const { count } = examples;
  const found = new Map<Stored, Surveyed>();
  for (const stored of arraysOf(examples)) found.set(stored, await surveyed(stored, count));
  return mapArrays(examples, count, (stored) => found.get(stored)!);
}

/** One array. */
export const surveyed = async (stored: Stored, count: number): Promise<Surveyed> => ({
  ...stored,
  facts: await factsOf(stored, count),
});

async function factsOf(stored: Stored, count: number): Promise<Facts> {
  const rows = Math.max(1, Math.min(count, Math.floor(portion / bytesOf(stored))));
  const size = sizeOf(stored);
  const values = makeValues(stored.type, rows * size);
  const hash = createHash("sha256");
  const looker = new Looker(stored);
  for (let from = 0; from < count; from += rows) {
    const now = values.subarray(0, Math.min(rows, count - from) * size);
    await stored.read(from, now);
    hash.update(new Uint8Array(now.buffer, now.byteOffset, now.byteLength));
    const odd = looker.add(now);
    if (odd !== undefined) complainOfValue(stored, from + Math.floor(odd / size), now[odd]!);
  }
  return { ...looker.finish(), digest: hash.digest("hex") };
}

function complainOfValue({ place, first }: Stored, row: number, value: number): never {
  damaged(place, "has values that are not finite in float32", {
    expected: "numbers",
    received: `${value} in example ${first + row}`,
    fix: "remove or fill these examples, e.g. np.nan_to_num",
  });
}

function lookedAt(samples: Samples): Moments {
  const looker = new Looker(samples);
  looker.add(samples.values);
  return looker.finish().moments;
}

/** Mean and variance of values as the model sees them: scaled and standardised. */
export function momentsOf(samples: AnySamples): Moments {
  const { mean, variance } = isStored(samples) ? samples.facts.moments : lookedAt(samples);
  const { scale = 1, standard, shape } = samples;
  const width = shape.at(-1) ?? 1;
  const deviation = (e: number) => standard?.deviation[e % width] ?? 1;
  return {
    mean: mean.map((m, e) => (m * scale - (standard?.mean[e % width] ?? 0)) / deviation(e)),
    variance: variance.map((v, e) => v * (scale / deviation(e)) ** 2),
  };
}

/** Sums are taken of differences to the first example, which keeps their digits. */
class Looker {
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #whole = true;
  #rows = 0;
  readonly #origin: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  #counts: Map<number, number> | undefined;

  constructor(form: Form) {
    const size = sizeOf(form);
    this.#origin = new Float64Array(size);
    this.#sum = new Float64Array(size);
    this.#squares = new Float64Array(size);
    this.#counts = size === 1 ? new Map() : undefined;
  }

  /** Takes up whole examples. @returns where there is a value that is not finite, if there is one */
  add(values: Samples["values"]): number | undefined {
    const size = this.#origin.length;
    if (this.#rows === 0) this.#origin.set(values.subarray(0, size));
    let [least, most, whole] = [this.#least, this.#most, this.#whole];
    const [origin, sum, squares] = [this.#origin, this.#sum, this.#squares];
    for (let at = 0; at < values.length; at += size) {
      for (let e = 0; e < size; e++) {
        const v = values[at + e]!;
        if (v < least) least = v;
        if (v > most) most = v;
        const d = v - origin[e]!;
        sum[e]! += d;
        squares[e]! += d * d;
      }
    }
    if (whole && values instanceof Float32Array) whole = values.every((v) => Number.isInteger(v));
    this.#rows += values.length / size;
    [this.#least, this.#most, this.#whole] = [least, most, whole];
    this.#count(values);
    if (values instanceof Float32Array && !sum.every(Number.isFinite)) {
      const odd = firstNotFinite(values);
      if (odd >= 0) return odd;
    }
    return undefined;
  }

  #count(values: Samples["values"]): void {
    const counts = this.#counts;
    if (!counts) return;
    for (const v of values) {
      counts.set(v, (counts.get(v) ?? 0) + 1);
      if (counts.size > few || !this.#whole) {
        this.#counts = undefined;
        return;
      }
    }
  }

  finish(): Omit<Facts, "digest"> {
    const n = this.#rows;
    return {
      least: this.#least,
      most: this.#most,
      whole: this.#whole,
      counts: this.#counts,
      moments: {
        mean: this.#sum.map((s, e) => this.#origin[e]! + s / n),
        variance: this.#squares.map((q, e) => Math.max(0, (q - this.#sum[e]! ** 2 / n) / n)),
      },
    };
  }
}
