/**
 * What was slow to find, kept as JSON in the cache under the hash of all it depends on. An entry is written aside and
 * renamed, and has a checksum: what is damaged counts as not there.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

export const digest = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

/** A name for what depends on these texts and on nothing else. */
export const keyOf = (...parts: readonly string[]): string => digest(parts.join("\0")).slice(0, 32);

const fileOf = (kind: string, key: string) => join(cacheFolder(), `${kind}-${key}.json`);

/** The value kept under a key. @returns undefined if there is none, or it is damaged */
export function recall<T>(kind: string, key: string): T | undefined {
  try {
    const text = readFileSync(fileOf(kind, key), "utf8");
    const end = text.indexOf("\n");
    const value = text.slice(end + 1);
    return text.slice(0, end) === digest(value) ? (JSON.parse(value) as T) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a value of plain data. A cache that cannot be written to costs time, not the run. */
export function remember(kind: string, key: string, value: unknown): void {
  const text = JSON.stringify(value);
  const file = fileOf(kind, key);
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    writeFileSync(temporary, `${digest(text)}\n${text}`);
    renameSync(temporary, file);
  } catch {
    removeIfThere(temporary);
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written, nothing is left to remove.
  }
}
