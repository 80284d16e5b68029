/**
 * What is slow to parse, kept as folders of arrays under the hash of all they depend on. A folder is written
 * aside and renamed, so that it is whole or not there, whatever happens meanwhile.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../../support/cache-folder.ts";
import type { DataFile } from "./data-file.ts";

/** Bytes that are hashed at once. */
const portion = 4 << 20;
const day = 24 * 3600e3;
/** How long what nobody asks for is kept, and what a process has left that was killed, in ms. */
const kept = 30 * day;
const abandoned = day;

/** SHA-256 of a file's content. */
export async function contentHash(file: DataFile): Promise<string> {
  const hash = createHash("sha256");
  const bytes = Buffer.alloc(Math.min(portion, file.size));
  for (let at = 0; at < file.size; at += bytes.length) {
    const piece = bytes.subarray(0, Math.min(bytes.length, file.size - at));
    await file.read(at, piece);
    hash.update(piece);
  }
  return hash.digest("hex");
}

/**
 * The folder of a key, made by `make` if it is not there yet.
 * @param key all that its content depends on, as plain data
 */
export async function cachedFolder(
  key: unknown,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const name = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32);
  const all = join(cacheFolder(), "data");
  const folder = join(all, name);
  if (existsSync(folder)) {
    touch(folder);
    return folder;
  }
  const scratch = scratchIn(all);
  try {
    await make(scratch);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
  try {
    renameSync(scratch, folder);
    return folder;
  } catch {
    // Another process was faster, or the cache cannot be written to.
    process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
    return scratch;
  }
}

/** In the cache, so that renaming stays on one disk; elsewhere if that cannot be written. */
function scratchIn(all: string): string {
  try {
    mkdirSync(all, { recursive: true });
    removeOld(all);
    return mkdtempSync(join(all, "making-"));
  } catch {
    return mkdtempSync(join(tmpdir(), "nnc-"));
  }
}

function removeOld(all: string): void {
  for (const name of readdirSync(all)) {
    const path = join(all, name);
    try {
      const age = Date.now() - statSync(path).mtimeMs;
      if (age > (name.startsWith("making-") ? abandoned : kept))
        rmSync(path, { recursive: true, force: true });
    } catch {
      // Another process removes it, or it is not ours.
    }
  }
}

/** Says that a folder is in use. */
function touch(folder: string): void {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // It stays where it is for a while in any case.
  }
}
