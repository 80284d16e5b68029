/** Checkpoints as files: what is written is read; what is damaged is refused; the one before stays whole. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { UsageError } from "../../src/support/errors.ts";
import { readCheckpoint, type Saved, writeCheckpoint } from "../../src/train/checkpoint.ts";
import { beginning } from "../../src/train/position.ts";
import { RunFolder } from "../../src/train/run-folder.ts";
import { random } from "../support/evaluate.ts";

const parent = mkdtempSync(join(tmpdir(), "nnc-checkpoint-"));
process.on("exit", () => rmSync(parent, { recursive: true, force: true }));
let count = 0;
const newFolder = () => RunFolder.create("test", join(parent, `run-${++count}`));

const saved = (steps: number): Saved => ({
  format: 1,
  backend: "native",
  data: "0123456789abcdef",
  spec: {
    name: "x",
    sha256: "a text like the one that is looked for",
    model: [{ dense: { units: 2 } }],
  },
  position: {
    ...beginning,
    epoch: 2,
    step: 3,
    steps,
    metrics: { loss: 0.1, val_loss: Number.NaN },
  },
  callbacks: [{ wait: 1, best: null, kept: true }],
  best: { epoch: 1, metric: "val_loss", value: 0.5 },
  logs: { "events.jsonl": 123 },
});
const state = new Map<string, Float32Array | Float64Array>([
  ["iteration", Float64Array.of(2 ** 31 - 1)],
  ["dense/kernel", Float32Array.of(1e-45, -0, Number.NaN, 0.1)],
]);
const bestWeights = new Map([["dense/kernel", Float32Array.of(1, 2, 3, 4)]]);
const write = (folder: RunFolder, steps: number, keep = 2) =>
  writeCheckpoint(folder, { saved: saved(steps), state, bestWeights }, keep);
const fileOf = (folder: RunFolder, steps: number) =>
  join(folder.path, "checkpoint", `${String(steps).padStart(9, "0")}.safetensors`);

test("what is written is read, to the last bit; as many are kept as asked", () => {
  const folder = newFolder();
  assert.is(readCheckpoint(folder.path), undefined);
  for (const steps of [8, 9, 10, 999_999_999, 1_000_000_001]) write(folder, steps, 3);
  assert.is(readdirSync(join(folder.path, "checkpoint")).length, 3);
  const found = readCheckpoint(folder.path)!;
  assert.equal(found.saved, saved(1_000_000_001));
  assert.equal([...found.state.keys()].sort(), [...state.keys()].sort());
  for (const [name, values] of state) {
    const got = found.state.get(name)!;
    assert.is(got.constructor, values.constructor);
    assert.equal(new Uint8Array(got.buffer), new Uint8Array(values.buffer));
  }
  assert.equal([...found.bestWeights!], [...bestWeights]);
});

test("a flipped bit anywhere, or a missing end, is seen; the one before is whole", () => {
  const folder = newFolder();
  write(folder, 10);
  write(folder, 20);
  const file = fileOf(folder, 20);
  const good = readFileSync(file);
  const draw = random(1);
  const bits = Array.from({ length: 300 }, () => draw.int(0, 8 * good.length - 1));
  for (const bit of [0, 7, 60, 63, 64, ...bits]) {
    const bad = Buffer.from(good);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(file, bad);
    assert.throws(() => readCheckpoint(folder.path), /000000020.* is damaged/s, `bit ${bit}`);
  }
  for (const length of [0, 7, 8, 100, good.length - 1]) {
    writeFileSync(file, good.subarray(0, length));
    assert.throws(() => readCheckpoint(folder.path), /is damaged/, `${length} bytes`);
  }
  rmSync(file);
  assert.is(readCheckpoint(folder.path)!.saved.position.steps, 10, "as the message advises");
});

test("all damaged checkpoints are told at once, and what there is to go on from", () => {
  const folder = newFolder();
  for (const steps of [10, 20, 30]) write(folder, steps, 3);
  const told = (): UsageError => {
    try {
      readCheckpoint(folder.path);
    } catch (error) {
      assert.instance(error, UsageError);
      return error as UsageError;
    }
    throw new Error("it was read");
  };
  writeFileSync(fileOf(folder, 30), "");
  writeFileSync(fileOf(folder, 20), readFileSync(fileOf(folder, 20)).fill(1, 200, 210));
  const two = told();
  assert.match(
    two.message,
    /000000030\S+ is damaged: .*\n {2}and so is .*000000020\S+: its checksum/,
  );
  assert.not.match(two.message, "000000010");
  assert.match(two.fix!, /^remove them, and --resume goes on from .*000000010\.safetensors, which/);
  rmSync(fileOf(folder, 10));
  const all = told();
  assert.match(all.message, /000000030\S+ is damaged: .*\n {2}and so is .*000000020/);
  assert.match(all.fix!, /^no other is whole: remove them, and --resume begins again$/);
  writeFileSync(join(folder.path, "model.safetensors"), "");
  assert.match(told().fix!, /begins again; --weights .*model\.safetensors gives a new run/);
  for (const steps of [20, 30]) rmSync(fileOf(folder, steps));
  assert.is(readCheckpoint(folder.path), undefined, "as the message advises");
});

test("no room for the next: an error, and the one before is as it was", () => {
  const folder = newFolder();
  write(folder, 10);
  const before = readFileSync(fileOf(folder, 10));
  const script = `
    const { writeCheckpoint } = await import(${JSON.stringify(moduleUrl("checkpoint"))});
    const { RunFolder } = await import(${JSON.stringify(moduleUrl("run-folder"))});
    const folder = RunFolder.reopen(${JSON.stringify(folder.path)});
    const saved = ${JSON.stringify(saved(20))};
    const state = new Map([["w", new Float32Array(100000)]]);
    try { writeCheckpoint(folder, { saved, state, bestWeights: undefined }, 2); }
    catch (error) { console.log(error.constructor.name, error.message, error.fix); }
    folder.close();`;
  folder.close();
  // A limit on the size of files (in blocks of 512 or 1024 bytes), which is like a full disk but for its name.
  const limited = [
    "-c",
    'ulimit -f 100 && exec "$0" --input-type=module -e "$1"',
    process.execPath,
  ];
  const { stdout, status } = spawnSync("sh", [...limited, script], { encoding: "utf8" });
  assert.is(status, 0);
  assert.match(stdout, /RunError cannot write .*larger than the system allows make room/);
  assert.not.match(stdout, "--resume", "there is no run in the folder");
  assert.equal(readdirSync(join(folder.path, "checkpoint")), ["000000010.safetensors"]);
  assert.equal(readFileSync(fileOf(folder, 10)), before);
});
const moduleUrl = (name: string) => new URL(`../../src/train/${name}.js`, import.meta.url).href;

test("one process at a time: a living one is refused, a dead one's lock is taken over", () => {
  const folder = newFolder();
  assert.throws(() => RunFolder.reopen(folder.path), /another nnc is training in .*process \d+/);
  folder.close();
  const script = `
    const { RunFolder } = await import(${JSON.stringify(moduleUrl("run-folder"))});
    RunFolder.reopen(${JSON.stringify(folder.path)});
    process.kill(process.pid, "SIGKILL");`;
  spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  assert.ok(readdirSync(folder.path).includes("lock"), "the dead one left it");
  const next = RunFolder.reopen(folder.path);
  assert.throws(() => RunFolder.reopen(folder.path), /another nnc/);
  next.close();
  // A number of a process that has been given to another since.
  const reused = {
    pid: process.ppid,
    host: execFileSync("hostname", { encoding: "utf8" }).trim(),
    began: "1",
  };
  writeFileSync(join(folder.path, "lock"), JSON.stringify(reused));
  if (process.platform === "linux") RunFolder.reopen(folder.path).close();
  writeFileSync(join(folder.path, "lock"), JSON.stringify({ ...reused, host: "elsewhere" }));
  assert.throws(() => RunFolder.reopen(folder.path), /on elsewhere/);
});

test("what was never finished is cleared away; logs are cut back, and grow on", () => {
  const folder = newFolder();
  folder.log("a.log", "one\n");
  const lengths = folder.syncLogs();
  folder.log("a.log", "two\n");
  writeFileSync(join(folder.path, "model.safetensors.tmp"), "half");
  folder.close();
  const again = RunFolder.reopen(folder.path);
  assert.not(readdirSync(folder.path).includes("model.safetensors.tmp"));
  again.restoreLogs(lengths);
  again.log("a.log", "three\n");
  again.log("b.log", "new\n");
  assert.is(readFileSync(join(folder.path, "a.log"), "utf8"), "one\nthree\n");
  assert.equal(again.syncLogs(), { "a.log": 10, "b.log": 4 });
});

test("a folder that can no longer be changed is left without another error", () => {
  const folder = newFolder();
  rmSync(join(folder.path, "lock"));
  // A folder where the lock was is what no user, not even root, can remove as a file.
  mkdirSync(join(folder.path, "lock"));
  folder.discard();
  folder.close();
  assert.ok(existsSync(join(folder.path, "lock")));
});

test("a folder that cannot be made, or is in use, says so", () => {
  const blocked = join(fileURLToPath(import.meta.url), "run");
  assert.throws(() => RunFolder.create("x", blocked), /cannot write .*: a file is in the way/);
  assert.throws(
    () => RunFolder.create("x", blocked),
    (error: Error) => error instanceof UsageError,
  );
  const folder = newFolder();
  writeFileSync(join(folder.path, "mine.txt"), "");
  folder.close();
  assert.throws(() => RunFolder.create("x", folder.path), /is not empty/);
  RunFolder.create("x", folder.path, true).close();
  assert.ok(
    readdirSync(folder.path).includes("mine.txt"),
    "--force removes what a run has, no more",
  );
});

test.run();
