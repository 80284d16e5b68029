/** Imports point one way, the core is silent, and files stay readable. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = fileURLToPath(new URL("../../src", import.meta.url));

/** What each folder may import beside itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  support: [],
  ir: ["support"],
  ops: ["ir", "support"],
  compiler: ["ops", "ir", "support"],
  backends: ["ir", "support"],
  nn: ["ops", "ir", "support"],
  data: ["support"],
  spec: ["nn", "data", "support"],
  plugin: ["spec", "nn", "data", "ops", "ir", "support"],
  infer: ["spec", "nn", "data", "compiler", "ops", "ir", "support"],
  train: ["infer", "spec", "nn", "data", "compiler", "ops", "ir", "support"],
  doctor: ["train", "spec", "infer", "nn", "data", "compiler", "ops", "ir", "support"],
  cli: [
    "doctor",
    "train",
    "infer",
    "plugin",
    "spec",
    "backends",
    "nn",
    "data",
    "compiler",
    "ir",
    "support",
  ],
};

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) =>
  f.endsWith(".ts"),
);
const sources = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));

test("imports point one way", () => {
  assert.ok(files.length > 50, "the sources are not where this test looks");
  const wrong = sources.flatMap(({ file, text }) => {
    const folder = file.split("/")[0]!;
    const imports = [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((m) => m[1]!);
    return imports.flatMap((path) => {
      const target = relative(root, join(root, file, "..", path)).split("/")[0]!;
      const fine = target === folder || allowed[folder]?.includes(target);
      return fine ? [] : [`${file} imports ${path}`];
    });
  });
  assert.equal(wrong, []);
});

test("only the command line prints", () => {
  const printing = /\bconsole\.|process\.(stdout|stderr)\b/;
  const loud = sources.filter(
    ({ file, text }) => !file.startsWith("cli/") && printing.test(withoutTemplates(text)),
  );
  assert.equal(
    loud.map((s) => s.file),
    [],
  );
});

/** Scripts for child processes are texts, not code of ours. */
const withoutTemplates = (text: string) => text.replaceAll(/`[^`]*`/g, "``");

test("no op is named outside its definition, no file is too long", () => {
  const named = sources.filter(({ text }) => /op\.name\s*===/.test(text));
  assert.equal(
    named.map((s) => s.file),
    [],
  );
  const long = sources.filter(({ text }) => text.split("\n").length > 320).map((s) => s.file);
  assert.equal(long, []);
});

test.run();
