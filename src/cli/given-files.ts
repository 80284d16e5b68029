/** The INPUT arguments of a command as bytes: files, the pictures of a folder, `-` for standard input. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { GivenFile } from "../data/given/given.ts";
import { readDataFile } from "../data/read-file.ts";
import { UsageError } from "../support/errors.ts";

/** @throws ProblemError, UsageError for what cannot be read */
export async function readGivenFiles(names: readonly string[]): Promise<readonly GivenFile[]> {
  if (names.filter((name) => name === "-").length > 1)
    throw new UsageError("standard input can be read once only", "name `-` once");
  const files: GivenFile[] = [];
  for (const name of names.flatMap(picturesIn)) {
    const place = { path: [], name: name === "-" ? "stdin" : name, directory: process.cwd() };
    const bytes = name === "-" ? await readInput() : await readDataFile(place);
    files.push({ place: { path: [], name: place.name }, bytes });
  }
  return files;
}

/** A folder stands for the pictures in it. */
function picturesIn(name: string): readonly string[] {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name];
  const pictures = readdirSync(name)
    .filter((entry) => /\.(png|jpe?g)$/i.test(entry))
    .sort();
  if (pictures.length > 0) return pictures.map((entry) => join(name, entry));
  throw new UsageError(
    `the folder ${name} holds no pictures`,
    "name PNG or JPEG files, or others by name",
  );
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
