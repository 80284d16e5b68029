/**
 * Puts what `nnc` runs into one file, `dist/app/main.cjs`: some four hundred modules, each of them looked up and read,
 * took longer than all else that a short command does. `dist/app/nnc.js` (bin/launch.ts) starts it, and what runs on
 * threads and in processes of their own lies beside it. What is not bundled is loaded from node_modules.
 */
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const { dependencies } = JSON.parse(readFileSync(path("../package.json"), "utf8"));

/** Small, needed at once, and plain JavaScript. */
const bundled = ["commander", "csv-parse", "fastest-levenshtein", "yaml", "zod"];
const external = Object.keys(dependencies).filter((name) => !bundled.includes(name));

/** zod's messages in some fifty languages are half of it; `nnc` speaks English. */
const englishOnly = {
  name: "english-only",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace("index.js", "en.js")),
    })),
};

/** commander starts processes for subcommands that are programs of their own; nnc has none, and Node takes 10 ms to load that. */
const lateProcesses = {
  name: "late-processes",
  setup: ({ onLoad }) =>
    onLoad({ filter: /commander[\\/]lib[\\/]command\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const early = "const childProcess = require('node:child_process');";
      if (!text.includes(early)) throw new Error("commander loads node:child_process otherwise");
      const late = "{ spawn: (...args) => require('node:child_process').spawn(...args) }";
      return { contents: text.replace(early, `const childProcess = ${late};`), loader: "js" };
    }),
};

/** What both files have in common. */
const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  external,
  logLevel: "warning",
};

/**
 * A script of one function, as bin/launch.ts calls it: only of scripts does Node 20 take the code that V8 made of them
 * before. A script cannot import what is a module itself, so the caller does that.
 */
async function bundleCommand(file) {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [path("../dist/src/cli/main.js")],
    format: "cjs",
    write: false,
    define: { "import.meta.url": "fileUrl", "import.meta.dirname": "dirname" },
    banner: { js: "(function (module, require, filename, importPackage) {" },
    footer: { js: "})" },
    plugins: [englishOnly, lateProcesses],
  });
  const [{ text }] = outputFiles;
  const script = external.reduce(
    (code, name) => code.replaceAll(`import("${name}")`, `importPackage("${name}")`),
    text
      .replaceAll('import("node:', 'importPackage("node:')
      .replace(
        '"use strict";',
        '"use strict";\nconst dirname = require("node:path").dirname(filename), fileUrl = require("node:url").pathToFileURL(filename).href;',
      ),
  );
  // Strings are written so by esbuild; what is left stands in comments. One byte a character is read three times as fast.
  const ascii = script.replace(
    /[^\0-\x7f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  writeFileSync(file, ascii, "latin1");
}

export async function bundle() {
  const folder = path("../dist/app");
  rmSync(folder, { recursive: true, force: true });
  const command = join(folder, "nnc.js");
  await build({
    ...options,
    entryPoints: {
      nnc: path("../dist/bin/launch.js"),
      "parquet-worker": path("../dist/src/data/table/parquet-worker.js"),
      "webgpu-probe": path("../dist/src/backends/gpujs/webgpu-probe.js"),
    },
    outdir: folder,
    format: "esm",
  });
  await bundleCommand(join(folder, "main.cjs"));
  // npx links it only once, and expects it to be executable ever after.
  chmodSync(command, 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
