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

/** @throws ProblemError unless the file has this CRC-32 */
export function checkCrc(content: Uint8Array, place: FilePlace, crc: number): void {
  const found = crc32(content);
  if (found === crc) return;
  const hex = (sum: number) => `CRC-32 ${sum.toString(16).padStart(8, "0")}`;
  damaged(place, "is damaged", { expected: hex(crc), received: hex(found) });
}

/** The bytes of a package's file, which are known. */
export async function readPackageFile(name: string, file: string, crc: number): Promise<Buffer> {
  const directory = packageFolder(name);
  const place = { directory, name: join(directory, file), path: [], fix: reinstall(name) };
  const content = await readDataFile(place);
  checkCrc(content, place, crc);
  return content;
}
