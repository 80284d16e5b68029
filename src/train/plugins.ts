/**
 * Plug-ins in what a run or a lock remembers. They are code, so a record only says which there were; whoever goes
 * on with the run names them again.
 */
import { basename } from "node:path";
import { z } from "zod";

export const pluginSchema = z.object({
  file: z.string(),
  /** Of the plug-in and of the modules beside it that it imports. */
  sha256: z.string(),
});
export type PluginRecord = z.output<typeof pluginSchema>;

export interface PluginDifferences {
  /** Plug-ins of a record that are not loaded. */
  readonly missing: readonly PluginRecord[];
  /** Those that are loaded with other content. */
  readonly changed: readonly PluginRecord[];
}

/** What is different from a record. A plug-in may lie elsewhere now: then its content or its name tells. */
export function pluginDifferences(
  recorded: readonly PluginRecord[],
  loaded: readonly PluginRecord[],
): PluginDifferences {
  const others = recorded.filter((r) => !loaded.some((l) => l.sha256 === r.sha256));
  const isLoaded = ({ file }: PluginRecord) =>
    loaded.some((l) => basename(l.file) === basename(file));
  return {
    missing: others.filter((r) => !isLoaded(r)),
    changed: others.filter(isLoaded),
  };
}
