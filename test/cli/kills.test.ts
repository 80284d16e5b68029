/**
 * Runs that are killed at random moments and resumed end like one that was never disturbed, byte for byte.
 * Three of each here, most of them killed more than once; NNC_KILLS=50 makes it fifty.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import { random } from "../support/evaluate.ts";
import { inFolder, lines, nnc } from "./helpers.ts";

const kills = Number(process.env["NNC_KILLS"] ?? 3);

/** Shuffled, with dropout, a smaller last batch, validation, a best epoch, and a checkpoint every few steps. */
const spec = `
data: { source: { csv: { path: wave.csv, target: y } }, validation_split: 0.2 }
model:
  - dense: { units: 37, activation: tanh }
  - batch_normalization
  - dropout: { rate: 0.2 }
  - dense: { units: 19, activation: relu }
  - dense: { units: 1 }
loss: mse
metrics: [mae]
optimizer: { adamw: { learning_rate: 0.01, use_ema: true, global_clipnorm: 1 } }
callbacks:
  - model_checkpoint: { monitor: val_mae }
  - reduce_lr_on_plateau: { monitor: loss, patience: 1, min_delta: 0.01 }
  - csv_log
  - tensorboard
train: { epochs: 12, batch_size: 7, accumulate: 2, checkpoint: { steps: 13 } }
`;
const wave = `a,b,y\n${Array.from({ length: 400 }, (_, i) => {
  const [a, b] = [(i * 37) % 100, (i * 61) % 100].map((n) => n / 50 - 1) as [number, number];
  return `${a},${b},${Math.sin(3 * a) + b * b}`;
}).join("\n")}\n`;

/** All that a run leaves which must not depend on how it came to its end. */
function left(run: string) {
  const bytes = (file: string) => readFileSync(join(run, file)).toString("base64");
  const { state, saved } = readCheckpoint(run)!;
  const epochs = lines(readFileSync(join(run, "events.jsonl"), "utf8"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .flatMap(({ event, seconds, ...rest }) =>
      event === "epoch" || event === "notice" ? [rest] : [],
    );
  return {
    model: bytes("model.safetensors"),
    last: bytes("last.safetensors"),
    log: readFileSync(join(run, "log.csv"), "utf8"),
    epochs,
    state: [...state].map(([name, v]) => [name, Buffer.from(v.buffer).toString("base64")]),
    files: readdirSync(run, { recursive: true }).sort(),
    saved: [saved.position.metrics, saved.position.steps, saved.callbacks.slice(0, 2), saved.best],
    tensorboard: saved.logs["events.jsonl"]! > 0 && Object.keys(saved.logs).length,
  };
}

for (const backend of ["native", "webasm"]) {
  test(`${kills} runs killed on ${backend}`, () =>
    inFolder(
      async (cwd) => {
        const begin = ["train", "wave.yaml", "-q", "--backend", backend, "--out"];
        const whole = await nnc([...begin, "whole"], { cwd });
        if (whole.code !== 0 && /backend|compiler/.test(whole.stderr)) {
          process.stdout.write(`skipped: ${whole.stderr.split("\n")[0]}\n`);
          return;
        }
        assert.is(whole.code, 0, whole.stderr);
        const want = left(join(cwd, "whole"));
        // The second has its code compiled, as those that are killed will have.
        const began = performance.now();
        await nnc([...begin, "again"], { cwd });
        const time = performance.now() - began;
        assert.equal(left(join(cwd, "again")), want, "undisturbed runs do not differ");
        const draw = random(kills + backend.length);
        const moments: string[] = [];
        for (let trial = 0; trial < kills; trial++) {
          const out = join(cwd, `killed-${trial}`);
          // What a user types: --resume as soon as there is a run, else the first command again.
          const next = () =>
            existsSync(join(out, "run.json"))
              ? ["train", "wave.yaml", "-q", "--resume", out]
              : [...begin, out, "--force"];
          for (let times = draw.int(1, 3); times > 0; times--) {
            const killed = await nnc(next(), { cwd, killAfter: draw.uniform(0, time) });
            if (killed.code === 0) break;
            assert.not.match(killed.stderr, "error");
            moments.push(existsSync(join(out, "checkpoint")) ? "trained" : "started");
          }
          const { code, stderr } = await nnc(next(), { cwd });
          assert.is(code, 0, stderr);
          assert.equal(left(out), want, `trial ${trial}`);
          rmSync(out, { recursive: true });
        }
        assert.ok(moments.includes("trained"), moments.join());
      },
      { "wave.yaml": spec, "wave.csv": wave },
    ));
}

test.run();
