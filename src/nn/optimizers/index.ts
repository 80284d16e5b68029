/** Optimizers, by Keras's names and formulas (https://keras.io/api/optimizers/). */
import { named } from "../definition.ts";
import { adamOptimizers } from "./adam.ts";
import { adaptiveOptimizers } from "./adaptive.ts";
import { descentOptimizers } from "./descent.ts";
import type { Optimizer } from "./optimizer.ts";
import { wholeOptimizers } from "./whole.ts";

export const optimizers: readonly Optimizer[] = [
  ...descentOptimizers,
  ...adamOptimizers,
  ...adaptiveOptimizers,
  ...wholeOptimizers,
];

/** The spec's reference to an optimizer. */
export const optimizerOption = () => named<Optimizer>("optimizer", () => optimizers);
