/** What went wrong, said on stderr, and the exit code it means. Nobody sees a stack trace unasked. */
import { CommanderError } from "commander";
import { placeOf, plugins } from "../plugin/loaded.ts";
import { renderProblems } from "../spec/diagnostics.ts";
import { SourceError, type SpecSource } from "../spec/source.ts";
import { type Problem, ProblemError, RunError, UsageError } from "../support/errors.ts";
import { exitStatus } from "./exit-status.ts";
import { hasColor, type Paint, painter, tell, widthOf } from "./terminal.ts";

/** Runs a part of a command that works on a spec; its problems become frames in that spec's text. */
export async function located<T>(source: SpecSource, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ProblemError && !(error instanceof SourceError)) {
      throw new SourceError(error.problems, source);
    }
    throw error;
  }
}

/** Prints an error; returns the exit code. */
export function reportFailure(error: unknown): number {
  const paint = painter(hasColor(process.stderr));
  if (error instanceof CommanderError) return reportCommander(error, paint);
  if (error instanceof SourceError) {
    const { stderr } = process;
    const style = { color: hasColor(stderr), width: widthOf(stderr) };
    tell(renderProblems(error.problems, error.source, style));
    return exitStatus.usage;
  }
  if (error instanceof UsageError || error instanceof RunError) {
    tell(sentence(error.message, error.fix, paint));
    return error instanceof UsageError ? exitStatus.usage : exitStatus.failed;
  }
  if (error instanceof ProblemError) {
    for (const problem of error.problems) tell(placeless(problem, paint));
    return exitStatus.usage;
  }
  return reportInternal(error, paint);
}

const sentence = (message: string, fix: string | undefined, paint: Paint) =>
  `${paint("red", paint("bold", "error:"))} ${message}${fix === undefined ? "" : `\n  ${paint("cyan", "help:")} ${fix}`}`;

/** A problem that has no place in a spec: with what was given on the command line. */
function placeless({ message, expected, received, notes = [], fix }: Problem, paint: Paint) {
  const facts = [
    ...(expected === undefined ? [] : [["expected:", expected]]),
    ...(received === undefined ? [] : [["received:", received]]),
    ...notes.map((note) => ["note:", note]),
  ];
  const lines = facts.map(([what, text]) => `\n  ${paint("cyan", what!)} ${text}`);
  return sentence(`${message}${lines.join("")}`, fix, paint);
}

/** Commander says `error: … (Did you mean x?)`; a missing command makes it print its help. */
function reportCommander(error: CommanderError, paint: Paint): number {
  if (error.code === "commander.help") return exitStatus.usage;
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const [, near] = /\(Did you mean (.+)\?\)/.exec(rest.join(" ")) ?? [];
  const general =
    error.code === "commander.unknownOption"
      ? "settings of the spec are changed by --set, as --set train.epochs=1; see also `nnc help`"
      : "see `nnc help`, or `nnc help COMMAND`";
  const fix = near === undefined ? general : `did you mean ${near}?`;
  tell(sentence(first, fix, paint));
  return exitStatus.usage;
}

function reportInternal(error: unknown, paint: Paint): number {
  const message = error instanceof Error ? error.message : String(error);
  const plain = message.replace(/^internal: /, "");
  const place = placeOf(error);
  if (place !== undefined) {
    const name = plain === message && error instanceof Error ? `${error.name}: ` : "";
    tell(
      sentence(
        `${place}: ${name}${plain}`,
        "the plug-in fails there; NNC_DEBUG=1 shows the stack",
        paint,
      ),
    );
    if (process.env["NNC_DEBUG"] && error instanceof Error) tell(error.stack ?? "");
    return exitStatus.usage;
  }
  const whose = plugins().length > 0 ? "nnc or of a plug-in" : "nnc";
  const fault = `this is a fault of ${whose}, not of your spec; set NNC_DEBUG=1 for the stack, and please report it`;
  tell(
    `${paint("red", paint("bold", "internal error:"))} ${plain}\n  ${paint("cyan", "note:")} ${fault}`,
  );
  if (process.env["NNC_DEBUG"] && error instanceof Error) tell(error.stack ?? "");
  return exitStatus.failed;
}
