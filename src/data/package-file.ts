/** Data that comes as an npm package: its files are read and checked, its code is not run. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fail } from "../support/errors.ts";
import { crc32 } from "./crc32.ts";
import { damaged, type FilePlace, readDataFile } from "./read-file.ts";

/** How to get a package back. */
export const reinstall = (name: string): string =>
  `run \`npm ci\` in nnc's folder to install ${name} afresh`;

/** @throws ProblemError if the package is not installed */
export function packageFolder(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return fail({
      path: [],
      message: `the package ${name} is not installed`,
      fix: reinstall(name),
    });
  }
}

/**
 * Reads a file and checks it as it comes.
 * @param parse what is made of it, with complaints of its own that are heard first
 * @param crc its CRC-32
 * @throws ProblemError unless the file has this CRC-32
 */
export async function readChecked<T>(
  place: FilePlace,
  crc: number,
  parse: (content: Buffer) => T,
): Promise<T> {
  let found = 0;
  const seen = (part: Uint8Array) => {
    found = crc32(part, found);
  };
  const result = parse(await readDataFile(place, { seen }));
  if (found === crc) return result;
  const hex = (sum: number) => `CRC-32 ${sum.toString(16).padStart(8, "0")}`;
  return damaged(place, "is damaged", { expected: hex(crc), received: hex(found) });
}

/** The bytes of a package's file, which are known. */
export function readPackageFile(name: string, file: string, crc: number): Promise<Buffer> {
  const directory = packageFolder(name);
  const place = { directory, name: join(directory, file), path: [], fix: reinstall(name) };
  return readChecked(place, crc, (content) => content);
}
