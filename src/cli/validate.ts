/** `nnc validate`: everything that can be known of specs without training, all problems of all of them. */
import { viaNotes } from "../spec/place.ts";
import { SourceError } from "../spec/source.ts";
import { ProblemError, UsageError } from "../support/errors.ts";
import { loadData } from "../train/load.ts";
import { checkModel } from "../train/prepare.ts";
import { exitStatus } from "./exit-status.ts";
import { located, reportFailure } from "./failure.ts";
import type { JsonOption, SpecOptions } from "./options.ts";
import { openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";

type Options = SpecOptions & JsonOption;

/** @returns the exit code */
export async function validate(names: readonly string[], options: Options): Promise<number> {
  let bad = 0;
  for (const name of names) {
    try {
      await check(name, options);
      if (options.json) print(JSON.stringify({ file: name, ok: true, problems: [] }));
      else if (!options.quiet)
        print(`${painter(hasColor(process.stdout))("green", "ok")}  ${name}`);
    } catch (error) {
      if (!(error instanceof ProblemError || error instanceof UsageError)) throw error;
      if (options.json) print(JSON.stringify({ file: name, ok: false, problems: asData(error) }));
      else {
        if (bad > 0) tell("");
        reportFailure(error);
      }
      bad++;
    }
  }
  return bad === 0 ? exitStatus.fine : exitStatus.usage;
}

async function check(name: string, options: Options): Promise<void> {
  const { source, spec } = await openSpec(name, options);
  await located(source, async () => {
    const silent = options.quiet === true || options.json === true;
    const data = await during(`checking ${name}`, silent, () => loadData(spec));
    checkModel(spec, data.train);
  });
}

/** Problems with the places an editor needs; a place in a `--set` argument has no line. */
function asData(error: ProblemError | UsageError): readonly object[] {
  if (!(error instanceof SourceError)) return [{ message: error.message }];
  return error.problems.map(({ place, at, ...problem }) => {
    const found = place ?? error.source.locate(problem.path, at);
    const line = found.kind === "text" ? { line: found.line, column: found.column } : {};
    const notes = [...(problem.notes ?? []), ...viaNotes(found)];
    return { ...problem, ...(notes.length > 0 ? { notes } : {}), ...line };
  });
}
