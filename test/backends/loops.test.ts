/**
 * Loops over time on the native backend: the interpreter's numbers whatever is decided, the same bits for any number
 * of threads, code that does not grow with the steps, and a verifier that objects to what would be wrong.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { explainPlan } from "../../src/backends/native/explain/plan.ts";
import { compileFor, native } from "../../src/backends/native/index.ts";
import { type ProgramPlan, planProgram } from "../../src/backends/native/plan.ts";
import { printProgram } from "../../src/backends/native/print-program.ts";
import { byModel, type Decide } from "../../src/backends/native/products/decisions.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { verifyPlan } from "../../src/backends/native/verify/plan.ts";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Executable } from "../../src/ir/program.ts";
import type { Contractions } from "../support/contractions.ts";
import { random } from "../support/evaluate.ts";
import { drawRecurrences, recurrence } from "../support/recurrences.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.env["NNC_CFLAGS"] = "-O1 -fno-tree-vectorize";
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

function dice(seed: number): Decide {
  const r = random(seed);
  return (decision, chosen, valid) =>
    r.uniform() < (decision === "chunks" ? 0.9 : 0.3) ? chosen : r.pick(valid());
}

async function results(exe: Executable, { start, results }: Contractions) {
  for (const [name, values] of start) exe.write(name, Float32Array.from(values));
  await exe.run("test", 2);
  const read = async (name: string) => Float64Array.from(await exe.read(name));
  const values = await Promise.all([...results.keys()].map(read));
  await exe.dispose();
  return values;
}

const program = (drawn: Contractions) => compile([drawn.graph], native.traits);
const typical = { steps: 80, batch: 100, inputs: 128, units: 128 };
const planned = (steps: number): ProgramPlan =>
  planProgram(program(recurrence({ ...typical, steps })), avx2);

const toolchain = await findToolchain();
if (!toolchain) {
  console.log("skipped: loops: no C compiler");
  test.skip("loops: no C compiler", () => {});
} else {
  const run = async (drawn: Contractions, width: number, threads: number, decide: Decide) => {
    const target = { ...toolchain.target, width, registers: width === 16 ? 32 : 16 };
    const exe = await compileFor(
      program(drawn),
      new Map(),
      { threads },
      { ...toolchain, target },
      decide,
    );
    return results(exe, drawn);
  };

  // NNC_SEEDS=50 looks longer.
  const seeds = Number(process.env["NNC_SEEDS"] ?? 3);
  for (const width of [1, 4, 8, 16]) {
    test(`random recurrences have the interpreter's numbers, vectors of ${width}`, async () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const drawn = drawRecurrences(100 * width + seed, 6);
        const plain = compile([drawn.graph], reference.traits);
        const want = await results(await reference.compile(plain, new Map(), {}), drawn);
        const decide = seed === 1 ? byModel : dice(seed);
        const got = await run(drawn, width, 1 + (seed % 3), decide);
        const wrong = [...drawn.results].flatMap(([name, about], i) => {
          const scale = want[i]!.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
          const error = want[i]!.reduce((m, v, k) => {
            const e = Math.abs(v - got[i]![k]!) / scale;
            return e <= m ? m : Number.isNaN(e) ? Number.POSITIVE_INFINITY : e;
          }, 0);
          return error < 1e-5 ? [] : [`${name} by ${error} in ${about}`];
        });
        assert.equal(wrong, [], `seed ${seed}`);
      }
    });
  }

  test("bits do not depend on the number of threads", async () => {
    const drawn = drawRecurrences(7, 8);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) => run(drawn, toolchain.target.width, threads, byModel)),
    );
    assert.equal(two, one);
    assert.equal(three, one);
  });
}

test("the code does not grow with the number of steps", () => {
  const source = (steps: number) =>
    printProgram(program(recurrence({ ...typical, steps })), planned(steps), avx2).source.length;
  const [few, many] = [source(80), source(800)];
  assert.ok(Math.abs(many / few - 1) < 0.01, `${few} characters for 80 steps, ${many} for 800`);
});

test("an LSTM's steps do one product each and wait for nobody", () => {
  const plan = planned(80);
  const [forward, backward] = plan.procedures[0]!.loops;
  for (const loop of [forward!, backward!]) {
    assert.is(loop.waits, false);
    assert.is(loop.end - loop.first, 1);
    const tasks = plan.procedures[0]!.groups[loop.first]!;
    assert.equal(tasks.map((t) => t.kind).sort(), ["nest", "product"]);
  }
  assert.is(forward!.reverse, false);
  assert.is(backward!.reverse, true);
  const text = explainPlan(program(recurrence(typical)), plan);
  assert.match(text, /for step s = 0 … 79, no barrier between steps/);
  assert.match(text, /for step s = 79 … 0, no barrier between steps/);
});

test("the verifier objects to loops that are no loops, and to steps that run into each other", () => {
  const plan = planProgram(program(drawRecurrences(3, 5)), avx2);
  const procedure = plan.procedures[0]!;
  const objects = (loops: typeof procedure.loops, what: string) =>
    assert.throws(
      () => verifyPlan({ ...plan, procedures: [{ ...procedure, loops }] }, avx2),
      /internal: /,
      what,
    );
  const { loops } = procedure;
  let waiting = 0;
  for (const [i, loop] of loops.entries()) {
    objects(loops.toSpliced(i, 1), "a loop is left out");
    objects(loops.with(i, { ...loop, end: loop.end + 1 }), "a loop is too long");
    objects(loops.with(i, { ...loop, steps: loop.steps + 1 }), "a loop has too many steps");
    if (!loop.waits) continue;
    waiting++;
    objects(loops.with(i, { ...loop, waits: false }), "nobody waits between steps");
  }
  assert.ok(waiting > 0, "no loop in which threads wait");
});

test.run();
