/** Writing so that a file is whole or not there, and what the system says when it cannot be. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { RunError, UsageError } from "../support/errors.ts";

/** What files that are being written are called; one that is found was never finished. */
export const unfinished = ".tmp";

/** What can be done about a full disk beside making room, if anything. */
export type Then = () => string | undefined;

/** Replaces a file at once: written beside it, brought to the disk, renamed. */
export function writeWhole(file: string, content: string | Uint8Array, then?: Then): void {
  const temporary = `${file}${unfinished}`;
  guarded(file, then, () => {
    try {
      writeFileSync(temporary, content, { flush: true });
      renameSync(temporary, file);
      syncFolder(dirname(file));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** Brings a rename to the disk; where folders cannot be opened the system does so by itself. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than the system allows",
  EIO: "the disk does not work",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the disk is read-only",
  ENOENT: "there is no such place, or it is read-only",
  ENOTDIR: "a file is in the way",
  EEXIST: "a file is in the way",
  EISDIR: "a folder is in the way",
  ELOOP: "a link leads round in a circle",
  ENAMETOOLONG: "the name is too long",
};

/** Turns the system's words for a full disk or a read-only folder into ours. */
export function guarded<T>(place: string, then: Then | undefined, action: () => T): T {
  return saying(place, action, () => RunError, then);
}

/** The same where a run's folder is first asked for: a place that cannot be had is the user's to change. */
export function opening<T>(place: string, then: Then | undefined, action: () => T): T {
  return saying(place, action, (code) => (isFull(code) ? RunError : UsageError), then);
}

function saying<T>(
  place: string,
  action: () => T,
  kind: (code: string) => typeof RunError | typeof UsageError,
  then?: Then,
): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    throw new (kind(code))(`cannot write ${place}: ${reasons[code] ?? code}`, remedy(code, then));
  }
}

/** Removes what may be left where it cannot be removed, as in a folder that has become read-only. */
export function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What could not be written has been said, and is what matters.
  }
}

const isFull = (code: string) => ["ENOSPC", "EDQUOT", "EFBIG"].includes(code);

function remedy(code: string, then: Then = () => undefined): string {
  if (isFull(code)) {
    const more = then();
    return more === undefined
      ? "make room, or choose another folder with --out"
      : `make room; ${more}`;
  }
  if (["ENOTDIR", "EEXIST", "EISDIR"].includes(code))
    return "move it away, or choose another folder with --out";
  if (code === "ENAMETOOLONG") return "choose a shorter name for the folder with --out";
  return "make the folder writable, or choose another with --out";
}

/** @returns undefined if there is no such file */
export function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new UsageError(
      `cannot read ${file}: ${reasons[code ?? ""] ?? code}`,
      "move away what is there, or give yourself permission to read it",
    );
  }
}
