/** Weights from a file in place of the first ones: matched by name and shape, all or nothing. */
import { readFileSync } from "node:fs";
import { type Shape, sameShape } from "../ir/graph.ts";
import type { Weight } from "../nn/model.ts";
import { UsageError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { decodeSafetensors, type NamedTensor } from "./safetensors.ts";

/** @throws UsageError if the file cannot be read, or does not hold exactly the model's weights */
export function readWeights(
  file: string,
  weights: readonly Weight[],
): ReadonlyMap<string, Float32Array> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      { ENOENT: "there is no such file", EISDIR: "it is a folder" }[code ?? ""] ?? message;
    throw new UsageError(`cannot read the weights ${file}: ${why}`, "give a .safetensors file");
  }
  return matchWeights(weights, decodeSafetensors(bytes, file), file);
}

/** @throws UsageError listing all that is missing, too much, or of another shape */
export function matchWeights(
  weights: readonly Weight[],
  given: ReadonlyMap<string, NamedTensor>,
  file: string,
): ReadonlyMap<string, Float32Array> {
  const names = weights.map((w) => w.name);
  const problems = [
    ...weights.flatMap(({ name, shape }) => {
      const found = given.get(name);
      if (!found) return [`${name} ${show(shape)} is missing in the file`];
      if (sameShape(found.shape, shape)) return [];
      return [`${name} is ${show(found.shape)} in the file and ${show(shape)} in the model`];
    }),
    ...[...given].flatMap(([name, { shape }]) => {
      if (names.includes(name)) return [];
      const near = suggest(
        name,
        names.filter((n) => !given.has(n)),
      );
      const hint = near === undefined ? "" : `: is it ${near}?`;
      return [`${name} ${show(shape)} is not in the model${hint}`];
    }),
  ];
  if (problems.length > 0) {
    throw new UsageError(
      [`the weights of ${file} do not fit the model`, ...problems.map((p) => `  ${p}`)].join("\n"),
      "names are <layer>/<weight>; a layer's `name:` in the spec sets the first part",
    );
  }
  return new Map(names.map((name) => [name, given.get(name)!.values]));
}

const show = (shape: Shape) => `[${shape.join(", ")}]`;
