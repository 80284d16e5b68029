/**
 * A finished run, or the weights of one with a spec, opened for use. RUN is a run's folder, the folder that its
 * numbered runs are in (the latest is meant), the name of a model under `runs`, or a .safetensors file.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
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
  if (existsSync(join(folder, files.info))) requirePlugins(readInfo(folder).plugins, folder);
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
  const models = foldersIn("runs");
  const near = suggest(name.replace(/^runs\//, ""), models);
  const fix =
    near !== undefined
      ? `did you mean runs/${near}?`
      : models.length > 0
        ? `\`nnc runs\` lists them; there are runs of ${models.slice(0, 8).join(", ")}`
        : "`nnc train SPEC` makes one";
  const what = existsSync(name)
    ? `${name} is no run: it has no spec.yaml`
    : `there is no run ${name}`;
  throw new UsageError(what, fix);
}

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
