/** Runs and locks made with plug-ins: they name them, ask for them, and load none by themselves. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fast, inFolder, nnc, tinySpec } from "./helpers.ts";

const plugin = `import { defineLayer, op } from "nnc/plugin";
import { factor } from "./factor.ts";

export const scaled = defineLayer({
  name: "scaled",
  doc: "y = factor·x",
  options: {},
  takes: "one",
  build: ([x]) => op.mul(x!, factor),
});
`;
const files = {
  "scaled.ts": plugin,
  "factor.ts": "export const factor: number = 1;\n",
  "mine.yaml": tinySpec.replace("name: tiny", "name: mine").replace("model:", "model:\n  - scaled"),
};
const own = ["--plugin", "scaled.ts"] as const;

test("a run asks for its plug-ins, and says when one has changed", () =>
  inFolder(async (cwd) => {
    const limit = ["--set", "train.epochs=2"];
    const first = await nnc(["train", "mine.yaml", ...own, ...fast, ...limit], { cwd });
    assert.is(first.code, 0, first.stderr);
    const info = JSON.parse(readFileSync(join(cwd, "runs/mine/1/run.json"), "utf8"));
    assert.match(info.plugins[0].file, /scaled\.ts$/);
    assert.match(info.plugins[0].sha256, /^[0-9a-f]{64}$/);
    const more = ["--set", "train.epochs=3", ...fast];
    const uses = [
      ["train", "mine.yaml", "--resume", "runs/mine/1", ...more],
      ["predict", "mine", "-q"],
      ["evaluate", "mine", "-q"],
    ];
    for (const args of uses) {
      const { code, stdout, stderr } = await nnc(args, { cwd });
      assert.equal([code, stdout], [2, ""], stderr);
      assert.match(stderr, /^error: runs\/mine\/1 was made with a plug-in: scaled\.ts$/m);
      assert.match(
        stderr,
        /help: name it, as plug-ins are never loaded unasked: --plugin scaled\.ts/,
      );
    }
    for (const args of uses) {
      const { code, stderr } = await nnc([...args, ...own], { cwd });
      assert.is(code, 0, stderr);
      assert.not.match(stderr, "changed");
    }
    // A module that the plug-in imports counts too.
    writeFileSync(join(cwd, "factor.ts"), "export const factor: number = 2;\n");
    const changed = await nnc(["evaluate", "mine", "-q", ...own], { cwd });
    assert.is(changed.code, 0);
    assert.match(changed.stderr, "the plug-in scaled.ts has changed since runs/mine/1 was made");
  }, files));

test("a lock is verified with its plug-ins only", () =>
  inFolder(async (cwd) => {
    const lock = await nnc(["lock", "mine.yaml", ...own, ...fast, "-q"], { cwd });
    assert.is(lock.code, 0, lock.stderr);
    const text = readFileSync(join(cwd, "mine.lock.json"), "utf8");
    assert.is(JSON.parse(text).plugins[0].file, "scaled.ts");
    const without = await nnc(["verify", "mine.yaml"], { cwd });
    assert.is(without.code, 2);
    assert.match(without.stderr, /mine\.lock\.json was made with a plug-in: scaled\.ts/);
    const same = await nnc(["verify", "mine.yaml", ...own], { cwd });
    assert.is(same.code, 0, same.stderr);
    writeFileSync(join(cwd, "factor.ts"), "export const factor: number = 2;\n");
    const other = await nnc(["verify", "mine.yaml", ...own], { cwd });
    assert.is(other.code, 1);
    assert.match(other.stdout, "✗ the plug-in scaled.ts has changed");
  }, files));

test("commands that start processes of their own hand plug-ins on", () =>
  inFolder(async (cwd) => {
    const suite = await nnc(["test", "mine.yaml", ...own, ...fast, "--json"], { cwd });
    assert.is(suite.code, 0, suite.stderr);
    assert.is(JSON.parse(suite.stdout).status, "passed");
    const bench = ["bench", "mine.yaml", ...own, ...fast, "--steps", "2", "--repeats", "1", "-q"];
    const measured = await nnc([...bench, "--json"], { cwd });
    assert.is(measured.code, 0, measured.stderr);
  }, files));

test.run();
