/** `nnc train --resume` as its users see it: what it prints, what it refuses, how it ends. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fast, inFolder, lines, nnc, program, tinySpec } from "./helpers.ts";

const train = ["train", "tiny.yaml", ...fast] as const;
const eventsIn = (run: string) =>
  lines(readFileSync(join(run, "events.jsonl"), "utf8")).map(
    (line) => JSON.parse(line) as Readonly<Record<string, unknown>>,
  );

test("Ctrl-C says how to go on, and that command ends as if nothing had been", () =>
  inFolder(async (cwd) => {
    const set = ["--set", "train.epochs=400", "--seed", "5"];
    await nnc([...train, ...set, "-q", "--out", "whole"], { cwd });
    let sent = false;
    const stopped = await nnc([...train, ...set, "--out", "my runs"], {
      cwd,
      watch: (text, child) => {
        if (!sent && text.includes("Epoch 3/")) sent = child.kill("SIGINT");
      },
    });
    assert.is(stopped.code, 130);
    const [, command] = /^to go on: nnc (.*)$/m.exec(stopped.stderr) ?? [];
    assert.is(command, "train tiny.yaml --resume 'my runs'");
    // What --set, --seed and --backend said at first need not be said again.
    const { code, stderr } = await nnc(["train", "tiny.yaml", "--resume", "my runs"], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stderr, /going on (with|after step \d+ of) epoch \d+/);
    assert.match(stderr, "backend: js");
    const bytes = (run: string) => readFileSync(join(cwd, run, "model.safetensors"));
    assert.equal(bytes("my runs"), bytes("whole"));
    const kinds = eventsIn(join(cwd, "my runs")).map((e) => e["event"]);
    assert.is(kinds.filter((kind) => kind === "epoch").length, 400);
    assert.is(kinds.filter((kind) => kind === "start").length, 2);
    assert.is(kinds.filter((kind) => kind === "end").length, 1, "it was not the end");
  }));

test("events cut short are told of, and a run that goes on with other settings is shown with those", () =>
  inFolder(async (cwd) => {
    await nnc([...train, "-q", "--out", "run"], { cwd });
    const resume = ["train", "tiny.yaml", "-q", "--resume", "run", "--set", "train.epochs=5"];
    const events = join(cwd, "run", "events.jsonl");
    const whole = readFileSync(events);
    truncateSync(events, 50);
    const { code, stderr } = await nnc(resume, { cwd });
    assert.is(code, 2);
    assert.match(stderr, `events.jsonl is damaged: it has 50 bytes, and had`);
    writeFileSync(events, whole);
    assert.is((await nnc(resume, { cwd })).code, 0);
    assert.match((await nnc(["runs", "."], { cwd })).stdout, "5/5");
  }));

test("a changed spec is refused at its place, and --set allows it", () =>
  inFolder(async (cwd) => {
    await nnc([...train, "-q", "--out", "run"], { cwd });
    const resume = ["train", "tiny.yaml", "-q", "--resume", "run"];
    writeFileSync(
      join(cwd, "tiny.yaml"),
      tinySpec.replace("learning_rate: 0.01", "learning_rate: 0.02"),
    );
    const refused = await nnc(resume, { cwd });
    assert.is(refused.code, 2);
    assert.match(refused.stderr, "optimizer.sgd.learning_rate is not what it was when the run was");
    assert.match(refused.stderr, /--> tiny\.yaml:6:36/);
    assert.match(refused.stderr, /received: 0\.02/);
    assert.match(refused.stderr, "--set 'optimizer.sgd.learning_rate=0.02'");
    const set = ["--set", "optimizer.sgd.learning_rate=0.02", "--set", "train.epochs=5"];
    const more = await nnc([...resume, ...set], { cwd });
    assert.equal(more, { code: 0, stdout: "", stderr: "" });
    assert.equal(
      eventsIn(join(cwd, "run")).flatMap((e) => e["epoch"] ?? []),
      [1, 2, 3, 4, 5],
    );
    assert.match(readFileSync(join(cwd, "run/spec.yaml"), "utf8"), "learning_rate: 0.02");
  }));

test("what is advised for a changed spec works: --set where the run can go on with it, else to put it back", () =>
  inFolder(async (cwd) => {
    const spec = tinySpec.replace(
      "  - dense",
      "  - dense: { units: 4, activation: relu }\n  - dense",
    );
    writeFileSync(join(cwd, "tiny.yaml"), spec);
    await nnc([...train, "-q", "--out", "run"], { cwd });
    /** What changes, into what, and whether the run can go on with it. */
    const changes: readonly (readonly [string, string, boolean])[] = [
      ["units: 4", "units: 8", false],
      ["activation: relu", "activation: tanh", true],
      ["units: 4", "units: 4, use_bias: false", false],
      ["sgd: { learning_rate: 0.01 }", "sgd: { learning_rate: 0.02 }", true],
      ["sgd: { learning_rate: 0.01 }", "sgd: { learning_rate: 0.01, momentum: 0.5 }", false],
      ["sgd: { learning_rate: 0.01 }", "adam: { learning_rate: 0.01 }", false],
      ["loss: mse", "loss: mae", true],
      ["[mae]", "[rmse]", false],
      ["[mae]", "[mae, rmse]", true],
      ["validation_split: 0.2", "validation_split: 0.5", false],
      ["target: y", "target: x", false],
      ["path: tiny.csv", "path: no.csv", false],
      ["name: tiny", "name: other", true],
      ["epochs: 3", "epochs: 4", true],
      ["batch_size: 3", "batch_size: 4", true],
    ];
    for (const [before, now, free] of changes) {
      writeFileSync(join(cwd, "tiny.yaml"), spec.replace(before, now));
      cpSync(join(cwd, "run"), join(cwd, "copy"), { recursive: true });
      const resume = ["train", "tiny.yaml", "-q", "--resume", "copy"];
      const refused = await nnc(resume, { cwd });
      assert.is(refused.code, 2, now);
      assert.match(refused.stderr, "is not what it was when the run was saved");
      assert.match(refused.stderr, "put it back");
      const advised = [...refused.stderr.matchAll(/--set '(.*)'$/gm)].map(([, set]) => set!);
      assert.is(advised.length > 0, free, `${now}\n${refused.stderr}`);
      if (free) {
        const set = advised.flatMap((argument) => ["--set", argument]);
        const { code, stderr } = await nnc([...resume, ...set], { cwd });
        assert.is(code, 0, `${now}: ${set.join(" ")}\n${stderr}`);
      } else {
        assert.match(refused.stderr, "start a new run without --resume");
        writeFileSync(join(cwd, "tiny.yaml"), spec);
        assert.is((await nnc(resume, { cwd })).code, 0);
      }
      rmSync(join(cwd, "copy"), { recursive: true });
    }
  }));

test("damaged, missing, in use, not wanted", () =>
  inFolder(async (cwd) => {
    const refused = async (words: RegExp, ...args: readonly string[]) => {
      const { code, stderr, stdout } = await nnc(["train", "tiny.yaml", ...args], { cwd });
      assert.is(code, 2, stdout + stderr);
      assert.match(stderr, words);
      assert.not.match(stderr, /^\s+at /m);
    };
    await refused(/there is no run in run[\s\S]*--out run/, "--resume", "run");
    await nnc([...train, "-q", "--out", "run"], { cwd });
    await refused(/not empty[\s\S]*--resume run goes on[\s\S]*--force/, "--out", "run");
    await refused(/--resume and --out exclude each other/, "--resume", "run", "--out", "b");
    const events = readFileSync(join(cwd, "run/events.jsonl"), "utf8");
    const file = join(cwd, "run/checkpoint/000000009.safetensors");
    truncateSync(file, 500);
    await refused(
      /000000009\.safetensors is damaged[\s\S]*000000006\.safetensors/,
      "--resume",
      "run",
    );
    assert.is(readFileSync(join(cwd, "run/events.jsonl"), "utf8"), events, "nothing was touched");
    rmSync(file);
    const { code } = await nnc(["train", "tiny.yaml", "-q", "--resume", "run"], { cwd });
    assert.is(code, 0);
    assert.ok(existsSync(file), "the run has come to its end once more");
    writeFileSync(join(cwd, "run/run.json"), "{");
    await refused(/run\.json is damaged/, "--resume", "run");
    const replaced = await nnc([...train, "-q", "--out", "run", "--force"], { cwd });
    assert.equal(replaced, { code: 0, stdout: "", stderr: "" });
    assert.not(readdirSync(join(cwd, "run")).includes("lock"));
  }));

test("what a process leaves that was killed before there was a run is no run, and in nobody's way", () =>
  inFolder(async (cwd) => {
    mkdirSync(join(cwd, "run"));
    for (const file of ["lock.99999999", "spec.yaml", "run.json.tmp"])
      writeFileSync(join(cwd, "run", file), "{");
    const resumed = await nnc(["train", "tiny.yaml", "--resume", "run"], { cwd });
    assert.is(resumed.code, 2);
    assert.match(resumed.stderr, /stopped before it had begun[\s\S]*nnc train SPEC --out run/);
    const begun = await nnc([...train, "-q", "--out", "run"], { cwd });
    assert.equal(begun, { code: 0, stdout: "", stderr: "" });
    assert.not(readdirSync(join(cwd, "run")).includes("run.json.tmp"));
  }));

test("two in one folder: the second is refused, the first goes on", () =>
  inFolder(async (cwd) => {
    let second: ReturnType<typeof nnc> | undefined;
    const first = await nnc([...train, "--out", "run", "--set", "train.epochs=1000000"], {
      cwd,
      watch: (text, child) => {
        if (second || !text.includes("Epoch 2/")) return;
        second = nnc([...train, "--out", "run", "--force"], { cwd });
        void second.then(() => child.kill("SIGINT"));
      },
    });
    const { code, stderr } = await second!;
    assert.is(code, 2);
    assert.match(stderr, /another nnc is training in run \(process \d+\)/);
    assert.is(first.code, 130);
  }));

test("a run that fails before it trains leaves no folder", () =>
  inFolder(async (cwd) => {
    const { code } = await nnc(
      [...train, "--set", "loss=binary_crossentropy", "--set", "data.source.csv.path=none.csv"],
      { cwd },
    );
    assert.is(code, 2);
    assert.not(existsSync(join(cwd, "runs/tiny/1")));
  }));

test("no room: --resume is advised where there is a run, and else another folder", () =>
  inFolder(async (cwd) => {
    // No byte can be written to a file, which is like a full disk but for its name.
    const full = (...args: readonly string[]) =>
      spawnSync(
        "sh",
        ["-c", 'ulimit -f 0 && exec "$0" "$@"', process.execPath, program, ...train, ...args],
        { cwd, encoding: "utf8" },
      );
    const begun = full("-q", "--out", "run");
    assert.is(begun.status, 1);
    assert.match(
      begun.stderr,
      /cannot write run\/.*\n {2}help: make room, or choose another folder/,
    );
    assert.not(existsSync(join(cwd, "run")));
    await nnc([...train, "-q", "--out", "run"], { cwd });
    const before = readdirSync(join(cwd, "run"));
    const resumed = full("-q", "--resume", "run");
    assert.is(resumed.status, 1);
    assert.match(
      resumed.stderr,
      /help: make room; what was saved before is whole, and --resume run/,
    );
    assert.equal(readdirSync(join(cwd, "run")), before);
  }));

test("callbacks of a spec: logs in the folder, an early end that is told, the best weights", () =>
  inFolder(async (cwd) => {
    const callbacks =
      "callbacks=[csv_log, tensorboard, {early_stopping: {monitor: mae, mode: max, restore_best_weights: true}}]";
    const { code, stderr } = await nnc([...train, "--out", "run", "--set", callbacks], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stderr, "early_stopping: mae has not improved for 1 epoch\n");
    assert.match(stderr, /run: run, weights of epoch 1 \(mae \d\.\d+\)/);
    assert.is(lines(readFileSync(join(cwd, "run/log.csv"), "utf8")).length, 3);
    const made = readdirSync(join(cwd, "run")).sort();
    const run = [
      "checkpoint",
      "data.json",
      "events.jsonl",
      "last.safetensors",
      "log.csv",
      "model.safetensors",
    ];
    assert.equal(made, [...run, "run.json", "spec.yaml", "tensorboard"]);
  }));

test.run();
