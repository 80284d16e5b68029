/** The first examples of a dataset, wherever they are, in memory. */
import type { AnySamples, Examples, Samples } from "../data/dataset.ts";
import { sampleForm } from "../data/dataset.ts";
import { makeValues, readRows, sizeOf, typeOf } from "../data/stream/stored.ts";

export async function firstExamples(
  examples: Examples<AnySamples>,
  most: number,
): Promise<Examples> {
  const count = Math.min(most, examples.count);
  const first = async (samples: AnySamples): Promise<Samples> => {
    const values = makeValues(typeOf(samples), count * sizeOf(samples));
    await readRows(samples, 0, values);
    return { ...sampleForm(samples), values };
  };
  const all = async (side: ReadonlyMap<string, AnySamples>) => {
    const found = new Map<string, Samples>();
    for (const [name, samples] of side) found.set(name, await first(samples));
    return found;
  };
  const { weights } = examples;
  return {
    count,
    inputs: await all(examples.inputs),
    targets: await all(examples.targets),
    ...(weights ? { weights: await first(weights) } : {}),
  };
}
