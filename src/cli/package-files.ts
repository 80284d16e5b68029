/** Files that come with nnc, wherever it runs from: sources, dist, or node_modules. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { internal } from "../support/errors.ts";

/** The nearest folder above this file that holds a package.json. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw internal("nnc's package.json is missing");
    folder = parent;
  }
  return folder;
}

/** Absolute path of a file or folder of the package. */
export const packageFile = (...path: readonly string[]): string => join(packageRoot(), ...path);

/** Of nnc, as `package.json` has it. */
export const version = (): string =>
  (JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string }).version;
