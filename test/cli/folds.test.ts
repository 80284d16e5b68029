/** k-fold, and validating on another source: held against a loop made by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../support/evaluate.ts";
import { fast, inFolder, lines, nnc } from "./helpers.ts";

type Event = Readonly<Record<string, unknown>>;
const events = (text: string) => lines(text).map((line) => JSON.parse(line) as Event);

const draw = random(4);
const rows = Array.from({ length: 23 }, () => {
  const [a, b] = [draw.int(-99, 99) / 32, draw.int(-99, 99) / 32];
  return `${a},${b},${["ash", "beech", "oak"][draw.int(0, 2)]},${a + b > 0 ? "yes" : "no"}`;
});
const table = (list: readonly string[]) => `a,b,tree,grows\n${list.join("\n")}\n`;

const spec = (data: string) => `name: trees
data: { ${data}, standardize: true }
model: [dense: { units: 4, activation: relu }, dense: { units: 2, activation: softmax }]
loss: sparse_categorical_crossentropy
metrics: [accuracy]
train: { epochs: 2, batch_size: 4 }
`;
const source = (path: string) => `{ csv: { path: ${path}, target: grows } }`;

/** Metrics of the last epoch, without times. */
const last = (text: string) => {
  const { seconds, ...metrics } = events(text).findLast(({ event }) => event === "epoch")!;
  return metrics;
};

test("k-fold gives what a loop made by hand gives", () =>
  inFolder(async (cwd) => {
    const folds = 4;
    writeFileSync(join(cwd, "all.csv"), table(rows));
    writeFileSync(join(cwd, "k.yaml"), spec(`source: ${source("all.csv")}, folds: ${folds}`));
    const all = await nnc(["train", "k.yaml", ...fast, "--json", "--out", "k"], { cwd });
    assert.is(all.code, 0, all.stderr);
    const together = events(all.stdout).at(-1)!;
    assert.is(together["event"], "folds");
    const losses: number[] = [];
    let from = 0;
    for (let fold = 1; fold <= folds; fold++) {
      const to = from + (fold <= rows.length % folds ? 6 : 5);
      writeFileSync(join(cwd, "train.csv"), table([...rows.slice(0, from), ...rows.slice(to)]));
      writeFileSync(join(cwd, "rest.csv"), table(rows.slice(from, to)));
      from = to;
      const data = `source: ${source("train.csv")}, validation: ${source("rest.csv")}`;
      writeFileSync(join(cwd, "hand.yaml"), spec(data));
      const out = `hand-${fold}`;
      const own = await nnc(["train", "hand.yaml", ...fast, "--json", "--out", out], { cwd });
      assert.is(own.code, 0, own.stderr);
      const want = last(own.stdout);
      assert.equal(last(readFileSync(join(cwd, `k/fold-${fold}/events.jsonl`), "utf8")), want);
      const weights = (run: string) => readFileSync(join(cwd, run, "model.safetensors"));
      assert.equal(weights(`k/fold-${fold}`), weights(out));
      losses.push(want["val_loss"] as number);
    }
    const mean = losses.reduce((a, b) => a + b, 0) / folds;
    const std = Math.sqrt(losses.reduce((a, b) => a + (b - mean) ** 2, 0) / folds);
    const got = together["val_loss"] as { readonly mean: number; readonly std: number };
    assert.ok(Math.abs(got.mean - mean) < 1e-12 && Math.abs(got.std - std) < 1e-12);
    assert.equal(
      (together["folds"] as readonly Event[]).map((f) => f["val_loss"]),
      losses,
    );
  }));

test("k-fold: a table; one fold by itself; what cannot be", () =>
  inFolder(async (cwd) => {
    writeFileSync(join(cwd, "all.csv"), table(rows));
    writeFileSync(
      join(cwd, "k.yaml"),
      spec(`source: ${source("all.csv")}, folds: 3, stratify: true`),
    );
    const { code, stdout, stderr } = await nnc(["train", "k.yaml", ...fast], { cwd });
    assert.is(code, 0, stderr);
    const shown = lines(stdout).slice(-6);
    assert.match(shown[0]!, /^fold +loss +accuracy +val_loss +val_accuracy/);
    assert.equal(
      shown.slice(1).map((line) => line.split(/ {2,}/)[0]),
      ["1", "2", "3", "mean", "± std"],
    );
    assert.match(stderr, "fold 2 of 3");
    const one = await nnc(["train", "k.yaml", ...fast, "--set", "data.fold=2"], { cwd });
    assert.is(one.code, 0, one.stderr);
    const epoch = (text: string) => lines(text).filter((line) => line.startsWith("Epoch"));
    const times = / - \S+s - \S+\/step/;
    const plain = (list: readonly string[]) => list.map((line) => line.replace(times, ""));
    assert.equal(plain(epoch(one.stdout)), plain(epoch(stdout).slice(2, 4)));
    for (const [set, message] of [
      ["data.fold=4", "there is no such fold"],
      ["data.folds=24", "24 folds of 23 examples"],
      ["data.validation_split=0.2", "folds says already which examples validate"],
      ["data.validation=mnist", "there are two sets of examples to validate with"],
    ]) {
      const wrong = await nnc(["train", "k.yaml", ...fast, "--set", set!], { cwd });
      assert.is(wrong.code, 2, wrong.stderr);
      assert.match(wrong.stderr, message!);
    }
  }));

test("validation data is encoded as what trains, wherever it comes from", () =>
  inFolder(async (cwd) => {
    writeFileSync(join(cwd, "all.csv"), table(rows));
    const train = `source: ${source("all.csv")}`;
    const trained = async (data: string, name: string) => {
      writeFileSync(join(cwd, `${name}.yaml`), spec(data));
      const ran = await nnc(["train", `${name}.yaml`, ...fast, "--json", "--out", name], { cwd });
      assert.is(ran.code, 0, ran.stderr);
      return last(ran.stdout);
    };
    // Only some of the categories, and the classes the other way round.
    const own = ["1,2,oak,yes", "-2,0.5,ash,no", "1,-1.5,oak,no"];
    writeFileSync(join(cwd, "own.csv"), table(own));
    const json = own.map((row) => {
      const [a, b, tree, grows] = row.split(",");
      return JSON.stringify({ grows, tree, b: Number(b), a: Number(a) });
    });
    writeFileSync(join(cwd, "own.jsonl"), json.join("\n"));
    const want = await trained(
      `source: { csv: { path: all.csv, target: grows, test: own.csv } }`,
      "t",
    );
    assert.equal(await trained(`${train}, validation: ${source("own.csv")}`, "v"), want);
    const records = "{ json: { path: own.jsonl, target: grows } }";
    assert.equal(await trained(`${train}, validation: ${records}`, "j"), want);
    const streamed = { ...want };
    const shuffled = `${train}, validation: ${source("own.csv")}, stream: true, window: 60`;
    const got = await trained(shuffled, "s");
    assert.equal(Object.keys(got), Object.keys(streamed));
    const evaluated = await nnc(["evaluate", "v", "--json"], { cwd });
    const { val_loss } = want as { readonly val_loss: number };
    const { loss } = events(evaluated.stdout)[0] as { readonly loss?: number };
    assert.ok(Math.abs(loss! - val_loss) < 1e-6, evaluated.stdout + evaluated.stderr);

    writeFileSync(join(cwd, "odd.csv"), table(["1,2,elm,yes"]));
    writeFileSync(join(cwd, "x.yaml"), spec(`${train}, validation: ${source("odd.csv")}`));
    const odd = await nnc(["train", "x.yaml", ...fast], { cwd });
    assert.is(odd.code, 2);
    assert.match(odd.stderr, 'odd.csv has a category in "tree" that training never saw');
    assert.match(odd.stderr, /--> x\.yaml:2:\d+/);
  }));

test.run();
