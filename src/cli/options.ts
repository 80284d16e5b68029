/** Options that several commands share, and the checks of their values. */
import { type Command, InvalidArgumentError } from "commander";

/** Modules of definitions beside nnc's own. */
export interface PluginOption {
  readonly plugin?: readonly string[];
}

/** How a spec is read: overrides in the order given, and a seed. */
export interface SpecOptions extends PluginOption {
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly quiet?: boolean;
}
export interface JsonOption {
  readonly json?: boolean;
}

export const withPlugins = (command: Command): Command =>
  command.option(
    "--plugin <file>",
    "layers, losses … of one's own: a TypeScript or JavaScript module, which is run",
    collect,
  );

/** What another process of nnc must be told, to read a spec as this one does. */
export const specArguments = ({ set = [], seed, plugin = [] }: SpecOptions): readonly string[] => [
  ...set.flatMap((s) => ["--set", s]),
  ...(seed === undefined ? [] : ["--seed", `${seed}`]),
  ...pluginArguments(plugin),
];
export const pluginArguments = (files: readonly string[]): readonly string[] =>
  files.flatMap((file) => ["--plugin", file]);

/** `--set`, `--seed`, `--plugin` and `--quiet`, of every command that reads a spec. */
export function withSpecOptions(command: Command): Command {
  return withPlugins(command)
    .option("--set <path=value>", "change a value of the spec, as train.epochs=1", collect)
    .option(
      "--seed <n>",
      "start of all random numbers, as --set seed=n",
      whole("seed", 0, 2 ** 32 - 1),
    )
    .option("-q, --quiet", "only errors and results");
}

export const threads = () => whole("number of threads", 1, 1024);
export const count = (of: string) => whole(`number of ${of}`, 1, 1e9);

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** A parser of whole numbers in a range. */
function whole(what: string, least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value.trim()) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`A ${what} is a whole number from ${least} to ${most}.`);
  };
}
