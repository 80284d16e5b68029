/** `nnc train` as its users see it: streams, exit codes, the run's folder. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeSafetensors, encodeSafetensors } from "../../src/train/safetensors.ts";
import { fast, inFolder, lines, nnc } from "./helpers.ts";

const weightsOf = (file: string) => decodeSafetensors(readFileSync(file), file);
type Event = Readonly<Record<string, unknown>>;
const events = (text: string) => lines(text).map((line) => JSON.parse(line) as Event);

test("off a terminal: a table, one line an epoch, no control characters", () =>
  inFolder(async (cwd) => {
    const { code, stdout, stderr } = await nnc(["train", "tiny.yaml", ...fast], { cwd });
    assert.is(code, 0, stderr);
    const all = lines(stdout);
    assert.is(all[0], 'Model: "tiny"');
    const epochs = all.filter((line) => line.startsWith("Epoch"));
    assert.is(epochs.length, 3);
    const form =
      /^Epoch 2\/3 - 3\/3 - \S+s - \S+\/step - loss: \d\.\d{4} - mae: \d\.\d{4} - val_loss: \d\.\d{4} - val_mae: \d\.\d{4}$/;
    assert.match(epochs[1]!, form);
    assert.is(
      epochs.at(-1),
      all.at(-1),
      "nothing follows the last epoch where nothing is expected",
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.not.match(stdout + stderr, /[\x00-\x09\x0b-\x1f\x7f]/);
    assert.match(
      stderr,
      "data: 10 training rows, 1 feature, 1 target; of these 8 to train, 2 to validate\n",
    );
    assert.match(stderr, "backend: js");
    assert.match(stderr, "run: runs/tiny/1");
  }));

test("the run's folder holds spec, events and weights; numbers count on", () =>
  inFolder(async (cwd) => {
    const first = await nnc(["train", "tiny.yaml", ...fast, "--quiet"], { cwd });
    assert.equal(first, { code: 0, stdout: "", stderr: "" });
    await nnc(["train", "tiny.yaml", ...fast, "-q", "--set", "train.epochs=1"], { cwd });
    const run = join(cwd, "runs/tiny/1");
    const kinds = events(readFileSync(join(run, "events.jsonl"), "utf8")).map((e) => e["event"]);
    assert.equal(kinds, ["start", "epoch", "epoch", "epoch", "end"]);
    const weights = weightsOf(join(run, "model.safetensors"));
    assert.equal([...weights.keys()], ["dense/kernel", "dense/bias"]);
    assert.equal(weights.get("dense/kernel")!.shape, [1, 1]);
    assert.match(readFileSync(join(cwd, "runs/tiny/2/spec.yaml"), "utf8"), "epochs: 1");
    const again = await nnc(["inspect", "runs/tiny/2/spec.yaml", "--stage", "spec"], { cwd });
    assert.is(again.code, 0, "a resolved spec is a spec");
  }));

test("--json: one event a line, with the contract's fields, and nothing else", () =>
  inFolder(async (cwd) => {
    const args = ["train", "tiny.yaml", ...fast, "--json", "--set", "expect.val_mae=<= 100"];
    const { code, stdout, stderr } = await nnc([...args, "--out", "here"], { cwd });
    assert.is(code, 0, stderr);
    const [start, ...rest] = events(stdout);
    const end = rest.pop();
    assert.is(start!["event"], "start");
    assert.is(start!["backend"], "js");
    assert.is(start!["parameters"], 2);
    assert.is((start!["spec"] as Event)["name"], "tiny");
    assert.equal(
      rest.map((e) => [e["event"], e["epoch"], e["epochs"]]),
      [1, 2, 3].map((n) => ["epoch", n, 3]),
    );
    for (const epoch of rest) {
      for (const key of ["loss", "mae", "val_loss", "val_mae", "seconds"])
        assert.type(epoch[key], "number", key);
    }
    const { reason, epochs, expect, run } = end!;
    assert.equal([reason, epochs, run], ["finished", 3, "here"]);
    const got = rest.at(-1)!["val_mae"];
    assert.equal(expect, [{ metric: "val_mae", want: "<= 100", got, ok: true }]);
  }));

test("an expectation that does not hold: exit code 1, and nothing but it with --quiet", () =>
  inFolder(async (cwd) => {
    const set = ["--set", "expect.loss=< 0", "--set", "expect.val_mae=< 100"];
    const { code, stdout, stderr } = await nnc(["train", "tiny.yaml", ...fast, "-q", ...set], {
      cwd,
    });
    assert.is(code, 1);
    assert.is(stderr, "");
    assert.match(stdout, /^✗ loss < 0, got \d\.\d+\n✓ val_mae < 100, got \d\.\d+\n$/);
  }));

test("a run that diverges: exit code 1, says where, keeps no broken weights", () =>
  inFolder(async (cwd) => {
    const set = ["--set", "optimizer.sgd.learning_rate=1e30"];
    const { code, stderr } = await nnc(["train", "tiny.yaml", ...fast, ...set], { cwd });
    assert.is(code, 1);
    assert.match(
      stderr,
      /error: the loss is no longer a finite number in epoch 1, by step \d of 3/,
    );
    assert.match(stderr, "no weights");
    assert.not(existsSync(join(cwd, "runs/tiny/1/model.safetensors")));
  }));

test("Ctrl-C: ends with 130 and whole weights", () =>
  inFolder(async (cwd) => {
    let sent = false;
    const { code, stdout, stderr } = await nnc(
      ["train", "tiny.yaml", ...fast, "--set", "train.epochs=1000000"],
      {
        cwd,
        watch: (text, child) => {
          if (!sent && text.includes("Epoch 2/")) sent = child.kill("SIGINT");
        },
      },
    );
    assert.is(code, 130, stdout.slice(-500) + stderr);
    assert.match(stderr, /interrupted after \d+ whole epochs; weights saved in runs\/tiny\/1\//);
    assert.is(weightsOf(join(cwd, "runs/tiny/1/model.safetensors")).size, 2);
    const last = events(readFileSync(join(cwd, "runs/tiny/1/events.jsonl"), "utf8")).at(-1)!;
    assert.equal([last["event"], last["reason"], last["expect"]], ["end", "interrupted", []]);
  }));

test("--weights starts from a file, or says all that does not fit", () =>
  inFolder(
    async (cwd) => {
      const args = ["train", "tiny.yaml", ...fast, "--json", "--weights"];
      const right = await nnc([...args, "right.safetensors", "--set", "train.epochs=1"], { cwd });
      assert.is(right.code, 0, right.stderr);
      const [, epoch] = events(right.stdout);
      assert.ok((epoch!["loss"] as number) < 1e-6, "y = 2x + 1 is the solution");
      const wrong = await nnc([...args, "wrong.safetensors"], { cwd });
      assert.is(wrong.code, 2);
      assert.match(wrong.stderr, "dense/kernel is [2] in the file and [1, 1] in the model");
      assert.match(wrong.stderr, "dense/bias [1] is missing in the file");
      assert.match(wrong.stderr, "dense/bais [1] is not in the model: is it dense/bias?");
      const none = await nnc([...args, "none.safetensors"], { cwd });
      assert.is(none.code, 2);
      assert.match(none.stderr, "there is no such file");
    },
    {
      "right.safetensors": weightFile({ "dense/kernel": [[1, 1], 2], "dense/bias": [[1], 1] }),
      "wrong.safetensors": weightFile({ "dense/kernel": [[2], 0], "dense/bais": [[1], 0] }),
    },
  ));

/** A file of tensors, each full of one value. */
function weightFile(of: Readonly<Record<string, readonly [shape: number[], value: number]>>) {
  const tensors = Object.entries(of).map(([name, [shape, value]]) => {
    const size = shape.reduce((n, d) => n * d, 1);
    return [name, { shape, values: new Float32Array(size).fill(value) }] as const;
  });
  return encodeSafetensors(new Map(tensors));
}

test("same spec and seed: the same numbers; --seed changes them", () =>
  inFolder(async (cwd) => {
    const run = async (...more: string[]) => {
      const { stdout } = await nnc(["train", "tiny.yaml", ...fast, "--json", ...more], { cwd });
      return events(stdout).map(({ loss, val_mae }) => [loss, val_mae]);
    };
    const first = await run();
    assert.equal(await run("--seed", "1"), first);
    assert.not.equal(await run("--seed", "2"), first);
  }));

test("--out must be new or empty; a reader that goes away ends the run quietly", () =>
  inFolder(async (cwd) => {
    const full = await nnc(["train", "tiny.yaml", ...fast, "--out", "."], { cwd });
    assert.is(full.code, 2);
    assert.match(full.stderr, "error: the folder . is not empty");
    const gone = await nnc(["train", "tiny.yaml", ...fast, "--set", "train.epochs=1000000"], {
      cwd,
      watch: (_, child) => child.stdout?.destroy(),
    });
    assert.not.match(gone.stderr, /EPIPE|at /);
  }));

test.run();
