/**
 * Compiles `bin` and `src` to `dist`, and bundles the command. Also npm's `prepare`, which npm 10 runs again before every
 * `npx nnc` in a clone: then what is there is used as it is.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const beforeNpx =
  process.env.npm_lifecycle_event === "prepare" && process.env.npm_command === "exec";

if (!(beforeNpx && existsSync(path("../dist/app/nnc.js")))) {
  const tsc = path("../node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", path("../tsconfig.build.json")];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  const { bundle } = await import("./bundle.mjs");
  await bundle();
}
