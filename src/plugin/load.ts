/**
 * Loading plug-ins: TypeScript or JavaScript modules, run in this process, whose exports join nnc's catalogues.
 * Only a command line names them; nothing that nnc reads ever does. What they import as `nnc/plugin` and as `zod`
 * is what runs here, wherever they lie.
 */
import { statSync } from "node:fs";
import { extname, resolve, sep } from "node:path";
import { createJiti, type Jiti } from "jiti";
import * as zod from "zod";
import { fail, ProblemError, UsageError } from "../support/errors.ts";
import { otherCodeJoins } from "../support/own-code.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { checkExports } from "./exports.ts";
import * as api from "./index.ts";
import { isLoaded, placeOf, remember, shown } from "./loaded.ts";

const extensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"];

/** Frames of a stack that are kept: a plug-in's own may lie deep below those of ops and passes. */
const frames = 100;

/**
 * Loads plug-ins in their order, before anything is read that may name what they define.
 * @throws ProblemError, UsageError for one that is missing, does not run, or exports what does not fit
 */
export async function loadPlugins(files: readonly string[]): Promise<void> {
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, frames);
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    interopDefault: false,
    virtualModules: { "nnc/plugin": strict("nnc/plugin", api), zod: strict("zod", zod) },
  });
  for (const name of files) {
    const file = resolve(name);
    if (!isLoaded(file)) await loadPlugin(jiti, file);
  }
}

async function loadPlugin(jiti: Jiti, file: string): Promise<void> {
  checkFile(file);
  const before = new Set(Object.keys(jiti.cache));
  const own = () =>
    Object.keys(jiti.cache).filter(
      (path) => !before.has(path) && !path.includes(`${sep}node_modules${sep}`),
    );
  let exports: Readonly<Record<string, unknown>>;
  otherCodeJoins();
  try {
    exports = await jiti.import(file);
  } catch (error) {
    return refuse(file, error, own());
  }
  // The cache knows a file by its real path.
  const modules = [...new Set([file, ...own()])];
  for (const membership of checkExports(shown(file), exports)) membership.join();
  remember(file, modules);
}

function checkFile(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found)
    throw new UsageError(`there is no plug-in ${shown(file)}`, "correct the path after --plugin");
  if (found.isFile() && extensions.includes(extname(file))) return;
  throw new UsageError(
    `${shown(file)} is no plug-in`,
    "name a module: a file of TypeScript (.ts) or JavaScript (.js)",
  );
}

/** Says why a module could not be run, and where. */
function refuse(file: string, error: unknown, modules: readonly string[]): never {
  const message = error instanceof Error ? error.message : String(error);
  const [, slip, place] = /^ParseError: (.*?)\s*\n\s*(.+:\d+:\d+)$/s.exec(message) ?? [];
  if (place !== undefined) {
    throw new UsageError(`${shown(place)}: the plug-in does not parse: ${slip}`, "mend the syntax");
  }
  const [, missing] = /^Cannot find (?:module|package) '([^']+)'/.exec(message) ?? [];
  const [, by = file] = /^- (.+)$/m.exec(message) ?? [];
  if (missing !== undefined) {
    throw new UsageError(
      `${shown(by)}: there is no module "${missing}" to import`,
      /^nnc(\/|$)/.test(missing)
        ? 'what nnc has for plug-ins is imported from "nnc/plugin"'
        : "correct the path, or install the package beside the plug-in",
    );
  }
  const where = placeOf(error, [file, ...modules]) ?? shown(file);
  if (error instanceof ProblemError)
    throw new ProblemError(
      error.problems.map((p) => ({ ...p, message: `${where}: ${p.message}` })),
    );
  throw new UsageError(
    `${where}: the plug-in failed while it was loaded: ${error instanceof Error ? `${error.name}: ` : ""}${message}`,
    "mend it there; a plug-in should do no more than define things",
  );
}

/** What the loader may look for in any module. */
const expected: readonly PropertyKey[] = ["__esModule", "then"];

/** A module whose missing exports are errors at once, and not `undefined`. */
function strict(name: string, module: object): object {
  const exports = Object.keys(module);
  return new Proxy(Object.assign(Object.create(null) as object, module, { __esModule: true }), {
    get(target, key, receiver) {
      if (key in target || typeof key === "symbol" || expected.includes(key))
        return Reflect.get(target, key, receiver) as unknown;
      const near = suggest(key, exports);
      return fail({
        path: [],
        message: `${name} has no export "${key}"`,
        expected: oneOf(exports),
        received: key,
        ...(near ? { fix: `did you mean \`${near}\`?` } : {}),
      });
    },
  });
}
