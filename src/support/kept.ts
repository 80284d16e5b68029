/**
 * What was slow to find, kept in the cache under the hash of all it depends on. An entry is written aside and
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

const fileOf = (kind: string, key: string) => join(cacheFolder(), `${kind}-${key}.kept`);
/** Of a digest in hexadecimal. */
const digestLength = 64;

/** The bytes kept under a key. @returns undefined if there are none, or they are damaged */
export function recallBytes(kind: string, key: string): Buffer | undefined {
  try {
    const entry = readFileSync(fileOf(kind, key));
    const content = entry.subarray(digestLength);
    return entry.toString("latin1", 0, digestLength) === digest(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps bytes. A cache that cannot be written to costs time, not the run. */
export function rememberBytes(kind: string, key: string, content: Uint8Array): void {
  const file = fileOf(kind, key);
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    writeFileSync(temporary, Buffer.concat([Buffer.from(digest(content), "latin1"), content]));
    renameSync(temporary, file);
  } catch {
    removeIfThere(temporary);
  }
}

/** The value kept under a key. @returns undefined if there is none, or it is damaged */
export function recall<T>(kind: string, key: string): T | undefined {
  const bytes = recallBytes(kind, key);
  return bytes && (JSON.parse(bytes.toString("utf8")) as T);
}

/** Keeps a value of plain data. */
export const remember = (kind: string, key: string, value: unknown): void =>
  rememberBytes(kind, key, Buffer.from(JSON.stringify(value), "utf8"));

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written, nothing is left to remove.
  }
}
