/** Where nnc keeps what it would otherwise have to make again: compiled programs, parsed data. */
import { homedir } from "node:os";
import { join } from "node:path";

/** `$NNC_CACHE`, or the user's cache folder. */
export function cacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return process.env["NNC_CACHE"] ?? join(base, "nnc");
}
