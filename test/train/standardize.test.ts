/** `standardize`: mean 0 and variance 1 by the examples that train, wherever the model reads. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { Samples } from "../../src/data/dataset.ts";
import { describe, parseDescription } from "../../src/data/description.ts";
import { openPredictor } from "../../src/infer/predictor.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { loadData } from "../../src/train/load.ts";
import { random } from "../support/evaluate.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-standardize-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const specOf = (data: string) =>
  resolveSpec(parseSpec(`data: ${data}\nmodel: [identity]\nloss: mse\n`, "x.yaml", folder));

const draw = random(2);
const rows = Array.from({ length: 40 }, () => {
  const numbers = [draw.int(-500, 900) / 8, 3, draw.int(0, 64)];
  return { numbers, word: ["a", "b"][draw.int(0, 1)]!, y: draw.int(0, 9) };
});
const csv = rows.map(({ numbers, word, y }) => [...numbers, word, y].join(","));
writeFileSync(join(folder, "a.csv"), `p,q,r,word,y\n${csv.join("\n")}\n`);

const source = "source: { csv: { path: a.csv, target: y } }";

test("columns of numbers, by what trains; one-hot ones and constants stay", async () => {
  const spec = specOf(`{ ${source}, validation_split: 0.5, standardize: true }`);
  const data = await loadData(spec);
  const { standard } = data.train.inputs.get("x")!;
  const first = rows.slice(0, 20).map(({ numbers }) => numbers);
  for (const c of [0, 2]) {
    const mean = first.reduce((sum, row) => sum + row[c]!, 0) / 20;
    const variance = first.reduce((sum, row) => sum + (row[c]! - mean) ** 2, 0) / 20;
    assert.ok(Math.abs(standard!.mean[c]! - mean) < 1e-9);
    assert.ok(Math.abs(standard!.deviation[c]! - Math.sqrt(variance)) < 1e-9);
  }
  assert.equal([standard!.mean[1], standard!.deviation[1]], [3, 1]);
  assert.equal(
    [standard!.mean.slice(3), standard!.deviation.slice(3)],
    [
      [0, 0],
      [1, 1],
    ],
  );
  assert.equal(data.validation!.inputs.get("x")!.standard, standard);
  // What a model sees of it, in prediction too, and with what a run keeps.
  const inputs = data.validation!.inputs as ReadonlyMap<string, Samples>;
  const predictor = await openPredictor(spec, new Map(), reference, { inputs, batch: 8 });
  const seen = (await predictor.predict(inputs, 20)).get("identity")!.values;
  await predictor.dispose();
  rows.slice(20).forEach(({ numbers }, i) => {
    for (const c of [0, 1, 2]) {
      const want = (numbers[c]! - standard!.mean[c]!) / standard!.deviation[c]!;
      assert.ok(Math.abs(seen[i * 5 + c]! - want) < 1e-5, `row ${i}, column ${c}`);
    }
  });
  const kept = parseDescription(JSON.stringify(describe(data, ".")), "data.json");
  const later = await loadData(specOf(`{ ${source} }`), kept);
  assert.equal(later.train.inputs.get("x")!.standard, standard);
});

test("tokens are refused", async () => {
  writeFileSync(join(folder, "t.csv"), "text,y\nhello there,1\nwhat now,0\n");
  const text = "source: { text: { path: t.csv, text: text, target: y } }";
  try {
    await loadData(specOf(`{ ${text}, standardize: true }`));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ProblemError);
    assert.equal((error as ProblemError).problems[0]!.path, ["data", "standardize"]);
  }
});

test.run();
