/**
 * A finished run, or the weights of one with a spec, opened for use. RUN is a run's folder, the folder that its
 * numbered runs are in (the latest is meant), the name of a model under `runs`, or a .safetensors file.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Description, describe, parseDescription } from "../data/description.ts";
import { readSpec, type SpecSource } from "../spec/source.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { loadData } from "../train/load.ts";
import { readInfo } from "../train/read-info.ts";
import { files } from "../train/run-folder.ts";
import { located } from "./failure.ts";
import { requirePlugins } from "./plugins.ts";
import { openSpec } from "./spec-file.ts";

export interface SavedRun {
  /** As messages call it. */
  readonly name: string;
  readonly spec: Spec;
  readonly source: SpecSource;
  /** What the run's data looked like; absent: there is no `data.json` beside the weights. */
  readonly description: Description | undefined;
  /** The .safetensors file, which may be missing. */
  readonly weights: string;
}

export interface RunOptions {
  /** A spec in place of that beside the weights. */
  readonly spec?: string;
  /** Weights in place of the run's own. */
  readonly weights?: string;
  readonly set?: readonly string[];
}

/** @throws UsageError if there is no such run; SourceError for what is wrong in its spec */
export async function openRun(name: string, options: RunOptions = {}): Promise<SavedRun> {
  const isFile = statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
  if (isFile && !name.endsWith(".safetensors")) throw noRun(`${name} is no run`);
  const folder = isFile ? dirname(name) : findRun(name);
  const weights = options.weights ?? (isFile ? name : join(folder, "model.safetensors"));
  if (!existsSync(weights)) throw withoutWeights(weights, name);
  const description = readDescription(folder);
  const { source, spec } = await openSpecOf(folder, description, options);
  return { name: isFile ? name : folder, spec, source, description, weights };
}

async function openSpecOf(
  folder: string,
  description: Description | undefined,
  { spec: given, set = [] }: RunOptions,
): Promise<{ readonly source: SpecSource; readonly spec: Spec }> {
  if (given !== undefined) return openSpec(given, { set });
  const file = join(folder, "spec.yaml");
  if (!existsSync(file)) {
    throw new UsageError(
      `there is no spec.yaml beside the weights in ${folder}`,
      "name the spec of these weights with --spec",
    );
  }
  const isRun = existsSync(join(folder, files.info));
  if (isRun && !description) {
    throw new UsageError(
      `${folder} has no ${files.data}, which says what the run's data looked like`,
      "restore it, or name the spec that the run is of with --spec",
    );
  }
  if (isRun) requirePlugins(readInfo(folder).plugins, folder);
  const read = readSpec(file, set);
  // The run's own copy of the spec lies elsewhere than the spec did.
  const directory = description ? resolve(folder, description.directory) : read.directory;
  const source = { ...read, directory };
  return { source, spec: await located(source, () => resolveSpec(source)) };
}

function readDescription(folder: string): Description | undefined {
  const file = join(folder, "data.json");
  return existsSync(file) ? parseDescription(readFileSync(file, "utf8"), file) : undefined;
}

/** What the data looked like: as the run keeps it, else as the spec's data is now. */
export async function descriptionOf({ spec, description }: SavedRun): Promise<Description> {
  return description ?? describe(await loadData(spec), ".");
}

function withoutWeights(file: string, name: string): UsageError {
  return new UsageError(
    `there are no weights: ${file} does not exist`,
    file.startsWith(name)
      ? "the run has not finished, or its weights were no finite numbers; train again"
      : "name a .safetensors file",
  );
}

/** @throws UsageError if there is none */
export function findRun(name: string): string {
  for (const folder of [name, join("runs", name)]) {
    if (existsSync(join(folder, "spec.yaml")) || existsSync(join(folder, "events.jsonl")))
      return folder;
    const latest = runsIn(folder).at(-1);
    if (latest !== undefined) return latest;
  }
  if (!existsSync(name)) throw noRun(`there is no run ${name}`, name);
  const within = runsBeside(name, foldersIn(name));
  throw noRun(
    `${name} is no run: it has no spec.yaml`,
    undefined,
    within.length > 0 ? `name one of the runs in it: ${within.slice(0, 8).join(", ")}` : undefined,
  );
}

/** @param missing what was looked for, where nothing is there */
function noRun(what: string, missing?: string, fix?: string): UsageError {
  const models = foldersIn("runs");
  const wanted = missing?.replace(/^runs\//, "");
  const near = wanted === undefined ? undefined : suggest(wanted, models);
  if (fix === undefined && near !== undefined)
    return new UsageError(what, `did you mean runs/${near}?`);
  const parent = missing === undefined ? "." : dirname(missing);
  const others = runsBeside(parent, foldersIn(parent));
  const beside =
    missing === undefined ? undefined : suggest(join(parent, basename(missing)), others);
  const general =
    models.length > 0
      ? `name the folder of a run: \`nnc runs\` lists them; there are runs of ${models.slice(0, 8).join(", ")}`
      : "name the folder of a run, or a .safetensors file; `nnc train SPEC` makes a run";
  return new UsageError(what, fix ?? (beside === undefined ? general : `did you mean ${beside}?`));
}

/** Those of a folder's entries that are runs. */
const runsBeside = (folder: string, entries: readonly string[]): readonly string[] =>
  entries.map((entry) => join(folder, entry)).filter((path) => existsSync(join(path, "run.json")));

/** The numbered runs of a folder, the latest last. */
export const runsIn = (folder: string): readonly string[] =>
  foldersIn(folder)
    .filter((entry) => /^\d+$/.test(entry))
    .sort((a, b) => Number(a) - Number(b))
    .map((entry) => join(folder, entry));

export function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}
