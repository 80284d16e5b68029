#!/usr/bin/env node
/**
 * `nnc` as it is installed. Runs the bundle (scripts/bundle.mjs), and keeps what V8 made of it in the cache, one entry
 * a command: to parse and compile its two megabytes took more time than all else that a short command does.
 */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { digest, keyOf, recallBytes, rememberBytes } from "../src/support/kept.ts";

// V8 begins with room for one megabyte of young objects, doubles it as it fills, and looks through all of them each time.
setFlagsFromString("--semi-space-growth-factor=16");

const kind = "code";
const file = join(import.meta.dirname, "main.cjs");
const args = process.argv.slice(2);

/** The bundle is one function of what it needs from Node. */
type Bundle = (
  module: { exports: { main?: (args: readonly string[]) => Promise<void> } },
  require: NodeJS.Require,
  filename: string,
  importPackage: (name: string) => Promise<unknown>,
) => void;

/** The bundle that an entry was made of, and V8's own version: of another it is of no use, and a new one takes its place. */
const { size, mtimeMs } = statSync(file);
const madeFor = Buffer.from(digest(`${size} ${mtimeMs} ${process.version} ${process.arch}`));
const key = keyOf(file, args[0] ?? "");
const kept = recallBytes(kind, key);
const isOurs = kept?.subarray(0, madeFor.length).equals(madeFor);
// It is all ASCII.
const script = new Script(readFileSync(file, "latin1"), {
  filename: file,
  ...(kept && isOurs && { cachedData: kept.subarray(madeFor.length) }),
});
// Kept at the end: by then V8 has compiled the functions that the command needs. What is no command ends with an error.
if (!isOurs || script.cachedDataRejected)
  process.once("exit", (code) => {
    const made = () => Buffer.concat([madeFor, script.createCachedData()]);
    if (code === 0) rememberBytes(kind, key, made());
  });

const bundle = { exports: {} } as Parameters<Bundle>[0];
const run = script.runInThisContext() as Bundle;
run(bundle, createRequire(file), file, (name) => import(name));
await bundle.exports.main!(args);
