/** Metrics, by Keras's names (https://keras.io/api/metrics/): numbers about all samples seen in an epoch. */
import { named } from "../definition.ts";
import { accuracies } from "./accuracy.ts";
import { auc } from "./auc.ts";
import { confusionMetrics } from "./confusion.ts";
import { correlations } from "./correlation.ts";
import { fScores } from "./f-score.ts";
import type { Metric } from "./metric.ts";
import { operatingPoints } from "./operating-point.ts";
import { overlapMetrics } from "./overlap.ts";
import { lossMetrics, regressionMetrics } from "./regression.ts";

export const metrics: readonly Metric[] = [
  ...accuracies,
  ...lossMetrics,
  ...regressionMetrics,
  ...confusionMetrics,
  ...fScores,
  auc,
  ...operatingPoints,
  ...overlapMetrics,
  ...correlations,
];

/** The spec's reference to a metric. */
export const metricOption = () => named<Metric>("metric", () => metrics);
