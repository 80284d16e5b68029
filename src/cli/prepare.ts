/** What a command that computes needs first: the data and a backend. */
import { type Choice, chooseBackend } from "../backends/index.ts";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import type { Spec } from "../spec/spec.ts";
import { loadData } from "../train/load.ts";
import { during } from "./spinner.ts";

export interface Preparing {
  readonly data: Promise<Dataset<AnySamples>>;
  /** What is wrong with the backend is said when it is asked for: what is wrong with the data comes first. */
  readonly choice: () => Promise<Choice>;
}

/** Compilers and devices answer, and their modules are loaded, while the data is read. */
export function prepare(spec: Spec, backend: string, silent: boolean): Preparing {
  const data = during("loading data", silent, () => loadData(spec));
  const choosing = chooseBackend(backend);
  choosing.catch(() => undefined);
  return { data, choice: () => during("choosing a backend", silent, () => choosing) };
}
