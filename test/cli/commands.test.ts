/** Every command but `train`, and what wrong command lines lead to. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inFolder, lines, nnc, repository, tinySpec } from "./helpers.ts";

test("help and version", async () => {
  const help = await nnc(["--help"], { cwd: repository });
  assert.is(help.code, 0);
  for (const command of "train evaluate predict runs test lock verify summary validate inspect bench backends schema init".split(
    " ",
  ))
    assert.match(help.stdout, new RegExp(`^ {2}${command} `, "m"));
  const version = await nnc(["--version"], { cwd: repository });
  const { version: own } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  assert.equal(version, { code: 0, stdout: `${own}\n`, stderr: "" });
});

/** Command line · what stderr says. */
const wrong: readonly (readonly [args: string, ...says: string[]])[] = [
  ["", "Usage: nnc"],
  ["trian tiny.yaml", "unknown command 'trian'", "did you mean train?"],
  ["train", "missing required argument 'spec'"],
  ["train tiny.yaml --sed 1", "unknown option '--sed'", "did you mean one of --seed, --set?"],
  ["train tiny.yaml --epochs 1", "unknown option '--epochs'", "--set train.epochs=1"],
  ["train tiny.yaml extra", "too many arguments"],
  ["train tiny.yaml --threads 0", "'--threads <n>' argument '0'", "whole number from 1"],
  ["train tiny.yaml --seed x", "'--seed <n>' argument 'x'", "whole number from 0"],
  ["train tiny.yaml --seed 4294967296", "whole number from 0 to 4294967295"],
  ["train tiny.yaml --backend jss", 'there is no backend "jss"', "did you mean `js`?"],
  ["train tyni.yaml", "there is no file tyni.yaml", "did you mean tiny.yaml?"],
  ["train mlpp", "there is no file mlpp", "did you mean mlp.yaml?"],
  ["train no/such.yaml", "there is no file no/such.yaml"],
  ["train .", ". is a folder, not a spec", "did you mean tiny.yaml?|specs in"],
  [
    "train tiny.yaml --set train.epoch=1",
    "unknown option",
    "command line",
    "did you mean `epochs`",
  ],
  ["train tiny.yaml --set train.epochs=0", "--> command line", "more than 0"],
  ["train tiny.yaml --set epochs", "--set epochs has no value"],
  ["train tiny.yaml --weights tiny.csv", "tiny.csv: cut short, or no safetensors file"],
  ["inspect tiny.yaml", "required option '--stage <stage>'"],
  ["inspect tiny.yaml --stage kernel", "argument 'kernel' is invalid", "kernels"],
  ["inspect tiny.yaml --stage kernels --format dot", "stage kernels has no --format dot"],
  ["bench", "missing required argument 'spec'"],
  ["bench tiny.yaml --steps 0", "'--steps <n>' argument '0'", "steps is a whole number from 1"],
  ["bench tiny.yaml --repeats x", "'--repeats <n>' argument 'x'", "whole number from 1"],
  ["bench tiny.yaml --backend jss", 'there is no backend "jss"'],
  ["bench tyni.yaml", "did you mean tiny.yaml?"],
  ["bench tiny.yaml --set train.epochs=0", "--> command line", "more than 0"],
  ["predict", "missing required argument 'run'"],
  ["predict none x.png", "there is no run none", "nnc train"],
  ["predict . x.png", ". is no run: it has no spec.yaml"],
  ["predict none --json --csv", "--json and --csv cannot both be"],
  ["predict none x.png --top-k 0", "classes is a whole number from 1"],
  ["evaluate none", "there is no run none"],
  ["runs none", "there is no folder none"],
  ["runs diff none other", "there is no run none"],
  ["test", "missing required argument 'spec'"],
  ["lock tyni.yaml", "did you mean tiny.yaml?"],
  ["verify tiny.yaml", "there is no lock tiny.lock.json", "nnc lock tiny.yaml"],
  ["init tiny", "tiny.yaml exists already"],
  ["init a*b", "cannot be the name of a spec"],
  ["init no/such", "there is no folder for no/such.yaml"],
];
for (const [args, ...says] of wrong) {
  test(`exit code 2: nnc ${args}`, () =>
    inFolder(async (cwd) => {
      const { code, stdout, stderr } = await nnc(lines(args.replaceAll(" ", "\n")), { cwd });
      assert.is(code, 2);
      assert.is(stdout, "");
      for (const words of says) {
        const found = words.split("|").some((w) => stderr.includes(w));
        assert.ok(found, `"${words}" in:\n${stderr}`);
      }
      assert.not.match(stderr, /\n {4}at /, "a stack trace");
    }));
}

test("a bundled spec goes by its name, with or without ending, unless a file here bears it", () =>
  inFolder(async (cwd) => {
    const layers = async (name: string) => {
      const { stdout, stderr } = await nnc(["summary", name, "--json"], { cwd });
      return stdout === "" ? stderr : JSON.parse(stdout).layers.length;
    };
    mkdirSync(join(cwd, "linear"));
    assert.is(await layers("linear"), 1);
    assert.is(await layers("linear.yaml"), 1);
    writeFileSync(join(cwd, "linear.yaml"), `${tinySpec}`.replace("dense", "flatten\n  - dense"));
    assert.is(await layers("linear.yaml"), 2);
  }));

test("summary: Keras's table", () =>
  inFolder(async (cwd) => {
    const { code, stdout } = await nnc(["summary", "mlp"], { cwd });
    assert.is(code, 0);
    const fixture = readFileSync(join(repository, "test/fixtures/keras/summary.txt"), "utf8");
    const [, keras] = /^=== Sequential, compiled\n([^=]*?)\n\n/m.exec(fixture)!;
    assert.is(stdout.trimEnd(), keras!.replace("mnist_mlp", "mnist-mlp").trimEnd());
  }));

test("validate: ok, or every problem of every spec", () =>
  inFolder(
    async (cwd) => {
      const good = await nnc(["validate", "tiny.yaml", "linear"], { cwd });
      assert.equal(good, { code: 0, stdout: "ok  tiny.yaml\nok  linear\n", stderr: "" });
      const args = ["validate", "typo.yaml", "tiny.yaml", "shape.yaml", "none.yaml"];
      const bad = await nnc(args, { cwd });
      assert.is(bad.code, 2);
      assert.is(bad.stdout, "ok  tiny.yaml\n");
      assert.match(bad.stderr, "typo.yaml:4:14");
      assert.match(bad.stderr, "shape.yaml:4:");
      assert.match(bad.stderr, "there is no file none.yaml");
      const { stdout } = await nnc([...args, "--json"], { cwd });
      const found = lines(stdout).map((line) => JSON.parse(line));
      assert.equal(
        found.map((f) => [f.file, f.ok]),
        [
          ["typo.yaml", false],
          ["tiny.yaml", true],
          ["shape.yaml", false],
          ["none.yaml", false],
        ],
      );
      assert.is(found[0].problems[0].line, 4);
      assert.is(found[0].problems[0].column, 14);
    },
    {
      "typo.yaml": tinySpec.replace("units", "unit"),
      "shape.yaml": tinySpec.replace("dense: { units: 1 }", "reshape: { target_shape: [7] }"),
    },
  ));

test("frames have colour only where it is wanted", () =>
  inFolder(async (cwd) => {
    const args = ["validate", "tiny.yaml", "--set", "lss=1"];
    const plain = await nnc(args, { cwd });
    const forced = await nnc(args, { cwd, env: { FORCE_COLOR: "1" } });
    const refused = await nnc(args, { cwd, env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    assert.not.match(plain.stderr, "\x1b[");
    assert.match(forced.stderr, "\x1b[1;31merror:");
    assert.is(refused.stderr, plain.stderr);
  }));

test("inspect: every stage, the same twice, the resolved spec readable again", () =>
  inFolder(async (cwd) => {
    const inspect = async (...args: string[]) => {
      const all = ["inspect", "tiny.yaml", "--backend", "js", ...args];
      const { code, stdout, stderr } = await nnc(all, { cwd });
      assert.is(code, 0, stderr);
      return stdout;
    };
    const says = {
      spec: "learning_rate: 0.01",
      graph:
        /^dense\n {2}%\d+ = contract\(%\d+, %\d+\) f32\[3, 1\] {2}C\[a, o\] = Σ A\[a, i\]·B\[i, o\]$/m,
      train: /^ {2}dense\/kernel ← %\d+$/m,
      kernels: /^ {2}f32\[1, 1\] dense\/kernel\.next\[i, j\] = dense\/kernel\[0, 0\] - /m,
      source: "function",
    };
    for (const [stage, words] of Object.entries(says)) {
      const text = await inspect("--stage", stage);
      assert.match(text, words);
      assert.is(await inspect("--stage", stage), text, `${stage} differs`);
    }
    assert.match(await inspect("--stage", "graph", "--format", "dot"), /^digraph "tiny" \{/);
    const { tensors, updates } = JSON.parse(await inspect("--stage", "train", "--format", "json"));
    assert.ok(tensors.length > 20 && updates.length > 4);
  }));

test("backends: each of them, and one that auto takes", async () => {
  const text = await nnc(["backends"], { cwd: repository });
  assert.match(text.stdout, /^. js +works {2}/m);
  // Reasons are those of the machine, not mistakes of ours.
  assert.not.match(text.stdout, /is not (defined|a function)|Cannot find/);
  const { stdout } = await nnc(["backends", "--json"], { cwd: repository });
  const all = JSON.parse(stdout) as { name: string; works: boolean; auto: boolean; fix?: string }[];
  assert.is(all.filter((b) => b.auto).length, 1);
  for (const { name, works, fix } of all) assert.ok(works || fix, `${name} says what to do`);
  assert.ok(["webasm", "js", "reference"].every((n) => all.some((b) => b.name === n && b.works)));
});

test("schema: nnc.schema.json is up to date (nnc schema > nnc.schema.json)", async () => {
  const { code, stdout } = await nnc(["schema"], { cwd: repository });
  assert.is(code, 0);
  assert.is(readFileSync(join(repository, "nnc.schema.json"), "utf8"), stdout);
});

test("nnc's own compiled code is kept, and made again where it is damaged", () =>
  inFolder(async (cwd) => {
    const run = () => nnc(["backends", "--help"], { cwd, env: { NNC_CACHE: join(cwd, "cache") } });
    const first = await run();
    assert.is(first.code, 0, first.stderr);
    const [entry] = readdirSync(join(cwd, "cache")).filter((name) => name.startsWith("code-"));
    assert.ok(entry, "nothing is kept");
    const file = join(cwd, "cache", entry);
    const whole = readFileSync(file).length;
    for (const damage of [whole >> 1, 0, 64]) {
      truncateSync(file, damage);
      assert.equal(await run(), first);
      assert.ok(readFileSync(file).length > whole / 2, "it was not made again");
    }
    const flipped = readFileSync(file);
    flipped[flipped.length >> 1]! ^= 1;
    writeFileSync(file, flipped);
    assert.equal(await run(), first);
    assert.not.equal(readFileSync(file), flipped);
  }));

test("init: a starter spec that is right", () =>
  inFolder(async (cwd) => {
    const { code, stdout } = await nnc(["init", "my-model.yaml"], { cwd });
    assert.is(code, 0);
    assert.is(stdout, "wrote my-model.yaml\n");
    assert.ok(existsSync(join(cwd, "my-model.yaml")));
    assert.is((await nnc(["validate", "my-model.yaml"], { cwd })).code, 0);
  }));

test.run();
