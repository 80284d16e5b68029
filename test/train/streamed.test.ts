/** Data that stays in its files: the same numbers as from memory, in every window size, wherever a run stops. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import type { AnySamples, Dataset } from "../../src/data/dataset.ts";
import { npz } from "../../src/data/sources/npz.ts";
import { isStreamed } from "../../src/data/stream/stored.ts";
import type { Backend } from "../../src/ir/program.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec, type Spec } from "../../src/spec/spec.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import { evaluate } from "../../src/train/evaluate.ts";
import type { EndEvent, EpochEvent, RunEvent } from "../../src/train/events.ts";
import { Feed } from "../../src/train/feed.ts";
import { batching, names } from "../../src/train/graphs.ts";
import { loadData } from "../../src/train/load.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { checkModel } from "../../src/train/prepare.ts";
import { runTraining } from "../../src/train/run.ts";
import { RunFolder } from "../../src/train/run-folder.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { archive, encodeNpy, floats, labels } from "../data/encode-npy.ts";
import { workingBackends } from "../support/backends.ts";
import { random } from "../support/evaluate.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-streamed-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Files of examples of a few dimensions with class numbers, as NumPy would write them. */
function writeArrays(count: number, [x, y]: readonly [string, string], seed = 1): void {
  const draw = random(seed);
  const values = Array.from({ length: count * 6 }, () => draw.int(0, 200));
  const labels = Array.from({ length: count }, () => draw.int(0, 2));
  writeFileSync(join(folder, "x.npy"), encodeNpy({ descr: x, shape: [count, 2, 3], values }));
  writeFileSync(join(folder, "y.npy"), encodeNpy({ descr: y, shape: [count], values: labels }));
}

interface Case {
  readonly stream: boolean;
  readonly window?: number;
  readonly batch?: number;
  readonly shuffle?: boolean;
  readonly split?: string;
  readonly more?: string;
  readonly epochs?: number;
}

const specOf = ({
  stream,
  window = 200,
  batch = 7,
  shuffle = false,
  split = "validation_split: 0.3",
  more = "",
  epochs = 2,
}: Case) =>
  resolveSpec(
    parseSpec(
      `name: x
data: { source: { npy: { x: x.npy, y: y.npy, scale: 0.01 } }, stream: ${stream}, window: ${window}, ${split}${more} }
model: [ normalization, flatten, dense: { units: 5, activation: relu }, dropout: { rate: 0.2 }, dense: { units: 3, activation: softmax } ]
loss: sparse_categorical_crossentropy
metrics: [accuracy]
train: { epochs: ${epochs}, batch_size: ${batch}, shuffle: ${shuffle}, checkpoint: { steps: 3 } }
`,
      "x.yaml",
      folder,
    ),
  );

/** The same examples in an archive. */
const inArchive = (spec: Spec): Spec => {
  const definition = npz as unknown as Spec["data"]["source"]["definition"];
  const options = { path: "a.npz", x: "x", y: "y", scale: 0.01 };
  return { ...spec, data: { ...spec.data, source: { definition, options } } };
};

/** Metrics of all epochs and the weights at the end. */
async function trained(spec: Spec, dataset: Dataset<AnySamples>, backend: Backend = reference) {
  checkModel(spec, dataset.train);
  const plan = planRun(spec, dataset);
  const session = await Session.open(plan, backend, initialWeights(plan.weights, spec.seed));
  const epochs: Omit<EpochEvent, "seconds">[] = [];
  for await (const e of trainLoop(session, { ending: () => undefined, run: "" }))
    if (e.event === "epoch") epochs.push({ ...e, seconds: 0 });
  const weights = [...(await session.weights()).values()].map((w) => [...w]);
  const metrics = await evaluate(spec, dataset.validation!, await session.weights(), backend, {
    batch: 4,
  });
  await session.dispose();
  return { epochs, weights, metrics };
}

const types = ["<f4", "<f8", "|u1", "<i8", ">f4", "<f2", "<i4"];
for (const [i, type] of types.entries()) {
  test(`as from memory, in the order of the files: ${type}`, async () => {
    const draw = random(i + 1);
    for (let trial = 0; trial < 4; trial++) {
      writeArrays(draw.int(11, 90), [type, ["<i8", "|u1", "<i4", "<f4"][trial]!], trial);
      const form = { batch: draw.int(1, 12), window: draw.int(1, 1500) };
      const [memory, streamed] = [
        specOf({ stream: false, ...form }),
        specOf({ stream: true, ...form }),
      ];
      const data = await loadData(streamed);
      assert.ok(isStreamed(data.train) && isStreamed(data.validation!));
      const got = await trained(streamed, data);
      const want = await trained(memory, await loadData(memory));
      assert.equal(got, want, JSON.stringify({ trial, ...form }));
    }
  });
}

for (const backend of await workingBackends()) {
  test(`as from memory: ${backend.name}`, async () => {
    writeArrays(43, ["<f4", "<i8"]);
    const [memory, streamed] = [specOf({ stream: false }), specOf({ stream: true })];
    const want = await trained(memory, await loadData(memory), backend);
    assert.equal(await trained(streamed, await loadData(streamed), backend), want);
  });
}

test("as from memory, from an archive", async () => {
  writeArrays(43, ["<f4", "<i8"]);
  const array = (name: string) => readFileSync(join(folder, `${name}.npy`));
  const archived = archive({ before: floats, x: array("x"), y: array("y"), after: labels }, 0);
  writeFileSync(join(folder, "a.npz"), archived);
  const [memory, streamed] = [specOf({ stream: false }), inArchive(specOf({ stream: true }))];
  const want = await trained(memory, await loadData(memory));
  assert.equal(await trained(streamed, await loadData(streamed)), want);
  for (const file of [archived.subarray(0, 900), damagedAt(archived, 700)]) {
    writeFileSync(join(folder, "a.npz"), file);
    assert.match(await problemsOf(() => loadData(streamed)), /is cut short|is damaged/);
  }
  writeFileSync(join(folder, "a.npz"), archive({ x: array("x"), y: array("y") }));
  assert.match(await problemsOf(() => loadData(streamed)), "data.source.npy.x: a.npz: array");
});

const damagedAt = (file: Buffer, at: number) => {
  const copy = Buffer.from(file);
  copy[at]! ^= 1;
  return copy;
};

test("shuffled, an epoch has every example once, in an order of its own", async () => {
  const draw = random(5);
  for (let trial = 0; trial < 30; trial++) {
    const [count, size, bytes] = [draw.int(2, 300), draw.int(1, 20), draw.int(1, 3000)];
    const read = async (from: number, into: ArrayLike<number>) => {
      for (let i = 0; i < into.length; i++) (into as Int32Array)[i] = from + i;
    };
    const rows = {
      shape: [],
      type: "int32",
      read,
      place: { path: [], name: "x" },
      first: 0,
    } as const;
    const facts = {} as never;
    const examples = { count, inputs: new Map([["x", { ...rows, facts }]]), targets: new Map() };
    const parts = batching(examples, size, bytes);
    const held = new Map<string, ArrayLike<number>>();
    const seen: number[] = [];
    const executable = {
      write: (name: string, values: ArrayLike<number>) => held.set(name, Array.from(values)),
      // As it is: what is read meanwhile must go elsewhere.
      lend: (name: string, values: ArrayLike<number>) => held.set(name, values),
      run: async (procedure: string, steps: number) => {
        const rest = procedure === names.procedure("train", "rest");
        for (let step = 0; step < steps; step++) {
          const at = (held.get(names.cursor("train"))![0]! + step) * parts.batch;
          for (let i = 0; i < (rest ? parts.rest : parts.batch); i++) {
            const row = held.get(names.order)![at + i]!;
            seen.push(held.get(names.data("train", "inputs", "x"))![row]!);
          }
        }
      },
    };
    const has = () => true;
    const feed = new Feed({
      phase: "train",
      examples,
      batching: parts,
      shuffle: 3,
      executable,
      has,
    });
    const orders: string[] = [];
    for (const epoch of [1, 2, 1]) {
      seen.length = 0;
      feed.begin(epoch);
      const cut = draw.int(0, parts.steps);
      await feed.run("batch", 0, cut);
      await feed.run("batch", cut, parts.steps - cut);
      if (parts.rest > 0) await feed.run("rest", parts.steps, 1);
      orders.push(`${seen}`);
      assert.equal(
        [...seen].sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
    }
    assert.is(orders[0], orders[2]);
    if (count > 20) assert.is.not(orders[0], orders[1]);
    await feed.close();
  }
});

/** What must not depend on how a run came to its end. */
function left(path: string) {
  const { state, saved } = readCheckpoint(path)!;
  const model = readFileSync(join(path, "model.safetensors")).toString("base64");
  return { state, model, metrics: saved.position.metrics, best: saved.position.best };
}

async function run(name: string, most = Number.POSITIVE_INFINITY) {
  const path = join(folder, name);
  const from = readCheckpoint(path);
  const kept = from ? RunFolder.reopen(path) : RunFolder.create("x", path, true);
  const spec = specOf({ stream: true, shuffle: true, batch: 4, epochs: 3 });
  const events: RunEvent[] = [];
  const stopped = () => events.length >= most;
  const dataset = await loadData(spec);
  const request = { spec, dataset, backend: reference, device: "", folder: kept, from, stopped };
  for await (const event of runTraining(request)) events.push(event);
  kept.close();
  return { path, end: events.at(-1) as EndEvent };
}

test("stopped and resumed in the middle of windows: the same bits", async () => {
  writeArrays(71, ["<f4", "<i8"]);
  const want = left((await run("whole")).path);
  const draw = random(9);
  for (let trial = 0; trial < 4; trial++) {
    let outcome = await run(`run-${trial}`, draw.int(1, 12));
    while (outcome.end.reason === "interrupted") {
      outcome = await run(`run-${trial}`, draw.int(2, 12));
    }
    assert.equal(left(outcome.path), want);
  }
});

for (const [split, more] of [
  ["validation_split: 0.2", ", standardize: true"],
  ["folds: 4, fold: 2", ""],
  ["folds: 4, fold: 4", ", limit: 30, inputs: { picture: x }, targets: { kind: y }"],
] as const) {
  test(`as from memory: ${split}${more}`, async () => {
    writeArrays(50, ["|u1", "<i8"]);
    const form = { split, more };
    const [memory, streamed] = [
      specOf({ stream: false, ...form }),
      specOf({ stream: true, ...form }),
    ];
    const want = await trained(memory, await loadData(memory));
    assert.equal(await trained(streamed, await loadData(streamed)), want);
  });
}

test("classes are weighed as in memory", async () => {
  writeArrays(50, ["<f4", "<i8"]);
  for (const weight of ["balanced", '{ "0": 2, "2": 0.5 }']) {
    const more = `, class_weight: ${weight}, limit: 47`;
    const [memory, streamed] = [specOf({ stream: false, more }), specOf({ stream: true, more })];
    const want = await trained(memory, await loadData(memory));
    assert.equal(await trained(streamed, await loadData(streamed)), want);
  }
});

async function problemsOf(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problems.map((p) => `${p.path.join(".")}: ${p.message}`).join("\n");
  }
  return "";
}

test("what cannot be streamed is said", async () => {
  writeArrays(20, ["<f4", "<i8"]);
  const said = (more: string) => problemsOf(() => loadData(specOf({ stream: true, more })));
  assert.is(
    await said(", shuffle: true, stratify: true"),
    "data.shuffle: shuffle: streamed data stays in the order of its files\n" +
      "data.stratify: stratify: streamed data stays in the order of its files",
  );
  assert.match(await said(", limit: 21"), "data.limit: the data has fewer than 21 examples");
  const values = Array.from({ length: 20 * 6 }, () => 1);
  const write = (spec: object) =>
    writeFileSync(
      join(folder, "x.npy"),
      encodeNpy({ descr: "<f4", shape: [20, 2, 3], values, ...spec }),
    );
  write({ fortran: true });
  assert.match(await said(""), "data.source.npy.x: x.npy has its examples mixed with each other");
  values[61] = Number.NaN;
  write({});
  assert.match(
    await said(""),
    "data.source.npy.x: x.npy has values that are not finite in float32",
  );
  const generated = resolveSpec(
    parseSpec(
      "data: { source: blobs, stream: true }\nmodel: [dense: { units: 1 }]\nloss: mse\n",
      "x.yaml",
      folder,
    ),
  );
  assert.match(await problemsOf(() => loadData(generated)), "data of blobs cannot be streamed");
});

test("a file that changes while it is read ends the run", async () => {
  writeArrays(60, ["<f4", "<i8"]);
  const spec = specOf({ stream: true });
  const data = await loadData(spec);
  writeArrays(61, ["<f4", "<i8"]);
  try {
    await trained(spec, data);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /x\.npy has changed while it was read/);
  }
});

test.run();
