/** Which nnc it is that runs. */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digest } from "./kept.ts";

let found: string | undefined;
let isAlone = true;

/** From now on other code takes part in what programs are made of: a plug-in's. */
export const otherCodeJoins = (): void => {
  isAlone = false;
};
/** Whether what programs are made of follows from nnc's own code and from what it reads. */
export const isOwnCodeAlone = (): boolean => isAlone;

/** A hash of the names, sizes and times of nnc's own modules: what depends on the code is kept for this build alone. */
export function ownCode(): string {
  const filename = fileURLToPath(import.meta.url);
  // In the bundle this module is a part of one file, and all there is lies in its folder.
  const isBundle = !basename(filename).startsWith("own-code.");
  const root = isBundle ? dirname(filename) : dirname(dirname(filename));
  found ??= digest(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .sort()
      .map((name) => {
        const { size, mtimeMs } = statSync(join(root, name));
        return `${name} ${size} ${mtimeMs}`;
      })
      .join("\n"),
  );
  return found;
}
