/** Runs stopped and resumed in one process: at any moment, with limits, callbacks and changed settings. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import type { EndEvent, EpochEvent, RunEvent } from "../../src/train/events.ts";
import { checkSpec } from "../../src/train/resume.ts";
import { runTraining } from "../../src/train/run.ts";
import { RunFolder } from "../../src/train/run-folder.ts";
import { random } from "../support/evaluate.ts";
import { tinyImages } from "../support/sessions.ts";

const parent = mkdtempSync(join(tmpdir(), "nnc-resume-"));
process.on("exit", () => rmSync(parent, { recursive: true, force: true }));

const text = (more = "", train = "{ epochs: 4, batch_size: 8 }") => `
data: mnist
model:
  - flatten
  - dense: { units: 6, activation: relu }
  - dropout: { rate: 0.2 }
  - dense: { units: 5, activation: softmax }
loss: sparse_categorical_crossentropy
metrics: [accuracy]
optimizer: { adam: { learning_rate: 0.02 } }
train: ${train}
${more}
`;
const dataset = { train: tinyImages(60), validation: tinyImages(20, 2), summary: "" };

/** Runs, or goes on with, what is in a folder; stops when as many events have come. */
async function run(name: string, spec: string, most = Number.POSITIVE_INFINITY) {
  const path = join(parent, name);
  const from = readCheckpoint(path);
  const folder = from ? RunFolder.reopen(path) : RunFolder.create("x", path, true);
  const events: RunEvent[] = [];
  try {
    const resolved = resolveSpec(parseSpec(spec, "x.yaml", "."));
    const stopped = () => events.length >= most;
    const request = {
      spec: resolved,
      dataset,
      backend: reference,
      device: "",
      folder,
      from,
      stopped,
    };
    for await (const event of runTraining(request)) events.push(event);
  } finally {
    folder.close();
  }
  return { path, events, end: events.at(-1) as EndEvent };
}

/** What must not depend on how a run came to its end. */
function left(path: string) {
  const { state, saved, bestWeights } = readCheckpoint(path)!;
  const epochs = readFileSync(join(path, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as EpochEvent)
    .filter(({ event }) => event === "epoch")
    .map(({ seconds, epochs, ...rest }) => rest);
  const facts = [saved.position.metrics, saved.position.best];
  const model = readFileSync(join(path, "model.safetensors")).toString("base64");
  return { state, epochs, model, callbacks: saved.callbacks, best: saved.best, bestWeights, facts };
}

const best = "callbacks: [{ early_stopping: { restore_best: true, patience: 9 } }]";
for (const [name, spec] of Object.entries({
  plain: text(),
  best: text(best),
  limited: text("", "{ epochs: 9, batch_size: 7, steps: 23, checkpoint: { steps: 4, epochs: 3 } }"),
})) {
  test(`stopped anywhere, again and again: ${name}`, async () => {
    const want = left((await run(`${name}-whole`, spec)).path);
    const draw = random(name.length);
    for (let trial = 0; trial < 6; trial++) {
      let outcome = await run(`${name}-${trial}`, spec, draw.int(1, 30));
      for (let k = 0; outcome.end.reason === "interrupted"; k++)
        outcome = await run(`${name}-${trial}`, spec, k < 3 ? draw.int(1, 30) : undefined);
      assert.is(outcome.end.reason, "finished");
      assert.equal(left(outcome.path), want, `trial ${trial}`);
    }
  });
}

test("more epochs, or more steps after a limit within an epoch, are as if asked for at once", async () => {
  const short = "{ epochs: 2, batch_size: 8 }";
  const long = "{ epochs: 5, batch_size: 8 }";
  await run("more", text(best, short));
  assert.equal(
    left((await run("more", text(best, long))).path),
    left((await run("at-once", text(best, long))).path),
  );
  const steps = (n: number) => text(best, `{ epochs: 5, batch_size: 8, steps: ${n} }`);
  const cut = await run("steps", steps(11));
  assert.equal([cut.end.epochs, cut.end.steps], [2, 11]);
  const { path } = await run("steps", steps(30));
  assert.equal(left(path), left((await run("steps-at-once", steps(30))).path));
});

test("early_stopping: the best weights are kept, and a finished run stays finished", async () => {
  const spec = text(
    "callbacks: [{ early_stopping: { monitor: accuracy, mode: min, restore_best_weights: true } }]",
  );
  const { end, path } = await run("early", spec);
  assert.is(end.reason, "finished");
  assert.match(end.message!, "early_stopping: accuracy has not improved for 1 epoch");
  assert.ok(end.epochs < 4);
  assert.is(end.best!.metric, "accuracy");
  const before = left(path);
  assert.not.equal(readFileSync(join(path, "last.safetensors")).toString("base64"), before.model);
  const again = await run("early", spec);
  assert.equal([again.end.message, again.end.best], [end.message, end.best]);
  assert.equal(left(path), before);
  // The best epoch alone has the same weights.
  const alone = await run("alone", text("", `{ epochs: ${end.best!.epoch}, batch_size: 8 }`));
  assert.is(left(alone.path).model, before.model);
});

test("a learning rate: kept where a callback has changed it, taken over where the spec has", async () => {
  const plateau =
    "callbacks: [{ reduce_lr_on_plateau: { monitor: loss, patience: 1, min_delta: 9 } }]";
  const rates = ({ events }: { readonly events: readonly RunEvent[] }) =>
    events.flatMap((e) => (e.event === "epoch" ? [Number(e["learning_rate"]).toPrecision(3)] : []));
  const half = text(plateau, "{ epochs: 2, batch_size: 8 }");
  assert.equal(rates(await run("rate", half)), ["0.0200", "0.0200"]);
  const more = text(plateau, "{ epochs: 4, batch_size: 8 }");
  assert.equal(rates(await run("rate", more)), ["0.00200", "0.000200"]);
  const other = more.replace("epochs: 4", "epochs: 5").replace("0.02", "0.5");
  assert.equal(rates(await run("rate", other)), ["0.500"]);
});

test("what may have changed", async () => {
  const { path } = await run("changes", text(), 4);
  const checkpoint = readCheckpoint(path)!;
  assert.ok(checkpoint.saved.position.step > 0);
  const fine = { sameData: true, misfits: [], settable: () => true };
  const told = async (spec: string, ...allowed: readonly (readonly string[])[]) => {
    try {
      const resolved = resolveSpec(parseSpec(spec, "x.yaml", "."));
      await checkSpec(checkpoint, resolved, allowed, async () => fine);
      return [];
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return error.problems.map(
        ({ path, expected, received }) => `${path.join(".")} ${expected} ${received}`,
      );
    }
  };
  const epochs = text().replace("epochs: 4", "epochs: 7");
  assert.match((await told(epochs)).join(), /^train\.epochs 4, as in .*safetensors 7$/);
  assert.equal(await told(epochs, ["train", "epochs"]), []);
  assert.equal(await told(epochs, ["train"]), []);
  assert.is((await told(`${epochs}\nseed: 3`)).length, 2, "all at once");
  assert.match((await told(`${text()}\nseed: 3`, ["seed"])).join(), "until the epoch is over");
  const sgd = text().replace("adam", "sgd");
  assert.is((await told(sgd, ["optimizer"])).length, 0);
  assert.ok((await told(sgd, ["train"])).length > 0);
  assert.match(
    (await told(text().replace("units: 6", "units: 7"))).join(),
    "model.1.dense.units 6",
  );
});

test("other data, or a state of another shape, is refused before anything is written", async () => {
  const { path } = await run("refused", text(), 6);
  const before = readFileSync(join(path, "events.jsonl"), "utf8");
  const refused = async (spec: string, words: RegExp, data = dataset) => {
    const folder = RunFolder.reopen(path);
    const resolved = resolveSpec(parseSpec(spec, "x.yaml", "."));
    const from = readCheckpoint(path)!;
    const parts = { backend: reference, device: "", folder, from, stopped: () => false };
    const running = runTraining({ spec: resolved, dataset: data, ...parts });
    await running.next().then(
      () => assert.unreachable("it must not start"),
      (error: Error) => assert.match(error.message, words),
    );
    folder.close();
  };
  await refused(text(), /the data is not what it was/, { ...dataset, train: tinyImages(60, 5) });
  await refused(
    text().replace("units: 6", "units: 7"),
    /dense\/kernel has 384 values, and needs 448/,
  );
  assert.is(readFileSync(join(path, "events.jsonl"), "utf8"), before);
});

test("terminate_on_nan: the run fails, and the checkpoint before is kept", async () => {
  // A rate that breaks the weights in the very last step of an epoch shows first on validation data.
  const spec = text("callbacks: [terminate_on_nan]", "{ epochs: 3, batch_size: 60 }").replace(
    "adam: { learning_rate: 0.02 }",
    "sgd: { learning_rate: 1.0e+300 }",
  );
  const { end, path } = await run("nan", spec);
  assert.is(end.reason, "diverged");
  assert.match(end.message!, /^terminate_on_nan: .*val_loss/);
  assert.is(end.model, undefined);
  assert.is(readCheckpoint(path), undefined);
});

test.run();
