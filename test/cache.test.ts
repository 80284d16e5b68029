/** What is kept between runs of the command: found again, or as good as not there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { keyOf, recall, remember } from "../src/support/kept.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-kept-"));
process.env["NNC_CACHE"] = folder;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const key = keyOf("a", "b");
const value = { list: [1, 2, 3], text: "weights\nof a layer" };

test("what is kept is found, under its own key only", () => {
  remember("thing", key, value);
  assert.equal(recall("thing", key), value);
  assert.is(recall("thing", keyOf("ab")), undefined);
  assert.is(recall("other", key), undefined);
});

test("whatever is damaged is not there", () => {
  const [file] = readdirSync(folder) as [string];
  const whole = readFileSync(join(folder, file));
  for (let at = 0; at < whole.length; at++) {
    const flipped = Uint8Array.from(whole);
    flipped[at]! ^= 1;
    writeFileSync(join(folder, file), flipped);
    assert.is(recall("thing", key), undefined, `byte ${at}`);
  }
  writeFileSync(join(folder, file), whole.subarray(0, whole.length - 1));
  assert.is(recall("thing", key), undefined);
  writeFileSync(join(folder, file), whole);
  assert.equal(recall("thing", key), value);
});

test("a cache that cannot be written to is no fault", () => {
  process.env["NNC_CACHE"] = join(folder, readdirSync(folder)[0]!);
  remember("thing", key, value);
  assert.is(recall("thing", key), undefined);
  process.env["NNC_CACHE"] = folder;
});

test.run();
