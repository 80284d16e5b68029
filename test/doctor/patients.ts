/** Specs with data of their own, admitted to the doctor: for tests only. */

import { webasm } from "../../src/backends/gpujs/index.ts";
import { native } from "../../src/backends/native/index.ts";
import { reference } from "../../src/backends/reference.ts";
import type { Examples, Samples } from "../../src/data/dataset.ts";
import { admit, checks, type Finding } from "../../src/doctor/index.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { random } from "../support/evaluate.ts";

/** `count` examples of `width` numbers, and the class that a sum of them falls into. */
export function classified(count: number, width: number, seed = 1, scale = 1): Examples {
  const r = random(seed);
  const x = Float32Array.from({ length: count * width }, () => scale * (r.uniform() - 0.5));
  const y = Int32Array.from({ length: count }, (_, i) =>
    x[i * width]! + x[i * width + 1]! > 0 ? 1 : 0,
  );
  return examples(count, { shape: [width], values: x }, { shape: [], values: y });
}

/** The same inputs with a number to find. */
export function measured(count: number, width: number, target: (x: Float32Array) => number) {
  const { inputs } = classified(count, width);
  const x = inputs.get("x")!.values as Float32Array;
  const y = Float32Array.from({ length: count }, (_, i) =>
    target(x.subarray(i * width, (i + 1) * width)),
  );
  return examples(count, { shape: [width], values: x }, { shape: [], values: y });
}

export const examples = (count: number, x: Samples, y: Samples): Examples => ({
  count,
  inputs: new Map([["x", x]]),
  targets: new Map([["y", y]]),
});

export const classifier = `
data: mnist
model:
  - dense: { units: 24, activation: relu }
  - dense: { units: 2, activation: softmax }
loss: sparse_categorical_crossentropy
optimizer: { adam: { learning_rate: 0.01 } }
train: { batch_size: 32 }
`;

const fast = (await native.probe()).ok ? native : webasm;

/** What one check says of a spec with this data. */
export function examined(
  name: string,
  text: string,
  train: Examples,
  validation?: Examples,
): Promise<Finding> {
  const check = checks.find((c) => c.name === name);
  if (!check) throw new Error(`there is no check ${name}`);
  const spec = resolveSpec(parseSpec(text, "test.yaml", process.cwd()));
  const dataset = { train, ...(validation ? { validation } : {}), summary: "" };
  const patient = admit({ spec, dataset, backend: fast, interpreter: reference, threads: 1 });
  return check.examine(patient);
}
