/** The suite's parts on little shapes, and its report; no test asserts a time. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inferenceCases, type Shape, trainingCases } from "../../bench/cases.ts";
import { measureShape } from "../../bench/contractions.ts";
import { measureInference } from "../../bench/inference.ts";
import type { Peers } from "../../bench/peers.ts";
import { contractionSection, inferenceSection, trainingSection } from "../../bench/report.ts";
import type { BenchResult } from "../../src/cli/bench-table.ts";
import { readSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { loadData } from "../../src/train/load.ts";

const specs = fileURLToPath(new URL("../../../specs", import.meta.url));
test("cases are of bundled specs or made ones, and alike named for training and inference", async () => {
  for (const { spec } of [...trainingCases, ...inferenceCases]) {
    if (typeof spec === "string") {
      assert.ok(existsSync(join(specs, spec)), spec);
      continue;
    }
    const made = spec();
    const read = resolveSpec(readSpec(made.spec));
    const { train } = await loadData(read);
    assert.ok(train.count >= read.train.batch_size);
    rmSync(made.folder, { recursive: true });
  }
  const trained = trainingCases.map((c) => c.name);
  assert.ok(inferenceCases.every((c) => trained.includes(c.name)));
});

const conv = { kind: "conv", batch: 2, channels: 3, filters: 4, kernel: 3 } as const;
const shapes: readonly Shape[] = [
  { kind: "dense", batch: 3, inputs: 5, units: 2 },
  { ...conv, size: 5, stride: 2, padding: "same" },
  { ...conv, size: 6, stride: 1, padding: "valid" },
];
for (const shape of shapes) {
  test(`products of ${JSON.stringify(shape)} run`, async () => {
    const speeds = await measureShape(shape, "reference");
    assert.equal(Object.keys(speeds), ["forward", "input", "weights"]);
    assert.ok(Object.values(speeds).every((s) => s > 0 && Number.isFinite(s)));
  });
}

test("inference of some validation images runs", async () => {
  const ms = await measureInference(
    { examples: 30, batch: 20 },
    join(specs, "mlp.yaml"),
    "reference",
  );
  assert.ok(ms > 0);
});

const result: BenchResult = {
  ...{ spec: "mnist-mlp", backend: "native", device: "cc", threads: 2 },
  ...{ ms_per_step: 2, ms_min: 1.5, ms_max: 2.5, steps: 10, repeats: 5 },
  ...{ batch_size: 100, examples_per_second: 50_000, gflops: 100 },
  ...{ flops_per_step: 2e8, flops_done_per_step: 2e8 },
  ...{ peak_gflops: 200, percent_of_peak: 50, vector_width: 8, memory_mb: 100 },
  ...{ compile_seconds: { cold: 1, cached: 0.1 }, first_step_seconds: 0.3 },
};
const peers: Peers = {
  ...{
    date: "2026-01-01",
    cpu: "a processor",
    threads: 2,
    python: "3.11",
    load_average: [0, 0, 0],
  },
  training: [
    { case: "MLP", peer: "slow", ms: 8, ms_min: 7, ms_max: 9 },
    { case: "MLP", peer: "fast", ms: 1, ms_min: 1, ms_max: 1 },
    { case: "CNN valid", peer: "other", ms: 1, ms_min: 1, ms_max: 1 },
  ],
  inference: [{ case: "MLP", peer: "onnx", ms: 30, ms_min: 29, ms_max: 31 }],
};

test("the report: peers beside the case of their name, fastest first, with the ratio", () => {
  const rows = [{ of: { name: "MLP", spec: "mlp.yaml" }, result }];
  const text = trainingSection(rows, peers, 400);
  assert.match(text, "| MLP | native, 2 threads | **2.00** (1.50 – 2.50) | 100 | 25 % | 100 |");
  const beside = text.split("\n").filter((line) => /\| (slow|fast|other) \|/.test(line));
  assert.equal(beside, [
    "| MLP | fast | 1.00 (1.00 – 1.00) | 2.00 | 0.50 × |",
    "| MLP | slow | 8.00 (7.00 – 9.00) | 2.00 | 4.00 × |",
  ]);
  assert.not.match(trainingSection(rows, undefined, undefined), "Beside others");
});

test("the report: inference and products", () => {
  assert.is(inferenceSection(new Map(), undefined), undefined);
  assert.match(inferenceSection(new Map(), peers)!, "| onnx | 30.0 (29.0 – 31.0) | – | – |");
  assert.match(inferenceSection(new Map([["MLP", 15]]), peers)!, "| 15.0 | 2.00 × |");
  const [tidy, odd] = [
    { forward: 100, input: 50, weights: 10 },
    { forward: 80, input: 50, weights: 5 },
  ];
  const of = { name: "stride", tidy: shapes[2]!, odd: shapes[1]! };
  const text = contractionSection([{ of, tidy, odd }], 200);
  assert.match(text, "|  | 2 × 6² × 3 → 4, 3×3 valid | 100 | 50.0 | 10.0 |");
  assert.match(
    text,
    "| stride | 2 × 5² × 3 → 4, 3×3 same, stride 2 | 80.0 (80 %) | 50.0 (100 %) |",
  );
});

test.run();
