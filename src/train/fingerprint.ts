/** A name for the data itself: a hash of every example, so that a run is not resumed on other data. */
import { createHash } from "node:crypto";
import type { Dataset, Examples } from "../data/dataset.ts";

/** 16 hexadecimal digits of the SHA-256 of names, shapes and values. */
export function fingerprint({ train, validation }: Dataset): string {
  const hash = createHash("sha256");
  const add = (part: string, { count, inputs, targets, weights }: Examples) => {
    hash.update(`${part} ${count}`);
    const counted = new Map(weights ? [["weights", weights]] : []);
    for (const [side, data] of Object.entries({ inputs, targets, counted })) {
      for (const [name, { shape, values, scale = 1 }] of data) {
        hash.update(JSON.stringify([side, name, shape, scale, values.constructor.name]));
        hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
    }
  };
  add("train", train);
  if (validation) add("validation", validation);
  return hash.digest("hex").slice(0, 16);
}
