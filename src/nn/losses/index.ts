/**
 * Losses, by Keras's names and formulas (https://keras.io/api/losses/). A loss gives a value per sample;
 * the training graph takes the mean over the batch.
 */
import { named } from "../definition.ts";
import { crossentropies } from "./crossentropy.ts";
import type { Loss } from "./loss.ts";
import { marginLosses } from "./margin.ts";
import { regressionLosses } from "./regression.ts";

export const losses: readonly Loss[] = [...regressionLosses, ...crossentropies, ...marginLosses];

/** The spec's reference to a loss. */
export const lossOption = () => named<Loss>("loss", () => losses);
