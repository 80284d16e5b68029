/**
 * Any valid schedule gives the same numbers: random contractions with dice in place of the models, for every
 * vector width, against the interpreter in double precision.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileFor, native } from "../../src/backends/native/index.ts";
import { byModel, type Decide } from "../../src/backends/native/products/decisions.ts";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Executable } from "../../src/ir/program.ts";
import { type Contractions, drawContractions } from "../support/contractions.ts";
import { random } from "../support/evaluate.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
// Compiling takes longer than running.
process.env["NNC_CFLAGS"] = "-O1 -fno-tree-vectorize";
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

/** Every free decision at random. */
function dice(seed: number): Decide {
  const r = random(seed);
  // Long sums in chunks are many small ones: too many of them would hide the others.
  return (decision, chosen, valid) =>
    r.uniform() < (decision === "chunks" ? 0.9 : 0.25) ? chosen : r.pick(valid());
}

/** What two steps make of the variables. */
async function results(exe: Executable, { start, results }: Contractions, round: boolean) {
  for (const [name, values] of start) exe.write(name, round ? Float32Array.from(values) : values);
  await exe.run("test", 2);
  const read = async (name: string) => Float64Array.from(await exe.read(name));
  const values = await Promise.all([...results.keys()].map(read));
  await exe.dispose();
  return values;
}

/** The largest difference relative to the largest value, and how many differ much. */
function difference(want: Float64Array, got: Float64Array): string | undefined {
  const scale = want.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  const errors = want.map((v, i) => Math.abs(v - got[i]!) / scale);
  const bad = errors.filter((e) => !(e < 1e-5));
  if (bad.length === 0) return undefined;
  const worst = bad.reduce((m, e) => Math.max(m, e), 0).toExponential(1);
  return `${bad.length} of ${want.length} differ, by ${worst}`;
}

const toolchain = await findToolchain();
if (!toolchain) {
  console.log("skipped: schedules: no C compiler");
  test.skip("schedules: no C compiler", () => {});
} else {
  /** Contractions whose results are wrong. */
  async function wrong(seed: number, width: number, threads: number, decide: Decide) {
    const drawn = drawContractions(seed, 24);
    const float = (v: Float64Array) => Float64Array.from(Float32Array.from(v));
    const start = new Map([...drawn.start].map(([name, v]) => [name, float(v)]));
    const plain = compile([drawn.graph], reference.traits);
    const want = await results(
      await reference.compile(plain, new Map(), {}),
      { ...drawn, start },
      false,
    );
    const registers = width === 16 ? 32 : 16;
    const coin = random(seed + 7);
    // With a small second cache tasks that share rows are done some rows at a time.
    const l2 = coin.pick([1 << 9, 1 << 12, toolchain!.target.l2]);
    const narrow = { ...toolchain!, target: { ...toolchain!.target, width, registers, l2 } };
    // Convolutions are quickened, or not, at random too.
    const fastConvolution = () => coin.uniform() < 0.5;
    const program = compile([drawn.graph], { ...native.traits, fastConvolution });
    const exe = await compileFor(program, new Map(), { threads }, narrow, decide);
    const got = await results(exe, drawn, true);
    return [...drawn.results].flatMap(([name, about], i) => {
      const found = difference(want[i]!, got[i]!);
      return found ? [`${name} of ${about}: ${found}`] : [];
    });
  }

  // NNC_SEEDS=100 looks longer.
  const seeds = Number(process.env["NNC_SEEDS"] ?? 8);
  for (let seed = 0; seed < seeds; seed++) {
    const width = [8, 4, 16, 8][seed % 4]!;
    const decide = seed % 8 === 0 ? byModel : dice(seed);
    test(`any schedule with vectors of ${width} gives the same numbers (${seed})`, async () => {
      assert.equal(await wrong(100 + seed, width, 1 + (seed % 3), decide), []);
    });
  }
}

test.run();
