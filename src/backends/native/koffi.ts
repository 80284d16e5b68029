/** The package that calls C. It loads a binary of its own, for which only what runs native code shall wait. */
import { createRequire } from "node:module";

/** A function in C, which can also be called on another thread. */
export type Native = ((...args: unknown[]) => unknown) & { async(...args: unknown[]): void };

let loaded: typeof import("koffi") | undefined;

export function loadKoffi(): typeof import("koffi") {
  loaded ??= createRequire(import.meta.url)("koffi") as typeof import("koffi");
  return loaded;
}

/** Calls it on a thread of Node's pool, so that the main thread stays free. */
export const called = (native: Native, ...args: readonly unknown[]): Promise<void> =>
  new Promise((resolve, reject) => {
    native.async(...args, (error: unknown) => (error ? reject(error) : resolve()));
  });
