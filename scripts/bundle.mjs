/**
 * Puts what `nnc` loads at its start into a few files in `dist/app`: some four hundred modules, each of them looked up
 * and read, took longer than all else that a short command does. What is not bundled is loaded from node_modules.
 */
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const { dependencies } = JSON.parse(readFileSync(path("../package.json"), "utf8"));

/** Small, needed at once, and plain JavaScript. */
const bundled = ["commander", "fastest-levenshtein", "yaml", "zod"];

export async function bundle() {
  const folder = path("../dist/app");
  rmSync(folder, { recursive: true, force: true });
  await build({
    entryPoints: [path("../dist/bin/nnc.js")],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    chunkNames: "[name]-[hash]",
    external: Object.keys(dependencies).filter((name) => !bundled.includes(name)),
    // Packages that are not modules yet ask for what is Node's own by `require`.
    banner: {
      js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
    },
    logLevel: "warning",
  });
  // npx links it only once, and expects it to be executable ever after.
  chmodSync(path("../dist/app/nnc.js"), 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
