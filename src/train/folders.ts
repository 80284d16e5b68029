/** Folders of runs: made with those that they are in, and taken back where no run has come of it. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Makes a folder and those that it is in. Node does so without end where the system says that the place of a new
 * folder is not there although it is, as in /proc.
 * @returns the first that was made, if any was
 */
export function makeFolders(path: string): string | undefined {
  const parent = dirname(resolve(path));
  try {
    mkdirSync(path);
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return undefined;
    if (code !== "ENOENT" || existsSync(parent)) throw error;
  }
  const first = makeFolders(parent);
  mkdirSync(path);
  return first ?? path;
}

/**
 * Removes what was made, as far as it is empty.
 * @param first the folder, or one that it is in
 */
export function removeEmpty(folder: string, first: string): void {
  try {
    for (let at = resolve(folder); ; at = dirname(at)) {
      rmdirSync(at);
      if (at === resolve(first) || at === dirname(at)) return;
    }
  } catch {
    // Something else has been put there, and stays.
  }
}

/**
 * Makes the next free number in a folder.
 * @returns the folder, and the first on its path that was made
 */
export function nextNumbered(parent: string): readonly [path: string, made: string] {
  const made = makeFolders(parent);
  const taken = readdirSync(parent).map(Number).filter(Number.isInteger);
  for (let n = Math.max(0, ...taken) + 1; ; n++) {
    const path = join(parent, String(n));
    try {
      mkdirSync(path);
      return [path, made ?? path];
    } catch (error) {
      // Another run took the number in the meantime.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
