/** `nnc predict` and `nnc evaluate`: a finished run used, with nothing but what its folder holds. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { archive } from "../data/encode-npy.ts";
import { encodePng } from "../data/encode-png.ts";
import { inFolder, lines, nnc } from "./helpers.ts";

/** Two kinds of flowers, told apart by length; the colour says nothing. */
const flowers = Array.from({ length: 40 }, (_, i) => {
  const small = i % 2 === 0;
  return `${(small ? 1 : 5) + (i % 5) / 10},${i % 3 === 0 ? "red" : "blue"},${small ? "daisy" : "rose"}`;
});
const files = {
  "flowers.csv": `length,colour,kind\n${flowers.join("\n")}\n`,
  "flowers.yaml": `data: { source: { csv: { path: flowers.csv, target: kind } }, validation_split: 0.25 }
model:
  - dense: { units: 2, activation: softmax }
loss: sparse_categorical_crossentropy
optimizer: { adam: { learning_rate: 0.3 } }
metrics: [accuracy]
train: { epochs: 5, batch_size: 10 }
`,
  "roses.csv": "colour,length,kind\nred,5.2,rose\nblue,5.5,rose\nred,5.1,rose\n",
};
const train = (cwd: string, spec = "flowers.yaml") =>
  nnc(["train", spec, "--backend", "js", "-q"], { cwd });

test("predict: a table, JSON lines or CSV, from files and standard input", () =>
  inFolder(async (cwd) => {
    await train(cwd);
    // Nothing but the run's folder is needed.
    rmSync(join(cwd, "flowers.csv"));
    const table = await nnc(["predict", "flowers", "roses.csv"], { cwd });
    assert.is(table.code, 0, table.stderr);
    assert.is(lines(table.stdout).length, 4);
    assert.match(
      table.stdout,
      /^input +class +probability +then\nroses\.csv:2 +rose +\d+\.\d % +daisy /,
    );
    const json = await nnc(["predict", "runs/flowers/1", "roses.csv", "--json", "--top-k", "2"], {
      cwd,
    });
    const [first] = lines(json.stdout).map((line) => JSON.parse(line));
    assert.equal(Object.keys(first), ["input", "class", "probability", "top", "probabilities"]);
    assert.equal([first.input, first.class, first.top[1].class], ["roses.csv:2", "rose", "daisy"]);
    assert.is(first.probabilities.rose, first.probability);
    writeFileSync(join(cwd, "one.json"), '{"length": 1.2, "colour": "blue"}');
    const csv = await nnc(["predict", "flowers", "one.json", "roses.csv", "--csv"], { cwd });
    const [head, one] = lines(csv.stdout);
    assert.is(head, "input,class,probability,probability_daisy,probability_rose");
    assert.match(one!, /^one\.json,daisy,0\.\d+,0\.\d+,0\.\d+$/);
    const piped = await nnc(["predict", "flowers", "-", "--json"], {
      cwd,
      input: "length,colour\n5.5,red\n",
    });
    assert.is(JSON.parse(piped.stdout).class, "rose", piped.stderr);
    const shown = await nnc(["predict", "flowers", "-", "--json"], { cwd, input: '{"length":1}' });
    assert.is(shown.code, 2);
    assert.match(shown.stderr, 'error: stdin has no value for "colour"\n  expected: ');
    assert.not.match(shown.stderr, "spec.yaml");
  }, files));

test("evaluate: what the last epoch said; other data is encoded as the run's was", () =>
  inFolder(async (cwd) => {
    await train(cwd);
    const events = lines(readFileSync(join(cwd, "runs/flowers/1/events.jsonl"), "utf8"));
    const epoch = events.map((e) => JSON.parse(e)).findLast((e) => e.event === "epoch");
    const args = ["--backend", "js", "--json"];
    const { stdout, stderr } = await nnc(["evaluate", "flowers", ...args], { cwd });
    const found = JSON.parse(stdout || `"${stderr}"`);
    assert.equal(
      [found.run, found.samples, found.accuracy],
      ["runs/flowers/1", 10, epoch.val_accuracy],
    );
    assert.ok(Math.abs(found.loss - epoch.val_loss) < 1e-6);
    // All of one class: by itself it would be number 0.
    rmSync(join(cwd, "flowers.csv"));
    const roses = await nnc(["evaluate", "flowers", "--data", "roses.csv", ...args], { cwd });
    const other = JSON.parse(roses.stdout || `"${roses.stderr}"`);
    assert.equal([other.samples, other.accuracy, other.data], [3, 1, "all examples"]);
    const yaml = "csv: { path: roses.csv, target: kind }";
    const named = await nnc(["evaluate", "flowers", "--data", yaml, ...args], { cwd });
    assert.is(JSON.parse(named.stdout || `"${named.stderr}"`).loss, other.loss);
    const gone = await nnc(["evaluate", "flowers"], { cwd });
    assert.is(gone.code, 2);
    assert.match(gone.stderr, "flowers.csv does not exist");
  }, files));

/** Pictures that are light above or below. */
const half = (top: boolean, size: number) =>
  Array.from({ length: size * size }, (_, i) =>
    i < (size * size) / 2 === top ? 200 + (i % 50) : i % 50,
  );
const picture = (top: boolean, size: number) =>
  encodePng({
    ...{ width: size, height: size, colourType: 0, depth: 8, interlaced: false },
    ...{ samples: half(top, size), filter: () => 1 },
  });
const pictures = {
  "halves.npz": archive({
    x: {
      descr: "|u1",
      shape: [20, 4, 4],
      values: Array.from({ length: 20 }, (_, i) => half(i % 2 === 0, 4)).flat(),
    },
    y: { descr: "|u1", shape: [20], values: Array.from({ length: 20 }, (_, i) => i % 2) },
  }),
  "halves.yaml": `data: { npz: { path: halves.npz, scale: 0.00392156862745098 } }
model:
  - flatten
  - dense: { units: 2 }
loss: { sparse_categorical_crossentropy: { from_logits: true } }
optimizer: { adam: { learning_rate: 0.05 } }
train: { epochs: 10, batch_size: 5 }
`,
  "top.png": picture(true, 4),
  "large.png": picture(false, 12),
  "text.png": "no picture",
};

test("predict: what a table was standardised by when it trained, whatever form examples have", () =>
  inFolder(
    async (cwd) => {
      await train(cwd, "standard.yaml");
      const answers = async (file: string) => {
        const { stdout, stderr } = await nnc(["predict", "standard", file, "--json"], { cwd });
        assert.is.not(stdout, "", stderr);
        return lines(stdout).map((line) => JSON.parse(line).probabilities);
      };
      const table = await answers("roses.csv");
      assert.equal(await answers("roses.jsonl"), table);
      for (const { rose } of table) assert.ok(rose > 0.9, `a rose is one by ${rose}`);
    },
    {
      ...files,
      "standard.yaml": files["flowers.yaml"].replace(
        "validation_split",
        "standardize: true, validation_split",
      ),
      "roses.jsonl":
        '{"length":5.2,"colour":"red"}\n{"length":5.5,"colour":"blue"}\n{"length":5.1,"colour":"red"}\n',
    },
  ));

test("predict: pictures of any size, as they are or inverted; weights with a spec", () =>
  inFolder(async (cwd) => {
    await train(cwd, "halves.yaml");
    const predict = async (...args: string[]) => {
      const { stdout, stderr, code } = await nnc(["predict", ...args, "--json"], { cwd });
      assert.is(code, 0, stderr);
      return { classes: lines(stdout).map((line) => JSON.parse(line).class), stderr };
    };
    const two = await predict("halves", "top.png", "large.png");
    assert.equal(two.classes, ["0", "1"]);
    assert.is(two.stderr, "note: large.png: 12×12 grey, made 4×4\n");
    assert.equal((await predict("halves", "top.png", "--invert", "-q")).classes, ["1"]);
    renameSync(join(cwd, "runs/halves/1/model.safetensors"), join(cwd, "w.safetensors"));
    const alone = await predict(
      "w.safetensors",
      "--spec",
      "halves.yaml",
      "top.png",
      "--backend",
      "js",
    );
    assert.equal(alone.classes, ["0"]);
    const text = await nnc(["predict", "w.safetensors", "--spec", "halves.yaml", "text.png"], {
      cwd,
    });
    assert.is(text.code, 2);
    assert.match(text.stderr, "text.png is no PNG or JPEG picture");
    const none = await nnc(["predict", "halves", "top.png"], { cwd });
    assert.is(none.code, 2);
    assert.match(
      none.stderr,
      "there are no weights: runs/halves/1/model.safetensors does not exist",
    );
    const bare = await nnc(["predict", "w.safetensors", "top.png"], { cwd });
    assert.match(bare.stderr, "--spec");
    const all = await nnc(["predict", "halves", "--weights", "w.safetensors"], { cwd });
    assert.is(all.code, 2);
    assert.match(all.stderr, "has no validation data to predict from");
  }, pictures));

const sorts = {
  "reviews.jsonl": Array.from({ length: 24 }, (_, i) =>
    JSON.stringify({ review: i % 2 ? "a good film" : "so bad", kind: i % 2 ? "up" : "down" }),
  ).join("\n"),
  "texts.yaml": `data: { text: { path: reviews.jsonl, text: review, target: kind } }
model:
  - embedding: { input_dim: 7, output_dim: 2 }
  - global_average_pooling1d
  - dense: { units: 1, activation: sigmoid }
loss: binary_crossentropy
optimizer: { adam: { learning_rate: 0.1 } }
train: { epochs: 20, batch_size: 8 }
`,
  "other.jsonl": '{"review":"a good film","kind":"up"}\n{"review":"film a good","kind":"up"}\n',
};

test("texts: by the run's vocabulary, which no other data changes", () =>
  inFolder(async (cwd) => {
    const trained = await train(cwd, "texts.yaml");
    assert.is(trained.code, 0, trained.stderr);
    const input = "so bad\na good film\n";
    const { stdout, stderr } = await nnc(["predict", "texts", "-", "--csv"], { cwd, input });
    assert.match(
      stdout,
      /^input,class,probability,probability_down,probability_up\nstdin:1,down,.*\nstdin:2,up,/,
      stderr,
    );
    const args = ["--data", "other.jsonl", "--json", "--backend", "js"];
    const found = await nnc(["evaluate", "texts", ...args], { cwd });
    const { loss, samples } = JSON.parse(found.stdout || `"${found.stderr}"`);
    assert.is(samples, 2);
    assert.ok(loss < 0.5, `a class or a word has another number: ${loss}`);
  }, sorts));

test("a damaged run: the file and what is wrong with it, exit code 2", () =>
  inFolder(async (cwd) => {
    await train(cwd);
    const run = join(cwd, "runs/flowers/1");
    const damage = async (file: string, content: string | Uint8Array, says: RegExp) => {
      const path = join(run, file);
      const whole = readFileSync(path);
      writeFileSync(path, content);
      const { code, stdout, stderr } = await nnc(["predict", "flowers", "roses.csv"], { cwd });
      writeFileSync(path, whole);
      assert.equal([code, stdout], [2, ""], stderr);
      assert.match(stderr, says);
      assert.not.match(stderr, /\n {4}at /);
    };
    const weights = readFileSync(join(run, "model.safetensors"));
    await damage("model.safetensors", weights.subarray(0, 50), /model\.safetensors: cut short/);
    await damage("data.json", "{", /data\.json is damaged: it is no JSON/);
    await damage("data.json", '{"format": 2}', /data\.json is damaged: format/);
    await damage("spec.yaml", "name: [", /spec\.yaml:1/);
    const spec = readFileSync(join(run, "spec.yaml"), "utf8");
    await damage(
      "spec.yaml",
      spec.replace("units: 2", "units: 3"),
      /dense\/kernel is \[3, 2\] in the file/,
    );
    const missing = await nnc(["predict", "flwers", "roses.csv"], { cwd });
    assert.is(missing.code, 2);
    assert.match(missing.stderr, "there is no run flwers");
    assert.match(missing.stderr, "did you mean runs/flowers?");
  }, files));

test.run();
