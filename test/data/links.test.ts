/** Data behind links, pipes and absolute paths. */
import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { csv } from "../../src/data/sources/csv.ts";
import { images } from "../../src/data/sources/images.ts";
import { encodePng } from "./encode-png.ts";
import { assertProblem, inFolder, load, problemsOf } from "./helpers.ts";

const png = (sample: number) =>
  encodePng({
    ...{ width: 1, height: 1, depth: 8, colourType: 0, interlaced: false },
    samples: [sample],
    filter: () => 0,
  });

const pictures = { "f/a/1.png": png(1), "other/2.png": png(2), "other/3.png": png(3) };

test("linked pictures and folders of pictures count", () =>
  inFolder(pictures, async (folder) => {
    symlinkSync("../../other/2.png", join(folder, "f/a/2.png"));
    symlinkSync("../other", join(folder, "f/b"));
    const { train, classes } = await load(images, { path: "f" }, folder);
    assert.equal([...train.inputs.get("x")!.values].sort(), [1, 2, 2, 3]);
    assert.equal(classes, ["a", "b"]);
  }));

test("a link to nothing is told, not passed over", () =>
  inFolder(pictures, async (folder) => {
    symlinkSync("nowhere.png", join(folder, "f/a/0.png"));
    const problems = await problemsOf(() => load(images, { path: "f" }, folder));
    assertProblem(problems, { at: "path", says: ["f/a/0.png is a link to what does not exist"] });
  }));

test("a table may name pictures by absolute paths", () =>
  inFolder(pictures, async (folder) => {
    const rows = [1, 2].map((n) => `${join(folder, n === 1 ? "f/a" : "other", `${n}.png`)},${n}`);
    writeFileSync(join(folder, "l.csv"), `path,y\n${rows.join("\n")}\n`);
    const { train } = await load(images, { path: "l.csv", target: "y" }, folder);
    assert.equal([...train.inputs.get("x")!.values], [1, 2]);
  }));

test("a link to itself, a pipe: told at once", () =>
  inFolder({}, async (folder) => {
    symlinkSync("a.csv", join(folder, "a.csv"));
    const problem = (path: string) => problemsOf(() => load(csv, { path, target: "y" }, folder));
    assertProblem(await problem("a.csv"), { at: "path", says: ["round in a circle", "a.csv"] });
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [join(folder, "pipe")]);
    assertProblem(await problem("pipe"), { at: "path", says: ["no plain file", "a pipe"] });
  }));

test.run();
