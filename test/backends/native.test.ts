/**
 * The native backend beyond conformance: every vector width, any number of threads, the cache, leaks, and the
 * sanitizers. Skipped, saying so, where there is no C compiler.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileFor, native } from "../../src/backends/native/index.ts";
import type { Decide } from "../../src/backends/native/products/decisions.ts";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { reference } from "../../src/backends/reference.ts";
import type { Backend } from "../../src/ir/program.ts";
import { readSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { digest } from "../../src/support/kept.ts";
import { loadData } from "../../src/train/load.ts";
import { compileRun, initialWeights, planRun, Session } from "../../src/train/session.ts";
import { evaluate } from "../support/evaluate.ts";
import { opOutputs } from "../support/op-cases.ts";
import { openSession, planOfText, smallSpecs, trainSteps } from "../support/sessions.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

const toolchain = await findToolchain();
const own = fileURLToPath(import.meta.url);
const nnc = fileURLToPath(new URL("../../app/nnc.js", import.meta.url));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Relative difference that single precision explains. */
const differs = (want: Float64Array, got: Float64Array): boolean => {
  const scale = Math.max(1, ...want.map(Math.abs));
  return want.some((v, i) => !(Math.abs(v - got[i]!) / scale < 1e-5));
};

/** Weights after some steps of training, as bits. */
async function trained(text: string, backend: Backend, steps: number, threads?: number) {
  const session = await openSession(text, backend, threads);
  await trainSteps(session, steps);
  const weights = await session.weights();
  await session.dispose();
  return [...weights.values()].map((v) => Buffer.from(v.buffer).toString("base64")).join();
}

const specs = fileURLToPath(new URL("../../../specs", import.meta.url));
const bundledSpecs = () => readdirSync(specs).map((f) => join(specs, f));

/** Two steps of training and one of evaluation, on the spec's own data. */
async function trainBundled(file: string) {
  const spec = resolveSpec(readSpec(file));
  const plan = planRun(spec, await loadData(spec));
  const session = await Session.open(plan, native, initialWeights(plan.weights, spec.seed), {
    threads: 2,
  });
  for (const { name } of session.program.procedures) {
    session.beginPass(name.startsWith("train") ? "train" : "validation", 1);
    await session.executable.run(name, name === "train_batch" ? 2 : 1);
  }
  await session.dispose();
}

if (!toolchain) {
  console.log("skipped: native: no C compiler");
  test.skip("native: no C compiler", () => {});
} else if (process.argv[2] === "sanitized") {
  // With a second cache in which nothing fits there are chains; everything that can be packed is.
  const target = { ...toolchain.target, l2: 1 << 9 };
  const packing: Decide = (decision, chosen, valid) =>
    decision === "pack" ? valid().at(0)! : chosen;
  const crowded: Backend = {
    ...native,
    compile: (p, c, o) => compileFor(p, c, o, { ...toolchain, target }, packing),
  };
  for (const text of Object.values(smallSpecs))
    for (const backend of [native, crowded])
      await trained(text.replace(/batch_size: \d+/, "batch_size: 40"), backend, 3, 2);
  for (const file of bundledSpecs()) await trainBundled(file);
  process.exit(0);
} else {
  for (const width of [1, 4, 8, 16]) {
    test(`vectors of ${width} agree with the interpreter`, async () => {
      const registers = width === 16 ? 32 : 16;
      const narrow = { ...toolchain, target: { ...toolchain.target, width, registers } };
      const backend: Backend = { ...native, compile: (p, c, o) => compileFor(p, c, o, narrow) };
      const { outputs, feed } = opOutputs(21);
      // Three hundred kernels: compiling them well takes longer than running them.
      process.env["NNC_CFLAGS"] = "-O1 -fno-tree-vectorize";
      const tensors = outputs.map((o) => o.tensor);
      const want = await evaluate(tensors, feed, reference);
      const got = await evaluate(tensors, feed, backend);
      delete process.env["NNC_CFLAGS"];
      assert.equal(
        outputs.filter((_, i) => differs(want[i]!, got[i]!)).map((o) => o.name),
        [],
      );
    });
  }

  for (const [name, text] of Object.entries(smallSpecs)) {
    test(`${name}: the same bits for 1, 2 and 3 threads`, async () => {
      const one = await trained(text, native, 100, 1);
      assert.is(await trained(text, native, 100, 2), one);
      assert.is(await trained(text, native, 100, 3), one);
    });
  }

  test("what is damaged in the cache is made again", async () => {
    const text = smallSpecs.mlp;
    const before = await trained(text, native, 2);
    const flipped = (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 4;
      writeFileSync(path, bytes);
    };
    const harms = [
      [".so", (path: string) => truncateSync(path, 100)],
      [".so", flipped],
      [".kept", (path: string) => truncateSync(path, 100)],
      [".kept", flipped],
    ] as const;
    for (const [ending, harm] of harms) {
      const harmed = readdirSync(cache).filter((f) => f.endsWith(ending));
      assert.ok(harmed.length > 0, `nothing is kept in ${ending}`);
      for (const file of harmed) harm(join(cache, file));
      assert.is(await trained(text, native, 2), before);
    }
    const rubbish = readdirSync(cache).filter((f) => f.startsWith("build-") || f.endsWith(".tmp"));
    assert.equal(rubbish, []);
  });

  test("a program that was seen before is only loaded, and its source is still told", async () => {
    const program = compileRun(planOfText(smallSpecs.mlp), native);
    const options = { threads: 1 };
    const first = await compileFor(program, new Map(), options, toolchain);
    const again = compileRun(planOfText(smallSpecs.mlp), native);
    const second = await compileFor(again, new Map(), options, toolchain);
    assert.match(second.description(), /from the cache/);
    assert.equal([...second.sources], [...first.sources]);
    const other = compileRun(planOfText(smallSpecs.mlp.replace("units: 24", "units: 25")), native);
    const third = await compileFor(other, new Map(), options, toolchain);
    assert.not.equal([...third.sources], [...first.sources]);
    for (const executable of [first, second, third]) await executable.dispose();
  });

  test("a process killed at any moment leaves no broken object, and its rubbish is cleared away", async () => {
    const folder = join(cache, "killed");
    const work = ["train", "mlp.yaml", "--set", "train.steps=1", "--backend", "native", "--quiet"];
    const env = { ...process.env, NNC_CACHE: folder };
    for (const after of [350, 500, 650, 800, 950]) {
      const args = [nnc, ...work, "--out", join(cache, `run-${after}`)];
      spawnSync(process.execPath, args, { env, timeout: after, killSignal: "SIGKILL" });
    }
    mkdirSync(join(folder, "build-old"), { recursive: true });
    utimesSync(join(folder, "build-old"), 1, 1);
    process.env["NNC_CACHE"] = folder;
    try {
      await trained(smallSpecs.mlp, native, 2);
    } finally {
      process.env["NNC_CACHE"] = cache;
    }
    assert.not.ok(existsSync(join(folder, "build-old")));
    for (const file of readdirSync(folder).filter((f) => f.endsWith(".so.sha256")))
      assert.is(
        digest(readFileSync(join(folder, file.replace(".sha256", "")))),
        readFileSync(join(folder, file), "utf8"),
      );
    const args = [nnc, ...work, "--out", join(cache, "run-last")];
    const { stderr, status } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
    // One step learns nothing: the expectation fails, the run does not.
    assert.is(status, 1, stderr);
    assert.not.match(stderr, /internal|Error/);
  });

  test("a cache that cannot be written costs time, not the run", async () => {
    const folder = join(cache, "locked");
    process.env["NNC_CACHE"] = join(folder, "inner");
    try {
      execFileSync("mkdir", [folder]);
      chmodSync(folder, 0o500);
      await trained(smallSpecs.mlp, native, 2);
    } finally {
      chmodSync(folder, 0o700);
      process.env["NNC_CACHE"] = cache;
    }
  });

  test("a compiler that cannot compile is no compiler, and auto goes on with webasm", () => {
    const fake = join(cache, "fake-cc");
    const real = `exec ${toolchain.command} "$@"`;
    writeFileSync(
      fake,
      `#!/bin/sh
case "$*" in *-dM*|*--version*) ${real};; esac
echo "program.c:1: fatal error: math.h: no such file" >&2; exit 1
`,
    );
    chmodSync(fake, 0o755);
    const args = [nnc, "train", "mlp.yaml", "--set", "train.steps=1", "--set", "expect={}"];
    const env = { ...process.env, CC: fake };
    const out = ["--out", join(cache, "run-fake")];
    const { stderr, status } = spawnSync(process.execPath, [...args, ...out], {
      env,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    assert.match(stderr, /backend: webasm .*native: .*cannot compile: .*math\.h/);
  });

  test("a compiler that fails is said in one line", async () => {
    const broken = { ...toolchain, command: "false" };
    const backend: Backend = { ...native, compile: (p, c, o) => compileFor(p, c, o, broken) };
    const fresh = smallSpecs.mlp.replace("units: 24", "units: 23");
    try {
      await trained(fresh, backend, 1);
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), /false did not compile the program/);
    }
  });

  test("200 times opened and closed leave neither memory nor threads", async () => {
    const cycles = async (count: number) => {
      for (let i = 0; i < count; i++) await trained(smallSpecs.mlp, native, 1, 3);
      collectGarbage();
      return process.memoryUsage().rss / 2 ** 20;
    };
    const threads = () =>
      existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : 0;
    await cycles(60);
    const early = Math.min(await cycles(20), await cycles(20));
    const before = threads();
    const late = Math.min(await cycles(150), await cycles(25), await cycles(25));
    assert.is(threads(), before);
    assert.ok(late - early < 40, `${(late - early).toFixed(0)} MB more after 200 cycles`);
  });

  const asan = spawnSync(toolchain.command, ["-print-file-name=libasan.so"], {
    encoding: "utf8",
  }).stdout.trim();
  const usable =
    existsSync(asan) && readFileSync(asan).subarray(0, 4).toString("latin1") === "\x7fELF";
  const sanitized = usable ? test : test.skip;
  if (!usable) console.log("skipped: sanitizers: their runtime is not installed");
  sanitized(
    "the generated code is clean under the address and undefined-behaviour sanitizers",
    () => {
      const { status, stderr } = spawnSync(process.execPath, [own, "sanitized"], {
        encoding: "utf8",
        env: {
          ...process.env,
          LD_PRELOAD: asan,
          ASAN_OPTIONS: "detect_leaks=0",
          // What is checked is added before the code is optimised: less of that takes half the time.
          NNC_CFLAGS: "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -g0",
        },
      });
      assert.is(status, 0, stderr.slice(0, 2000));
    },
  );
}

if (process.argv[2] !== "sanitized") test.run();
