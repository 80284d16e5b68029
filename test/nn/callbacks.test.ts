/** What callbacks ask for after given epochs: Keras's decisions, and the files that others read. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Action, Callback, EpochReport, Memory } from "../../src/nn/callbacks/callback.ts";
import { crc32c } from "../../src/nn/callbacks/event-file.ts";
import { callbackOption, callbacks } from "../../src/nn/callbacks/index.ts";
import { fixture, type Options } from "../support/keras.ts";

interface Done {
  readonly epoch: number;
  readonly action: Action;
  /** The learning rate after the epoch. */
  readonly rate: number;
}

/** What a callback asks for when a metric takes these values, one an epoch, until it stops the run. */
function follow(
  definition: Callback,
  options: Options,
  epochs: readonly Readonly<Record<string, number>>[],
  { rate = 0.1, better = "lower" }: { rate?: number; better?: EpochReport["better"] } = {},
) {
  const done: Done[] = [];
  const rates: number[] = [];
  let memory: Memory = definition.begin;
  let learningRate = Math.fround(rate);
  for (const [i, metrics] of epochs.entries()) {
    const value = metrics[String(options["monitor"])] ?? Number.NaN;
    const report = { epoch: i + 1, metrics, value, better, learningRate, time: 1e9 + i };
    const reaction = definition.epochEnd!(report, memory, options as never);
    // What goes into a checkpoint comes back the same.
    memory = JSON.parse(JSON.stringify(reaction.memory)) as Memory;
    for (const action of reaction.actions) {
      if (action.action === "set learning rate") learningRate = Math.fround(action.value);
      done.push({ epoch: i + 1, action, rate: learningRate });
    }
    rates.push(learningRate);
    if (reaction.actions.some((a) => a.action === "stop")) break;
  }
  return { done, rates };
}

const named = (spec: unknown) => {
  const { definition, options } = callbackOption().parse(spec);
  return { definition, options };
};
const epochsOf = (done: readonly Done[], action: Action["action"]) =>
  done.filter((d) => d.action.action === action).map((d) => d.epoch);

interface Decided {
  readonly callback: string;
  readonly options: Options & { readonly mode: "min" | "max" };
  readonly values: readonly number[];
  readonly stopped: number | null;
  readonly restored: number | null;
  readonly rates: readonly number[];
}
for (const [i, fact] of fixture<Decided[]>("callbacks").entries()) {
  test(`Keras's decisions, ${i}: ${fact.callback} ${JSON.stringify(fact.options)}`, () => {
    const { definition, options } = named({
      [fact.callback]: { monitor: "loss", ...fact.options },
    });
    const better = fact.options.mode === "min" ? "lower" : "higher";
    const epochs = fact.values.map((loss) => ({ loss }));
    const { done, rates } = follow(definition, options, epochs, { better });
    assert.equal(epochsOf(done, "stop")[0] ?? null, fact.stopped);
    const keeps = definition.keepsBest?.(options as never) ?? false;
    assert.equal(keeps ? epochsOf(done, "keep weights").at(-1) : null, fact.restored);
    assert.equal(
      rates.map((r) => r.toPrecision(6)),
      fact.rates.map((r) => r.toPrecision(6)),
    );
  });
}

test("model_checkpoint: the best weights, and a file for each epoch or each best one", () => {
  const epochs = [0.5, 0.4, 0.45, Number.NaN, 0.1].map((val_loss) => ({ val_loss, acc: 0.5 }));
  const filepath = "w/{epoch:03d}-{val_loss:.2f}-{acc}-{other}.safetensors";
  const all = named({ model_checkpoint: { filepath } });
  const { done } = follow(all.definition, all.options, epochs);
  assert.equal(epochsOf(done, "keep weights"), [1, 2, 5]);
  assert.equal(epochsOf(done, "save weights"), [1, 2, 3, 4, 5]);
  const files = done.flatMap(({ action }) => (action.action === "save weights" ? action.file : []));
  assert.is(files[0], "w/001-0.50-0.5-{other}.safetensors");
  const best = named({
    model_checkpoint: { filepath, save_best_only: true, initial_value_threshold: 0.45 },
  });
  const few = follow(best.definition, best.options, epochs).done;
  assert.equal(epochsOf(few, "save weights"), [2, 5]);
  assert.equal(epochsOf(few, "keep weights"), [2, 5]);
});

test("terminate_on_nan looks at every metric; time_limit adds up its units", () => {
  const { definition, options } = named("terminate_on_nan");
  const epochs = [
    { loss: 1, val_loss: 2 },
    { loss: 1, val_loss: Number.NaN },
  ];
  const { done } = follow(definition, options, epochs);
  assert.equal(epochsOf(done, "fail"), [2]);
  assert.match((done[0]!.action as { why: string }).why, "val_loss is no finite number in epoch 2");
  const limit = named({ time_limit: { minutes: 1, seconds: 30 } });
  const ending = (seconds: number) => limit.definition.ending!(seconds, limit.options as never);
  assert.is(ending(89.9), undefined);
  assert.match(ending(90)!, "90 seconds of training are over");
  const short = named({ time_limit: { seconds: 1 } });
  assert.match(
    short.definition.ending!(1, short.options as never)!,
    "1 second of training is over",
  );
});

/** What a callback has appended to its files. */
function filesOf(done: readonly Done[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { action } of done) {
    if (action.action !== "append") continue;
    const before = files.get(action.file) ?? Buffer.alloc(0);
    files.set(action.file, Buffer.concat([before, Buffer.from(action.content as string)]));
  }
  return files;
}

test("csv_log: names once, then a line an epoch with all digits", () => {
  const { definition, options } = named({ csv_log: { separator: ";" } });
  const { done } = follow(definition, options, [
    { loss: 1 / 3, acc: 0.5 },
    { loss: 0.25, acc: 1 },
  ]);
  const text = filesOf(done).get("log.csv")!.toString();
  assert.is(text, "epoch;acc;loss\n0;0.5;0.3333333333333333\n1;1;0.25\n");
});

test("CRC-32C of the check value and of RFC 3720's vectors", () => {
  assert.is(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
});

test("tensorboard: the bytes that TensorFlow wrote for the same events", () => {
  const { definition, options } = named("tensorboard");
  const facts = fixture<{ file: string; base64: string }[]>("event-files");
  const epochs = [1.5, 0.25].map((loss) => ({ loss, val_loss: 2 * loss, accuracy: 1 - loss / 3 }));
  const files = filesOf(follow(definition, options, epochs).done);
  assert.equal(
    [...files].map(([file, content]) => [file, content.toString("base64")]),
    facts.map(({ file, base64 }) => [file, base64]),
  );
});

test("every callback says what it does, and has a name of its own", () => {
  const names = callbacks.flatMap((c) => [c.name, ...(c.aliases ?? [])]);
  assert.is(new Set(names).size, names.length);
  for (const c of callbacks) assert.ok(c.doc.length > 10 && (c.epochEnd || c.ending), c.name);
});

test.run();
