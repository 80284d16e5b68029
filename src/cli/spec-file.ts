/** From the SPEC of a command line to a checked spec: files here first, then the bundled ones by name. */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, isAbsolute, relative } from "node:path";
import { readSpec, type SpecSource } from "../spec/source.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { located } from "./failure.ts";
import type { SpecOptions } from "./options.ts";
import { packageFile } from "./package-files.ts";

export interface OpenedSpec {
  readonly source: SpecSource;
  readonly spec: Spec;
  /** It is one of nnc's own. */
  readonly bundled: boolean;
}

/** @throws UsageError if there is no such spec; SourceError with everything wrong in it */
export async function openSpec(name: string, options: SpecOptions): Promise<OpenedSpec> {
  const { file, bundled } = locateSpec(name);
  const source = readSpec(file, overridesOf(options));
  return { source, bundled, spec: await located(source, () => resolveSpec(source)) };
}

/** What the command line changes of a spec, as arguments of `--set`, in their order. */
export const overridesOf = ({ set = [], seed }: SpecOptions): readonly string[] =>
  seed === undefined ? set : [...set, `seed=${seed}`];

/** A file of that name, or the bundled spec of that name, with or without `.yaml`. */
export function locateSpec(name: string): { readonly file: string; readonly bundled: boolean } {
  const found = statOf(name);
  if (found && !found.isDirectory()) return { file: name, bundled: false };
  const names = bundledSpecs();
  const match = names.find((n) => n === name || n === `${name}.yaml`);
  if (match !== undefined) return { file: shortest(packageFile("specs", match)), bundled: true };
  // A folder, and a missing folder, get their message where files are read.
  if (found || !statSync(dirname(name), { throwIfNoEntry: false }))
    return { file: name, bundled: false };
  throw missing(name, names);
}

/** Where not even that can be found out, whoever reads the file says why. */
function statOf(name: string): Pick<Stats, "isDirectory"> | undefined {
  try {
    return statSync(name, { throwIfNoEntry: false });
  } catch {
    return { isDirectory: () => false };
  }
}

function missing(name: string, bundled: readonly string[]): UsageError {
  const here = yamlFiles(dirname(name));
  const wanted = /\.ya?ml$/.test(name) ? basename(name) : `${basename(name)}.yaml`;
  const near = suggest(wanted, [...here, ...bundled]);
  const list = `specs that come with nnc: ${bundled.join(", ")}`;
  const fix =
    near === undefined
      ? `${list}; \`nnc init NAME\` writes a new one`
      : `did you mean ${near}?${here.includes(near) ? "" : ` ${list}`}`;
  return new UsageError(`there is no file ${name}, and no bundled spec of that name`, fix);
}

export const bundledSpecs = (): readonly string[] => yamlFiles(packageFile("specs"));

function yamlFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => /\.ya?ml$/.test(entry))
      .sort();
  } catch {
    return [];
  }
}

/** A path for messages: relative where that does not climb. */
function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") || isAbsolute(short) ? path : short;
}
