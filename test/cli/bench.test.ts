/** `nnc bench`: what it reports hangs together. No test asserts a time. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { fast, inFolder, lines, nnc } from "./helpers.ts";

const toolchain = await findToolchain();
const few = ["--steps", "7", "--repeats", "3"] as const;
/** Others may be measuring too. */
const before = new Set(readdirSync(tmpdir()));
const leftovers = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith("nnc-bench-") && !before.has(name));

/** Runs it on `tiny.yaml`: ten rows, batches of three, so that a pass is used up again and again. */
async function measured(cwd: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await nnc(["bench", "tiny.yaml", "--json", ...few, ...args], {
    cwd,
  });
  assert.is(code, 0, stderr);
  assert.is(lines(stdout).length, 1);
  return JSON.parse(stdout);
}

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.abs(b);

test("--json: one object whose numbers fit together", () =>
  inFolder(async (cwd) => {
    const found = await measured(cwd, ...fast);
    const { spec, backend, threads, steps, repeats, batch_size } = found;
    assert.equal([spec, backend, threads, steps, repeats], ["tiny", "js", 1, 7, 3]);
    assert.is(batch_size, 3);
    // A product of [3, 1] and [1, 1], and its gradient with respect to the weight.
    assert.is(found.flops_per_step, 2 * (3 + 3));
    assert.is(found.flops_done_per_step, found.flops_per_step);
    const { ms_per_step, ms_min, ms_max } = found;
    assert.ok(0 < ms_min && ms_min <= ms_per_step && ms_per_step <= ms_max);
    assert.ok(near(found.gflops, found.flops_per_step / ms_per_step / 1e6));
    assert.ok(near(found.examples_per_second, (1000 * batch_size) / ms_per_step));
    assert.ok(found.memory_mb > 10);
    assert.ok(found.compile_seconds.cold > 0 && found.compile_seconds.cached > 0);
    assert.ok(found.first_step_seconds > found.compile_seconds.cached);
    assert.type(found.device, "string");
    if (toolchain) {
      assert.is(found.vector_width, toolchain.target.width);
      assert.ok(near(found.percent_of_peak, (100 * found.gflops) / found.peak_gflops));
      assert.ok(found.percent_of_peak < 100);
    }
    assert.equal(leftovers(), [], "the compiler's cache is removed");
  }));

test("--kernels: the time of each, the longest first, where the backend can tell", () =>
  inFolder(async (cwd) => {
    if (toolchain) {
      const { kernels } = await measured(cwd, "--kernels", "--backend", "native", "--threads", "1");
      const times = kernels.map((k: { ms: number }) => k.ms);
      assert.equal(
        times,
        [...times].sort((a, b) => b - a),
      );
      assert.ok(times.every((ms: number) => ms > 0));
      assert.ok(kernels.some((k: { name: string }) => k.name.startsWith("dense")));
    }
    const { code, stderr } = await nnc(["bench", "tiny.yaml", "--kernels", ...few, ...fast], {
      cwd,
    });
    assert.is(code, 2);
    assert.match(stderr, /backend js cannot time its kernels/);
  }));

test("without a C compiler the peak is unknown", () =>
  inFolder(async (cwd) => {
    const env = { PATH: cwd, CC: "" };
    const args = ["bench", "tiny.yaml", ...few, ...fast];
    const { code, stdout, stderr } = await nnc([...args, "--json"], { cwd, env });
    assert.is(code, 0, stderr);
    const found = JSON.parse(stdout);
    assert.equal(
      [found.peak_gflops, found.percent_of_peak, found.vector_width],
      Array(3).fill(null),
    );
    const text = await nnc(args, { cwd, env });
    assert.match(text.stdout, /^ {2}FMA peak +– +not measured without a C compiler$/m);
  }));

test("a table: every figure, its unit, no control characters", () =>
  inFolder(async (cwd) => {
    const { code, stdout, stderr } = await nnc(["bench", "tiny.yaml", ...fast, ...few], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stdout, /^Benchmark: "tiny" on js, 1 thread$/m);
    assert.match(stdout, /^ {2}time a step +\S+ ms +\S+ – \S+: 3 × 7 steps, 3 examples each$/m);
    assert.match(stdout, /^ {2}work a step +12\.0 FLOP /m);
    assert.match(stderr, /^backend: js /);
    assert.not.match(stdout, /NaN|undefined|Infinity/);
    const quiet = await nnc(["bench", "tiny.yaml", ...fast, ...few, "-q"], { cwd });
    assert.is(quiet.stderr, "");
  }));

test("fewer rows than a batch, --set and --seed reach both processes", () =>
  inFolder(async (cwd) => {
    const set = ["--set", "train.batch_size=1000", "--set", "model.0.dense.units=1", "--seed", "3"];
    assert.is((await measured(cwd, ...fast, ...set)).batch_size, 8);
  }));

if (toolchain) {
  test("native: the threads asked for", () =>
    inFolder(async (cwd) => {
      const found = await measured(cwd, "--backend", "native", "--threads", "3");
      assert.equal([found.backend, found.threads], ["native", 3]);
      assert.ok(found.peak_gflops > 0);
    }));
} else {
  console.log("skipped: bench on native: no C compiler");
  test.skip("bench on native", () => {});
}

test("Ctrl-C: ends with 130 and leaves nothing behind", () =>
  inFolder(async (cwd) => {
    let sent = false;
    const { code, stdout } = await nnc(["bench", "tiny.yaml", ...fast, "--steps", "1000000000"], {
      cwd,
      watch: (_, child, stderr) => {
        if (!sent && stderr.includes("backend: js")) sent = child.kill("SIGINT");
      },
    });
    assert.equal([code, stdout], [130, ""]);
    assert.equal(leftovers(), []);
  }));

test.run();
