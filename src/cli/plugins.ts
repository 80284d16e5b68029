/** Plug-ins that a run was made with, against those that the command line names. */
import { plugins, shown } from "../plugin/loaded.ts";
import { UsageError } from "../support/errors.ts";
import { type PluginRecord, pluginDifferences } from "../train/plugins.ts";
import { tell } from "./terminal.ts";

/** Those of this process, with the paths that `where` makes of theirs. */
export const pluginRecords = (where = (file: string) => file): readonly PluginRecord[] =>
  plugins().map(({ file, sha256 }) => ({ file: where(file), sha256 }));

/**
 * @param recorded with absolute paths
 * @param what was made with them, for messages
 * @returns what is wrong with plug-ins that have changed
 * @throws UsageError if one is not loaded: nothing but the command line loads code
 */
export function changedPlugins(recorded: readonly PluginRecord[], what: string): readonly string[] {
  const { missing, changed } = pluginDifferences(recorded, plugins());
  if (missing.length > 0) {
    const [names, them] = missing.length === 1 ? ["a plug-in", "it"] : ["plug-ins", "them"];
    throw new UsageError(
      `${what} was made with ${names}: ${missing.map(({ file }) => shown(file)).join(", ")}`,
      `name ${them}, as plug-ins are never loaded unasked: ${missing.map(({ file }) => `--plugin ${shown(file)}`).join(" ")}`,
    );
  }
  return changed.map(({ file }) => `the plug-in ${shown(file)} has changed`);
}

/** The same, where what has changed is only worth a line. */
export function requirePlugins(recorded: readonly PluginRecord[], what: string): void {
  for (const change of changedPlugins(recorded, what)) tell(`${change} since ${what} was made`);
}
