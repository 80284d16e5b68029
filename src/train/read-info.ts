/** Reading what a run's folder says of how the run came to be. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { UsageError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { readIfThere } from "./files.ts";
import { files, isLeftover } from "./run-folder.ts";
import { type RunInfo, runInfoSchema } from "./run-info.ts";

/**
 * What a run's folder says of it.
 * @throws UsageError if there is none
 */
export function readInfo(path: string): RunInfo {
  const file = join(path, files.info);
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `${path} is a file, and no run`,
      "name the folder of a run, as runs/mlp/1",
    );
  const text = readIfThere(file)?.toString("utf8");
  if (text === undefined && isLeft(path)) {
    throw new UsageError(
      `the run in ${path} was stopped before it had begun`,
      `start it again, with the options it had: nnc train SPEC --out ${path}`,
    );
  }
  if (text === undefined) {
    throw new UsageError(
      `there is no run in ${path}`,
      existsSync(path)
        ? runsWithin(path)
        : (similar(path) ?? `to start one there: nnc train SPEC --out ${path}`),
    );
  }
  const info = runInfoSchema.safeParse(parsed(text));
  if (info.success) return info.data;
  throw new UsageError(
    `${relative(".", file) || file} is damaged`,
    "start a new run with --weights and the weights of this one",
  );
}

/** The folders beside or in which one looked, that hold a run. */
const holdRuns = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).filter((entry) => existsSync(join(folder, entry, files.info)));
  } catch {
    return [];
  }
};

function similar(path: string): string | undefined {
  const near = suggest(basename(path), holdRuns(dirname(path)));
  return near && `did you mean ${join(dirname(path), near)}?`;
}

function runsWithin(path: string): string {
  const some = holdRuns(path).slice(0, 8);
  if (some.length === 0) return "name the folder of a run, as runs/mlp/1";
  return `name one of the runs in it: ${some.map((name) => join(path, name)).join(", ")}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether all that is in a folder was left by a process that was killed before there was a run. */
function isLeft(folder: string): boolean {
  const found = existsSync(folder) ? readdirSync(folder) : [];
  return found.length > 0 && found.every((entry) => isLeftover(folder, entry));
}
