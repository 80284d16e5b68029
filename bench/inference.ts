/** Prediction of many images: the time until all results are in JavaScript's memory. */
import { chooseBackend } from "../src/backends/index.ts";
import { partOf } from "../src/data/stream/stored.ts";
import { openPredictor } from "../src/infer/predictor.ts";
import { readSpec } from "../src/spec/source.ts";
import { resolveSpec } from "../src/spec/spec.ts";
import { loadData } from "../src/train/load.ts";
import { median } from "../src/train/measure.ts";
import { checkModel } from "../src/train/prepare.ts";
import { initialWeights } from "../src/train/session.ts";
import type { InferenceCase } from "./cases.ts";

const repeats = 5;

/**
 * @param file the case's spec
 * @returns ms for all examples: the median of several runs
 */
export async function measureInference(
  { examples, batch }: Pick<InferenceCase, "examples" | "batch">,
  file: string,
  backendName: string,
  threads?: number,
): Promise<number> {
  const spec = resolveSpec(readSpec(file, []));
  const data = await loadData(spec);
  const { inputs: all, count } = data.validation ?? data.train;
  if (count < examples) throw new Error(`${file} has only ${count} examples`);
  const inputs = new Map([...all].map(([name, samples]) => [name, partOf(samples, 0, examples)]));
  const weights = initialWeights(checkModel(spec, data.train).weights, spec.seed);
  const { backend } = await chooseBackend(backendName);
  const more = threads === undefined ? {} : { threads };
  const predictor = await openPredictor(spec, weights, backend, { inputs, batch, ...more });
  try {
    await predictor.predict(inputs, examples);
    const ms: number[] = [];
    for (let k = 0; k < repeats; k++) {
      const start = performance.now();
      await predictor.predict(inputs, examples);
      ms.push(performance.now() - start);
    }
    return median(ms.sort((a, b) => a - b));
  } finally {
    await predictor.dispose();
  }
}
