/** What `nnc doctor` looks at, in the order in which faults would hide each other. */
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Backend } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import { observed } from "../train/observe.ts";
import { checkModel } from "../train/prepare.ts";
import { initialWeights } from "../train/session.ts";
import { deadUnits } from "./dead-units.ts";
import type { Check, Finding, Patient, Trained } from "./finding.ts";
import { gradientSizes } from "./gradient-sizes.ts";
import { gradientsCheck } from "./gradients.ts";
import { initialLoss } from "./initial-loss.ts";
import { inputRanges } from "./input-ranges.ts";
import { leakage } from "./leakage.ts";
import { oneBatch } from "./one-batch.ts";
import { train } from "./training.ts";

export const checks: readonly Check[] = [
  inputRanges,
  leakage,
  gradientsCheck,
  initialLoss,
  oneBatch,
  gradientSizes,
  deadUnits,
];

/** What the checks that look at a trained model wait for. */
const someTraining = { steps: 200, ms: 10_000 } as const;

export interface Surgery {
  readonly spec: Spec;
  readonly dataset: Dataset<AnySamples>;
  readonly backend: Backend;
  readonly interpreter: Backend;
  readonly threads: number | undefined;
}

/** @throws ProblemError where model and data do not fit each other */
export function admit({ spec, dataset, ...how }: Surgery): Patient {
  const weights = observed(spec.model, checkModel(spec, dataset.train).weights, dataset.train);
  const first = initialWeights(weights, spec.seed);
  const { validation: _, ...alone } = dataset;
  let trained: Promise<Trained> | undefined;
  const own = { ...how, first };
  return {
    ...own,
    ...{ spec, dataset, weights },
    trained: () => {
      trained ??= train(own, spec, alone, someTraining);
      return trained;
    },
  };
}

export type { Check, Finding };
