/** The plug-ins of this process: which they are, and whether an error arose in one of them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface Plugin {
  /** Absolute path. */
  readonly file: string;
  /** Of the file and of the modules beside it that it imports. */
  readonly sha256: string;
}

interface Loaded extends Plugin {
  readonly modules: readonly string[];
}
const loaded: Loaded[] = [];

export const plugins = (): readonly Plugin[] =>
  loaded.map(({ file, sha256 }) => ({ file, sha256 }));

export const isLoaded = (file: string): boolean => loaded.some((plugin) => plugin.file === file);

/** @param modules absolute paths of all that was loaded for it, outside node_modules */
export function remember(file: string, modules: readonly string[]): void {
  const hash = createHash("sha256");
  for (const module of [...modules].sort())
    hash.update(`${relative(dirname(file), module)}\0`).update(readFileSync(module));
  loaded.push({ file, sha256: hash.digest("hex"), modules });
}

/** A path as messages have it: from here, where that does not climb. */
export function shown(file: string): string {
  const short = relative(process.cwd(), file);
  return short === "" || short.startsWith("..") ? file : short;
}

/**
 * The innermost line of some modules that was under way when an error arose, as `my-layers.ts:14`.
 * @param modules absolute paths; by default those of the loaded plug-ins
 */
export function placeOf(
  error: unknown,
  modules: readonly string[] = loaded.flatMap((plugin) => plugin.modules),
): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const line of stack.split("\n")) {
    const [, name, row] = /^\s+at (?:.*\()?(.+?):(\d+):\d+\)?$/.exec(line) ?? [];
    const path = name?.startsWith("file:") ? fileURLToPath(name) : name;
    if (path !== undefined && modules.includes(path)) return `${shown(path)}:${row}`;
  }
  return undefined;
}
