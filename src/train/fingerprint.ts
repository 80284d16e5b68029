/** A name for the data itself: a hash of every example, so that a run is not resumed on other data. */
import { createHash } from "node:crypto";
import type { AnySamples, Dataset, Examples } from "../data/dataset.ts";
import { isStored } from "../data/stream/stored.ts";

/** 16 hexadecimal digits of the SHA-256 of names, shapes and values. */
export function fingerprint({ train, validation }: Dataset<AnySamples>): string {
  const hash = createHash("sha256");
  const add = (part: string, { count, inputs, targets, weights }: Examples<AnySamples>) => {
    hash.update(`${part} ${count}`);
    const counted = new Map(weights ? [["weights", weights]] : []);
    for (const [side, data] of Object.entries({ inputs, targets, counted })) {
      for (const [name, samples] of data) {
        const { shape, scale = 1 } = samples;
        const about = (kind: string) => JSON.stringify([side, name, shape, scale, kind]);
        if (isStored(samples)) hash.update(`${about(samples.type)}${samples.facts.digest}`);
        else {
          const { values } = samples;
          hash.update(about(values.constructor.name));
          hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
        }
      }
    }
  };
  add("train", train);
  if (validation) add("validation", validation);
  return hash.digest("hex").slice(0, 16);
}
