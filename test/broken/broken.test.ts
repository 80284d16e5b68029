/** Every broken spec gives frames at the marked places, in words that help; and the command line shows them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { suggest } from "../../src/support/suggest.ts";
import { nnc } from "../cli/helpers.ts";
import { blockCases } from "./block-cases.ts";
import { type BrokenSpec, broken } from "./case.ts";
import { dataCases } from "./data-cases.ts";
import { folder, marked, plain, reportOf, underlined, write } from "./frames.ts";
import { modelCases } from "./model-cases.ts";
import { productCases } from "./product-cases.ts";
import { schemaCases } from "./schema-cases.ts";
import { sequenceCases } from "./sequence-cases.ts";
import { wholeFrames } from "./whole-frames.ts";
import { yamlCases } from "./yaml-cases.ts";

const groups: Readonly<Record<string, readonly BrokenSpec[]>> = {
  schema: schemaCases,
  model: modelCases,
  blocks: blockCases,
  sequences: sequenceCases,
  products: productCases,
  data: dataCases,
  yaml: yamlCases,
};
const all = Object.values(groups).flat();

/** A line of a stack trace, or a fault of ours shown to the user. */
const trace = /^\s+at .+:\d+:\d+\)?$|internal|undefined|\[object/m;

for (const [group, cases] of Object.entries(groups)) {
  for (const spec of cases) {
    test(`${group}: ${spec.name}`, async () => {
      const report = await reportOf(spec);
      assert.equal(underlined(report), marked(spec), report);
      for (const words of spec.says) assert.match(report, words);
      assert.not.match(report, trace);
    });
  }
}

test("cases have names of their own", () =>
  assert.is(new Set(all.map((c) => c.name)).size, all.length));

for (const [name, frame] of Object.entries(wholeFrames)) {
  test(`the whole frame: ${name}`, async () => {
    const spec = all.find((c) => c.name === name);
    assert.ok(spec, "there is such a case");
    assert.is(await reportOf(spec), frame);
  });
}

/** `nnc validate`, which has to end with 2, say nothing on stdout, and no stack trace. */
async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await nnc(["validate", ...args], { cwd: folder });
  assert.is(code, 2, stderr);
  assert.is(stdout, "");
  assert.not.match(stderr, trace);
  return stderr;
}

const run = ["layer option", "a circle", "a missing file", "an unclosed bracket"];
for (const name of [...run, "--set an unknown key"]) {
  test(`nnc validate: ${name}`, async () => {
    const spec = all.find((c) => c.name === name)!;
    write(spec);
    const set = spec.set.flatMap((s) => ["--set", plain(s)]);
    const stderr = await refused(["broken.yaml", ...set]);
    assert.equal(underlined(stderr), marked(spec), stderr);
  });
}

test("nnc validate: no text, a folder, no file, no value", async () => {
  writeFileSync(join(folder, "picture.yaml"), Uint8Array.of(137, 80, 78, 71, 0, 1, 2));
  write(broken("good", {}));
  assert.match(await refused(["picture.yaml"]), /a binary file, not a spec/);
  assert.match(await refused(["."]), /is a folder, not a spec/);
  assert.match(await refused(["brokn.yaml"]), /did you mean broken\.yaml\?/);
  assert.match(await refused(["broken.yaml", "--set", "train.epochs"]), /has no value/);
  assert.match(await refused(["broken.yaml", "--set", "model.7.dense.units=3"]), /a list of 2/);
});

test("the spec that all cases are made from is good", async () => {
  write(broken("good", {}));
  const { code, stdout, stderr } = await nnc(["validate", "broken.yaml"], { cwd: folder });
  assert.is(code, 0, stderr);
  assert.match(stdout, /^ok {2}broken\.yaml/);
});

test("suggestions", () => {
  const meant = (word: string, ...candidates: string[]) => suggest(word, candidates);
  assert.is(meant("b", "a", "c"), undefined, "another letter is another word");
  assert.is(meant("A", "a", "b"), "a");
  assert.is(meant("x", "xs"), "xs");
  assert.is(meant("cvs", "mnist", "csv"), "csv");
  assert.is(meant("Batch-Size", "batch_size"), "batch_size");
  assert.is(meant("std", "mean", "stddev"), "stddev");
  assert.is(meant("conv", "conv1d", "conv2d_transpose", "dense"), "conv1d");
  assert.is(meant("avg", "average", "maximum"), undefined);
  assert.is(meant("", "a"), undefined);
});

test.run();
