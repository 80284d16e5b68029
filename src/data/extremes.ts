/** The least and the greatest value of an array. */
import type { AnySamples } from "./dataset.ts";
import { isStored } from "./stream/stored.ts";

/** The least and the greatest stored value. */
export function extremesOf(samples: AnySamples): { readonly least: number; readonly most: number } {
  if (isStored(samples)) return samples.facts;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of samples.values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}

/** The least and the greatest value as the model sees them, for people: `from 0 to 1`. */
export function rangeOf(samples: AnySamples): string {
  const { scale = 1 } = samples;
  const { least, most } = extremesOf(samples);
  const shown = (value: number) => Number((value * scale).toPrecision(4));
  return `from ${shown(least)} to ${shown(most)}`;
}
