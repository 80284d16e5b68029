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
import { dirname, join } from "node:path";
import { cacheFolder } from "../../support/cache-folder.ts";
import { RunError } from "../../support/errors.ts";
import type { DataFile } from "./data-file.ts";

/** Bytes that are hashed at once. */
const portion = 4 << 20;
const day = 24 * 3600e3;
/** How long what nobody asks for is kept, and what a process has left that was killed, in ms. */
const longest = 30 * day;
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
 * What is read of the folder of a key, which `make` fills if it is not there yet, or cannot be read.
 * @param key all that its content depends on, as plain data
 * @throws RunError if there is no room for it
 */
export async function cached<T>(
  key: unknown,
  make: (folder: string) => Promise<void>,
  read: (folder: string) => Promise<T>,
): Promise<T> {
  const name = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32);
  const all = join(cacheFolder(), "data");
  const folder = join(all, name);
  if (existsSync(folder)) {
    touch(folder);
    const found = await read(folder).catch(() => undefined);
    if (found !== undefined) return found;
    remove(folder);
  }
  const scratch = scratchIn(all);
  try {
    await make(scratch);
  } catch (error) {
    remove(scratch);
    throw roomless(error, scratch);
  }
  return read(kept(scratch, folder));
}

/** Puts a folder in its place, if that can be. */
function kept(scratch: string, folder: string): string {
  try {
    renameSync(scratch, folder);
    return folder;
  } catch {
    // Another process was faster, or the cache cannot be written to.
    process.once("exit", () => remove(scratch));
    return scratch;
  }
}

/** An error of the disk in words; another one as it is. */
function roomless(error: unknown, folder: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (!["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS"].includes(code)) return error;
  const full = ["ENOSPC", "EDQUOT"].includes(code);
  return new RunError(
    `cannot keep the data as arrays in ${dirname(folder)}: ${full ? "the disk is full" : code}`,
    "make room, set NNC_CACHE to a folder that has some, or write `stream: false` beside the source",
  );
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is not ours to remove, and in nobody's way.
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
      if (age > (name.startsWith("making-") ? abandoned : longest))
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
