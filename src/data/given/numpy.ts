/** Arrays of NumPy as examples: `.npy` for one input, `.npz` with an array for each. */
import type { Samples } from "../dataset.ts";
import type { DescribedSamples } from "../description.ts";
import { type NpyArray, parseNpy } from "../npy.ts";
import { damaged, type Place } from "../read-file.ts";
import { unpackEntry, zipEntries } from "../zip.ts";
import {
  type Given,
  type GivenFile,
  onlyInput,
  showShape,
  sizeOf,
  toSamples,
  type Wanted,
} from "./given.ts";

/** @throws ProblemError if it is damaged, or does not fit the model */
export function readNumpy({ place, bytes }: GivenFile, wanted: Wanted): Given {
  if (bytes[0] !== 0x50) {
    const [name, described] = onlyInput(wanted, place, "a single array");
    const { count, samples } = examplesOf(parseNpy(bytes, place), described, place);
    return given(place, count, new Map([[name, samples]]));
  }
  const entries = zipEntries(bytes, place).map((entry) => ({
    entry,
    name: entry.name.replace(/\.npy$/, ""),
  }));
  let count: number | undefined;
  const inputs = [...wanted.inputs].map(([name, described]): [string, Samples] => {
    const only = entries.length === 1 && wanted.inputs.size === 1 ? entries[0] : undefined;
    const found = entries.find((e) => e.name === name) ?? only;
    if (!found) {
      return damaged(place, `has no array "${name}"`, {
        expected: `arrays ${[...wanted.inputs.keys()].join(", ")}`,
        received: entries.map((e) => e.name).join(", ") || "an empty archive",
        fix: "save the examples under the names of the model's inputs",
      });
    }
    const own: Place = { path: [], name: `${place.name}: array "${found.name}"` };
    const read = examplesOf(parseNpy(unpackEntry(bytes, found.entry, own), own), described, own);
    count ??= read.count;
    if (read.count !== count) {
      damaged(own, "has another number of examples than the array before it", {
        expected: `${count}`,
        received: `${read.count}`,
      });
    }
    return [name, read.samples];
  });
  return given(place, count ?? 0, new Map(inputs));
}

const given = ({ name }: Place, count: number, inputs: ReadonlyMap<string, Samples>): Given => ({
  count,
  inputs,
  names: count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}[${i}]`),
  notes: [],
});

/** `[n, …shape]` is n examples, `[…shape]` one; of single numbers `[n]` is n too. */
function examplesOf(
  { shape: found, values }: NpyArray,
  described: DescribedSamples,
  place: Place,
): { readonly count: number; readonly samples: Samples } {
  const { shape } = described;
  const same = (other: readonly number[]) => other.join() === shape.join();
  const one = same(found);
  const fits = one || same(found.slice(1)) || (found.length === 1 && sizeOf(shape) === 1);
  const count = one ? 1 : (found[0] ?? 0);
  if (!fits || count === 0) {
    damaged(place, "has another shape than the model's input", {
      expected: `${showShape(["n", ...shape])} for n examples, or ${showShape(shape)} for one`,
      received: showShape(found),
      fix: "reshape it: np.reshape(x, …)",
    });
  }
  const { type, scale } = described;
  const size = sizeOf(shape);
  const isScaled = type === "uint8" && scale !== undefined && values instanceof Float32Array;
  if (isScaled && values.every((v) => v <= 1) && values.some((v) => v > 0)) {
    damaged(place, "has numbers from 0 to 1 where the model takes bytes", {
      expected: `0 to 255, which the model multiplies by ${scale}`,
      received: "floats of at most 1",
      fix: "save bytes: np.round(x * 255).astype(np.uint8)",
    });
  }
  const at = (i: number) => `example ${Math.floor(i / size)}, position ${i % size}`;
  return { count, samples: toSamples(values, described, place, at) };
}
