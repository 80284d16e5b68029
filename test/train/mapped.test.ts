/** Files that the native backend reads where they are: the same bits as through buffers, and no crash if they shrink. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { native } from "../../src/backends/native/index.ts";
import { compile } from "../../src/compiler/compile.ts";
import { variable } from "../../src/ir/graph.ts";
import type { Backend } from "../../src/ir/program.ts";
import { take } from "../../src/ops/take.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { evaluate } from "../../src/train/evaluate.ts";
import { loadData } from "../../src/train/load.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { encodeNpy } from "../data/encode-npy.ts";
import { random } from "../support/evaluate.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-mapped-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const probe = await native.probe();
const here = probe.ok ? test : test.skip;

/** The native backend, which notes what it maps, and what is lent to variables beside that. */
function watched(maps: boolean): Backend & { readonly seen: string[] } {
  const seen: string[] = [];
  const compiled: Backend["compile"] = async (...args) => {
    const executable = await native.compile(...args);
    const map = executable.map!.bind(executable);
    const noted = async (path: string, bytes: number) => {
      seen.push(path);
      return await map(path, bytes);
    };
    Object.defineProperty(executable, "map", { value: maps ? noted : undefined });
    return executable;
  };
  return { ...native, compile: compiled, seen };
}

interface Case {
  readonly count: number;
  readonly width: number;
  readonly types: readonly [x: string, y: string];
  readonly window: number;
  readonly batch: number;
  readonly shuffle: boolean;
  readonly more: string;
}

function specOf({ count, width, types, window, batch, shuffle, more }: Case) {
  const draw = random(count);
  const values = Array.from({ length: count * width }, () => draw.int(0, 200));
  const labels = Array.from({ length: count }, () => draw.int(0, 2));
  writeFileSync(
    join(folder, "x.npy"),
    encodeNpy({ descr: types[0], shape: [count, width], values }),
  );
  writeFileSync(
    join(folder, "y.npy"),
    encodeNpy({ descr: types[1], shape: [count], values: labels }),
  );
  const text = `name: x
data: { source: { npy: { x: x.npy, y: y.npy, scale: 0.01 } }, stream: true, window: ${window}${more} }
model: [ dense: { units: 5, activation: relu }, dropout: { rate: 0.2 }, dense: { units: 3, activation: softmax } ]
loss: sparse_categorical_crossentropy
metrics: [accuracy]
train: { epochs: 2, batch_size: ${batch}, shuffle: ${shuffle} }
`;
  return resolveSpec(parseSpec(text, "x.yaml", folder));
}

async function trained(spec: ReturnType<typeof specOf>, backend: Backend) {
  const dataset = await loadData(spec);
  const plan = planRun(spec, dataset);
  const session = await Session.open(plan, backend, initialWeights(plan.weights, spec.seed));
  const metrics: unknown[] = [];
  try {
    for await (const e of trainLoop(session, { ending: () => undefined, run: "" }))
      if (e.event === "epoch") metrics.push({ ...e, seconds: 0 });
    const weights = await session.weights();
    if (dataset.validation)
      metrics.push(await evaluate(spec, dataset.validation, weights, backend, { batch: 4 }));
    return { metrics, weights: [...weights.values()].map((w) => [...w]) };
  } finally {
    await session.dispose();
  }
}

const kinds = [
  ["<f4", "<i4"],
  ["|u1", "<f4"],
  // Labels in a form that memory has not: they are held as a whole.
  ["<f4", "<i8"],
  ["|u1", "|u1"],
] as const;
for (const [i, types] of kinds.entries()) {
  here(`the same bits as through buffers: ${types.join(" and ")}`, async () => {
    const draw = random(i + 1);
    for (let trial = 0; trial < 3; trial++) {
      const which: Case = {
        count: draw.int(20, 900),
        width: draw.int(1, 70),
        types,
        window: draw.int(100, 20_000),
        batch: draw.int(1, 20),
        shuffle: draw.int(0, 3) > 0,
        more: ["", ", validation_split: 0.3", ", folds: 3, fold: 1", ", limit: 17"][
          draw.int(0, 3)
        ]!,
      };
      const spec = specOf(which);
      const [mapping, buffers] = [watched(true), watched(false)];
      const got = await trained(spec, mapping);
      assert.ok(
        mapping.seen.some((p) => p.endsWith("x.npy")),
        "mapped",
      );
      assert.equal(got, await trained(spec, buffers), JSON.stringify(which));
    }
  });
}

here("what is computed, or lies in two parts, goes through buffers", async () => {
  const plain = {
    ...{ count: 90, width: 4, window: 300, batch: 7 },
    shuffle: true,
  };
  for (const more of [", folds: 3, fold: 2", ""]) {
    const spec = specOf({ ...plain, types: [more ? "<f4" : "<f8", "<i4"], more });
    const mapping = watched(true);
    assert.equal(await trained(spec, mapping), await trained(spec, watched(false)));
  }
});

const page = 4096;

/** Takes rows of a file of pages, the last of which is full, as vectors do that read a little beyond it. */
async function takesRows(
  body: (rows: (...numbers: number[]) => Promise<number[]>) => Promise<void>,
) {
  const [rows, columns] = [4 * page, 3];
  const path = join(folder, "rows");
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
  writeFileSync(path, values);
  const data = { kind: "data", dtype: "f32" } as const;
  const x = variable({ ...data, name: "x", shape: [5, columns] });
  const indices = variable({ ...data, name: "i", shape: [2], dtype: "i32" });
  const out = variable({ name: "out", shape: [2, columns] });
  const graph = { name: "take", updates: [{ variable: out, value: take(x, indices) }] };
  const executable = await native.compile(compile([graph], native.traits), new Map(), {});
  const file = (await executable.map!(path, values.byteLength))!;
  try {
    await body(async (...numbers) => {
      file.lend("x", 0);
      executable.write("i", Int32Array.from(numbers));
      await executable.run("take", 1);
      return [...(await executable.read("out")), file.intact() ? 1 : 0];
    });
  } finally {
    file.close();
    await executable.dispose();
  }
}

here("rows of a file that shrinks are zeros, and not intact", async () => {
  await takesRows(async (rows) => {
    const last = 4 * page - 1;
    assert.equal(await rows(1, last), [3, 4, 5, 3 * last, 3 * last + 1, 3 * last + 2, 1]);
    truncateSync(join(folder, "rows"), 2 * page);
    assert.equal(await rows(1, last), [3, 4, 5, 0, 0, 0, 0]);
  });
});

here("a file that shrinks while steps read it ends the run", async () => {
  const more = "";
  const spec = specOf({
    ...{
      count: 3000,
      width: 64,
      types: ["<f4", "<i4"],
      window: 1e6,
      batch: 10,
      shuffle: true,
      more,
    },
  });
  const cutting = watched(true);
  const compiled = cutting.compile;
  let runs = 0;
  const backend: Backend = {
    ...native,
    compile: async (...args) => {
      const executable = await compiled(...args);
      const run = executable.run.bind(executable);
      executable.run = async (procedure, steps) => {
        if (++runs === 3) truncateSync(join(folder, "x.npy"), 2 * page);
        await run(procedure, steps);
      };
      return executable;
    },
  };
  try {
    await trained(spec, backend);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /x\.npy has changed while it was read/);
  }
});

here("a file that is not there is not mapped", async () => {
  const x = variable({ name: "x", shape: [1] });
  const program = compile([{ name: "p", updates: [{ variable: x, value: x }] }], native.traits);
  const executable = await native.compile(program, new Map(), {});
  assert.is(await executable.map!(join(folder, "nowhere"), 10), undefined);
  await executable.dispose();
});

test.run();
