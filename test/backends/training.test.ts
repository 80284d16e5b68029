/**
 * Whole training steps on every backend that works here: the weights agree with the interpreter's, two runs
 * give the same bits, memory does not grow, and a run that diverges says where.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import { reference } from "../../src/backends/reference.ts";
import type { Backend } from "../../src/ir/program.ts";
import { optimizers } from "../../src/nn/optimizers/index.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { workingBackends } from "../support/backends.ts";
import { openSession, smallSpecs, trainSteps } from "../support/sessions.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const steps = 5;
/** Relative to the largest value of a weight. */
const tolerance = 1e-4;

async function weightsAfter(text: string, backend: Backend, threads?: number, count = steps) {
  const session = await openSession(text, backend, threads);
  await trainSteps(session, count);
  const weights = await session.weights();
  await session.dispose();
  return weights;
}
type Weights = Awaited<ReturnType<typeof weightsAfter>>;

const bits = (weights: Weights) =>
  [...weights].map(([name, v]) => `${name} ${Buffer.from(v.buffer).toString("base64")}`).join("\n");

function largestError(want: Weights, got: Weights): number {
  return Math.max(
    ...[...want].map(([name, values]) => {
      const scale = Math.max(...values.map(Math.abs), 1e-3);
      return Math.max(...values.map((v, i) => Math.abs(v - got.get(name)![i]!))) / scale;
    }),
  );
}

const working = await workingBackends();

/** OpenGL has no integers, so no dropout. */
const canRun = (backend: string, text: string) =>
  backend !== "headlessgl" || !text.includes("dropout");

for (const backend of working) {
  const { name } = backend;
  for (const [model, text] of Object.entries(smallSpecs).filter(([, t]) => canRun(name, t))) {
    test(`${name}: ${model} after ${steps} steps, and the same bits again`, async () => {
      const want = await weightsAfter(text, reference);
      const got = await weightsAfter(text, backend);
      const error = largestError(want, got);
      assert.ok(error < tolerance, `relative error ${error}`);
      assert.is(bits(await weightsAfter(text, backend)), bits(got));
    });
  }
}

// A step of `lion` is a sign, which a rounding can turn.
for (const backend of working) {
  for (const { name } of optimizers.filter((o) => o.name !== "lion")) {
    test(`${backend.name}: three steps of ${name}`, async () => {
      const rate = "{ learning_rate: 0.01, weight_decay: 0.02 }";
      const text = smallSpecs.mlp.replace("optimizer: adam", `optimizer: { ${name}: ${rate} }`);
      const want = await weightsAfter(text, reference, undefined, 3);
      const error = largestError(want, await weightsAfter(text, backend, undefined, 3));
      assert.ok(error < 1e-5, `relative error ${error}`);
    });
  }
}

for (const backend of working.filter((b) => b.name === "native")) {
  for (const [model, text] of Object.entries(smallSpecs)) {
    for (const [count, limit] of [
      [1, 1e-5],
      [50, 1e-3],
    ] as const) {
      test(`native: ${model} within ${limit} of the interpreter after ${count} steps`, async () => {
        const want = await weightsAfter(text, reference, undefined, count);
        const error = largestError(want, await weightsAfter(text, backend, undefined, count));
        assert.ok(error < limit, `relative error ${error}`);
      });
    }
  }
}

test("webasm: one thread gives the same bits as all", async () => {
  const webasm = await loadBackend("webasm");
  const text = smallSpecs.mlp.replace("units: 24", "units: 640");
  assert.is(bits(await weightsAfter(text, webasm, 1)), bits(await weightsAfter(text, webasm)));
});

for (const [name, many] of [
  ["webasm", 10_000],
  ["js", 2_000],
] as const) {
  test(`${name}: memory does not grow with the steps`, async () => {
    const session = await openSession(smallSpecs.mlp, await loadBackend(name));
    const used = async (count: number) => {
      await trainSteps(session, count);
      collectGarbage();
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = Math.max(await used(600), await used(200));
    const after = Math.min(await used(many), await used(200));
    await session.dispose();
    assert.ok(after - before < 30, `${(after - before).toFixed(0)} MB more after ${many} steps`);
  });
}

test("a run that diverges says when, and which weights are broken", async () => {
  const text = smallSpecs.mlp.replace(
    "optimizer: adam",
    "optimizer: { sgd: { learning_rate: 1e30 } }",
  );
  const session = await openSession(text, await loadBackend("webasm"));
  const loop = trainLoop(session, { ending: () => undefined, run: "" });
  let next = await loop.next();
  while (!next.done) next = await loop.next();
  const end = next.value;
  await session.dispose();
  assert.is(end.reason, "diverged");
  assert.match(end.message ?? "", /epoch 1, by step \d+ of \d+.*dense\/kernel/);
});

test.run();
