/** The package that calls C. It loads a binary of its own, for which only what runs native code shall wait. */
import { createRequire } from "node:module";

/** A function in C, which can also be called on another thread. */
export type Native = ((...args: unknown[]) => unknown) & { async(...args: unknown[]): void };

let loaded: typeof import("koffi") | undefined;

export function loadKoffi(): typeof import("koffi") {
  loaded ??= createRequire(import.meta.url)("koffi") as typeof import("koffi");
  return loaded;
}
