/**
 * Sums of what belongs to a row, by inverted keys or not: the interpreter's numbers for every vector width, the
 * same bits for any number of threads, and a verifier that objects to what would be wrong.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { explainPlan } from "../../src/backends/native/explain/plan.ts";
import { compileFor, native } from "../../src/backends/native/index.ts";
import type { Inversion } from "../../src/backends/native/nests/inversion.ts";
import { nameOf, type Task } from "../../src/backends/native/order.ts";
import { type ProgramPlan, planProgram } from "../../src/backends/native/plan.ts";
import { byModel, type Decide } from "../../src/backends/native/products/decisions.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { verifyPlan } from "../../src/backends/native/verify/plan.ts";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import { call, type Expr, int, type TensorBuffer } from "../../src/ir/expr.ts";
import { type Graph, variable } from "../../src/ir/graph.ts";
import type { Executable } from "../../src/ir/program.ts";
import { rewrite } from "../../src/ir/rewrite.ts";
import { add, clip, integer } from "../../src/ops/pointwise.ts";
import { scatterAdd } from "../../src/ops/take.ts";
import type { Contractions } from "../support/contractions.ts";
import { input, random } from "../support/evaluate.ts";
import { drawTables } from "../support/tables.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.env["NNC_CFLAGS"] = "-O1 -fno-tree-vectorize";
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

/** Half of what may be inverted is, whatever it costs. */
function dice(seed: number): Decide {
  const r = random(seed);
  return (decision, chosen, valid) =>
    decision === "invert" || r.uniform() < 0.5 ? r.pick(valid()) : chosen;
}

/** What three steps make of the variables. */
async function results(exe: Executable, { start, results }: Contractions) {
  for (const [name, values] of start) exe.write(name, Float32Array.from(values));
  await exe.run("test", 3);
  const read = async (name: string) => Float64Array.from(await exe.read(name));
  const values = await Promise.all([...results.keys()].map(read));
  await exe.dispose();
  return values;
}

const toolchain = await findToolchain();
if (!toolchain) {
  console.log("skipped: keyed sums: no C compiler");
  test.skip("keyed sums: no C compiler", () => {});
} else {
  const run = (drawn: Contractions, width: number, threads: number, decide: Decide) => {
    const target = { ...toolchain.target, width, registers: width === 16 ? 32 : 16 };
    const program = compile([drawn.graph], native.traits);
    return compileFor(program, new Map(), { threads }, { ...toolchain, target }, decide).then(
      (exe) => results(exe, drawn),
    );
  };
  // NNC_SEEDS=100 looks longer.
  const seeds = Number(process.env["NNC_SEEDS"] ?? 8);
  for (let seed = 0; seed < seeds; seed++) {
    const width = [8, 16, 4, 1][seed % 4]!;
    const decide = () => (seed % 3 === 0 ? byModel : dice(seed));
    test(`sums by key with vectors of ${width} (${seed})`, async () => {
      const drawn = drawTables(300 + seed, 16);
      const plain = compile([drawn.graph], reference.traits);
      const want = await results(await reference.compile(plain, new Map(), {}), drawn);
      const got = await run(drawn, width, 1, decide());
      const wrong = [...drawn.results].flatMap(([name, about], i) => {
        const scale = want[i]!.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
        const error = want[i]!.reduce((m, v, j) => Math.max(m, Math.abs(v - got[i]![j]!)), 0);
        return error / scale < 1e-5 ? [] : [`${name}, ${about}: ${error / scale}`];
      });
      assert.equal(wrong, []);
      assert.equal(await run(drawn, width, 2, decide()), got);
      assert.equal(await run(drawn, width, 3, decide()), got);
    });
  }
}

/** Adds up `positions` rows of 16 in a table, and in a second one by the same or another key. */
function twoTables(rows: number, positions: number, sameKey: boolean): Graph {
  const keyOf = (name: string) => integer(clip(input(name, [positions]), 0, rows - 1));
  const key = keyOf("key");
  const keys = [key, sameKey ? key : keyOf("other")];
  const updates = keys.map((k, i) => {
    const slot = variable({ name: `slot${i}`, shape: [rows, 16] });
    const dy = input(`dy${i}`, [positions, 16]);
    return { variable: slot, value: add(slot, scatterAdd(dy, k, [rows, 16])) };
  });
  return { name: "test", updates: updates as unknown as Graph["updates"] };
}
const planOf = (graph: Graph): ProgramPlan => planProgram(compile([graph], native.traits), avx2);
const tasksOf = (plan: ProgramPlan) => plan.procedures.flatMap((p) => p.groups.flat());
const inversionsOf = (plan: ProgramPlan) =>
  tasksOf(plan).flatMap((t) => (t.kind === "inversion" ? [t.inversion] : []));

test("a key is inverted once for all sums by it, and not at all where that does not pay", () => {
  assert.is(inversionsOf(planOf(twoTables(1000, 500, true))).length, 1);
  assert.is(inversionsOf(planOf(twoTables(1000, 500, false))).length, 2);
  assert.is(inversionsOf(planOf(twoTables(1000, 1, true))).length, 0);
  assert.is(inversionsOf(planOf(twoTables(1, 500, true))).length, 0);
});

test("a plan says what is sorted, and which terms a sum walks", () => {
  const program = compile([twoTables(1000, 500, true)], native.traits);
  const text = explainPlan(program, planProgram(program, avx2));
  assert.match(
    text,
    /order = positions of key\[t\] = \w[^\n]*, in the order\s+of their keys {2}i32\[500\]/,
  );
  assert.match(text, /starts\[i\] = where those with key i begin {2}i32\[1001\]/);
  assert.match(text, /counting sort of 500 positions by 1,000 keys: one thread/);
  assert.match(text, /the sum walks the q of its condition only, on average 1\.0 of 500/);
});

const objects = (check: () => unknown): boolean => {
  try {
    check();
    return false;
  } catch (error) {
    assert.match(String(error), /^Error: internal: /);
    return true;
  }
};

/** The plan with its tasks changed. */
const changed = (plan: ProgramPlan, change: (t: Task) => readonly Task[]): ProgramPlan => ({
  ...plan,
  procedures: plan.procedures.map((p) => ({
    ...p,
    groups: p.groups.map((g) => g.flatMap(change)),
  })),
});

const mutations: Readonly<Record<string, (x: Inversion) => Partial<Inversion>>> = {
  "fewer rows": ({ rows }) => ({ rows: rows - 1 }),
  "more rows": ({ rows }) => ({ rows: rows + 1 }),
  "fewer positions": ({ positions: [p] }) => ({ positions: [{ ...p!, extent: p!.extent - 1 }] }),
  "starts and order in each other's place": ({ starts, order }) => ({
    starts: order,
    order: starts,
  }),
  "starts in memory of its own": ({ starts }) => ({ starts: { ...starts } }),
  "order in memory of its own": ({ order }) => ({ order: { ...order } }),
  "a key of something else": () => ({ key: { kind: "index", axis: { name: "z", extent: 3 } } }),
};
for (const [name, change] of Object.entries(mutations)) {
  test(`objects to ${name}`, () => {
    const plan = planOf(twoTables(1000, 500, true));
    const wrong = changed(plan, (t) =>
      t.kind === "inversion"
        ? [{ ...t, inversion: { ...t.inversion, ...change(t.inversion) } }]
        : [t],
    );
    assert.ok(objects(() => verifyPlan(wrong, avx2)));
  });
}

test("objects to a sort left out, done too late, or of an older key", () => {
  const plan = planOf(twoTables(1000, 500, true));
  verifyPlan(plan, avx2);
  const sort = tasksOf(plan).find((t) => t.kind === "inversion")!;
  const key = tasksOf(plan).find((t) => t.kind === "nest" && nameOf(t).includes("toInt"))!;
  const without = changed(plan, (t) => (t === sort ? [] : [t]));
  assert.ok(objects(() => verifyPlan(without, avx2)));
  const [procedure] = without.procedures;
  const late = { ...procedure!, groups: [...procedure!.groups, [sort]] };
  assert.ok(objects(() => verifyPlan({ ...plan, procedures: [late] }, avx2)));
  const twice = changed(plan, (t) => (t === sort ? [sort, key] : [t]));
  assert.ok(objects(() => verifyPlan(twice, avx2)));
});

/** The value with every row's run ending where the row after the next begins. */
const moved = (value: Expr, starts: TensorBuffer): Expr =>
  rewrite(value, (e) =>
    e.kind === "load" && e.buffer === starts && e.at[0]?.kind === "call"
      ? { ...e, at: [call("add", e.at[0], int(1))] }
      : e,
  );

test("objects to a row that reads another's positions", () => {
  const plan = planOf(twoTables(1000, 500, true));
  const { starts } = inversionsOf(plan)[0]!;
  const shifted = changed(plan, (t) => {
    if (t.kind !== "nest") return [t];
    const change = (s: (typeof t.nest.stores)[number]) => ({ ...s, value: moved(s.value, starts) });
    return [{ ...t, nest: { ...t.nest, stores: t.nest.stores.map(change) } }];
  });
  assert.ok(objects(() => verifyPlan(shifted, avx2)));
});

test.run();
