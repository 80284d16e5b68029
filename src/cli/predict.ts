/** `nnc predict`: what a trained model makes of examples. */
import type { AnySamples } from "../data/dataset.ts";
import type { Description } from "../data/description.ts";
import { encodingsOf } from "../data/description.ts";
import { type Given, readGiven, type Wanted } from "../data/given/given.ts";
import { answersOf, type Known, type OutputAnswers } from "../infer/answers.ts";
import { type PredictionPlan, Predictor } from "../infer/predictor.ts";
import { planFor, workOf } from "../infer/size.ts";
import type { Backend } from "../ir/program.ts";
import { UsageError } from "../support/errors.ts";
import { loadData } from "../train/load.ts";
import { checkNumbers } from "../train/prepare.ts";
import { readWeights } from "../train/weights.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import { readGivenFiles } from "./given-files.ts";
import { printAnswers } from "./predict-output.ts";
import { descriptionOf, openRun, type RunOptions, type SavedRun } from "./saved-run.ts";
import { during } from "./spinner.ts";
import { tell } from "./terminal.ts";

export interface PredictOptions extends RunOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly invert?: boolean;
  readonly topK?: number;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly quiet?: boolean;
}

/** @returns the exit code */
export async function predict(
  name: string,
  inputs: readonly string[],
  options: PredictOptions,
): Promise<number> {
  if (options.json && options.csv)
    throw new UsageError("--json and --csv cannot both be", "choose one");
  const silent = options.quiet === true || options.json === true || options.csv === true;
  const run = await openRun(name, options);
  const description = await located(run.source, () => descriptionOf(run));
  const given =
    inputs.length > 0
      ? await readGiven(await readGivenFiles(inputs), wantedBy(description), options)
      : await during("loading data", silent, () => validationOf(run));
  if (!options.quiet) for (const note of given.notes) tell(`note: ${note}`);
  return located(run.source, async () => {
    checkNumbers(run.spec, given);
    printAnswers(given.names, await answer(run, given, description, options, silent), options);
    return exitStatus.fine;
  });
}

const wantedBy = (description: Description): Wanted => ({
  inputs: new Map(Object.entries(description.inputs)),
  encodings: encodingsOf(description),
});

/** Given examples, or those of a run's data, which may be in files. */
type ToPredict = Omit<Given, "inputs"> & { readonly inputs: ReadonlyMap<string, AnySamples> };

/** Without INPUT: the run's own validation data. */
async function validationOf({ spec, source, description, name }: SavedRun): Promise<ToPredict> {
  const dataset = await located(source, () => loadData(spec, description));
  if (!dataset.validation) {
    throw new UsageError(
      `${name} has no validation data to predict from`,
      "name files to predict from, or `-` for standard input",
    );
  }
  const { count, inputs } = dataset.validation;
  const names = Array.from({ length: count }, (_, i) => `validation[${i}]`);
  return { count, inputs, names, notes: [] };
}

async function answer(
  run: SavedRun,
  given: ToPredict,
  description: Description,
  options: PredictOptions,
  silent: boolean,
): Promise<readonly OutputAnswers[]> {
  const { spec, weights } = run;
  const plan = planFor(spec, given.inputs, given.count);
  const values = readWeights(weights, plan.weights);
  const backend = await during("choosing a backend", silent, () => choose(plan, given, options));
  const predictor = await during(`compiling for ${backend.name}`, silent, () =>
    Predictor.open(plan, backend, values, options.threads),
  );
  try {
    const predictions = await predictor.predict(given.inputs, given.count);
    const known = knownOf(description, spec.outputs.length > 1);
    return spec.outputs.map((output) => {
      const type = plan.outputs.get(output.layer)!;
      return answersOf(output, type, predictions.get(output.layer)!, known);
    });
  } finally {
    await predictor.dispose();
  }
}

/** Names of classes and columns, where there is one output that they can belong to. */
function knownOf({ classes, encodings }: Description, several: boolean): Known {
  if (several) return {};
  const table = Object.values(encodings).find((e) => e.kind === "table");
  return { classes, columns: table?.targets.map((t) => t.name) };
}

/**
 * Work up to which the interpreter is done before compiled code would be loaded. It does some 10⁸ multiply-adds
 * a second, starts at once, and is there everywhere; asking the C compiler what it is and loading its code from
 * the cache takes some 0.2 seconds, and compiling for the first time more than one.
 */
const littleWork = 3e7;

async function choose(
  plan: PredictionPlan,
  { count }: ToPredict,
  { backend }: PredictOptions,
): Promise<Backend> {
  const { chooseBackend, loadBackend } = await import("../backends/index.ts");
  if (backend === "auto" && workOf(plan, count) <= littleWork) return loadBackend("reference");
  return (await chooseBackend(backend)).backend;
}
