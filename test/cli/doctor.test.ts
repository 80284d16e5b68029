/** `nnc doctor`, as its users run it: a table, JSON, and what the exit code means. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nnc } from "./helpers.ts";

const cwd = mkdtempSync(`${tmpdir()}/nnc-doctor-`);
test.after(() => rmSync(cwd, { recursive: true }));

const names = [
  "input ranges",
  "leakage",
  "gradients",
  "initial loss",
  "one batch",
  "gradient sizes",
  "dead units",
];
const small = ["--backend", "webasm"];

test("a healthy spec: a line a check, exit code 0", async () => {
  const { code, stdout } = await nnc(["doctor", "linear.yaml", ...small], { cwd });
  assert.is(code, 0, stdout);
  assert.match(stdout, /^Doctor: "linear"$/m);
  for (const name of names) assert.match(stdout, new RegExp(`^  ok +${name} `, "m"));
  assert.match(stdout, /✓ nothing that would keep it from learning/);
});

test("what keeps it from learning: exit code 1, and what to change", async () => {
  const args = ["doctor", "linear.yaml", ...small, "--set", "optimizer.sgd.learning_rate=100"];
  const { code, stdout } = await nnc(args, { cwd });
  assert.is(code, 1, stdout);
  assert.match(stdout, /^ {2}problem +one batch +.*no number any more$/m);
  assert.match(stdout, /→ .*learning.rate/);
  const quiet = await nnc([...args, "--quiet"], { cwd });
  assert.not.match(quiet.stdout, /^ {2}ok/m);
  assert.match(quiet.stdout, /^ {2}problem/m);
});

test("--json: an event a line, and nothing else", async () => {
  const { code, stdout } = await nnc(["doctor", "linear.yaml", ...small, "--json"], { cwd });
  assert.is(code, 0, stdout);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(
    events.map((e) => e["check"] ?? e["event"]),
    [...names, "end"],
  );
  assert.equal(events.at(-1), { event: "end", checks: names.length, problems: 0, warnings: 0 });
});

test("a broken spec is told as elsewhere: exit code 2", async () => {
  const { code, stderr } = await nnc(["doctor", "linear.yaml", "--set", "train.epoch=1"], { cwd });
  assert.is(code, 2);
  assert.match(stderr, /did you mean `epochs`/);
});

test.run();
