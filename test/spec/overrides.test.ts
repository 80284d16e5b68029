import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderProblems } from "../../src/spec/diagnostics.ts";
import { parseSpec, SourceError } from "../../src/spec/source.ts";
import { type SpecPath, UsageError } from "../../src/support/errors.ts";
import { pathsOf, randomFrom, randomMap, randomValue, type Value, valueAt } from "./random-yaml.ts";

const SPEC = `name: mlp
model:
  - flatten
  - dense: { units: 256 }
loss: mse
optimizer: adam
train: { epochs: 3 }
metrics:
`;
const read = (...overrides: string[]) => parseSpec(SPEC, "mlp.yaml", "/specs", overrides);
const at = (path: SpecPath, ...overrides: string[]) =>
  valueAt(read(...overrides).value as Value, path);

function usage(...overrides: string[]): string {
  try {
    read(...overrides);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("no UsageError was thrown");
}

function frameOf(...overrides: string[]): string {
  try {
    read(...overrides);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return renderProblems(error.problems, error.source, { color: false, width: 80 });
  }
  throw new Error("no SourceError was thrown");
}

test("values are YAML", () => {
  assert.is(at(["train", "epochs"], "train.epochs=1"), 1);
  assert.is(at(["train", "rate"], "train.rate=1e-3"), 0.001);
  assert.equal(at(["metrics"], "metrics=[accuracy, { top: 5 }]"), ["accuracy", { top: 5 }]);
  assert.is(at(["name"], "name=true"), true);
  assert.is(at(["name"], 'name="true"'), "true");
  assert.is(at(["name"], "name="), null);
  assert.is(at(["name"], "name=a=b"), "a=b");
  assert.is(at(["expect", "loss"], "expect.loss=<= 0.5"), "<= 0.5");
  assert.is(at(["expect", "acc"], "expect.acc=>= 0.97"), ">= 0.97");
});

test("paths lead through lists, names, nothing, and what is not there yet", () => {
  assert.is(at(["model", 1, "dense", "units"], "model.1.dense.units=64"), 64);
  assert.equal(at(["model", 0], "model.0=dropout"), { dropout: {}, name: "dropout" });
  assert.equal(at(["optimizer"], "optimizer.adam.learning_rate=0.01"), {
    adam: { learning_rate: 0.01 },
  });
  assert.equal(at(["optimizer"], "optimizer.adam={ beta: 1 }"), { adam: { beta: 1 } });
  assert.equal(at(["model", 0], "model.0.flatten.x=1"), { flatten: { x: 1 }, name: "flatten" });
  assert.equal(at(["metrics"], "metrics.a.b=1"), { a: { b: 1 } });
  assert.equal(at(["a"], "a.b.0=1"), { b: { "0": 1 } });
  assert.equal(at(["optimizer"], "optimizer=sgd", "optimizer.sgd.x=1"), { sgd: { x: 1 } });
  assert.is(at(["name"], "name=a", "name=b"), "b");
});

test("one use of an alias can be changed", () => {
  const text = "a: &a { u: 1 }\nb: *a\n";
  const source = parseSpec(text, "mlp.yaml", "/specs", ["b.u=2"]);
  assert.equal(source.value, { a: { u: 1 }, b: { u: 2 } });
});

test("places", () => {
  const source = read("optimizer.adam.rate=0.01", "train={ epochs: 1, x: [7] }");
  const shown = (path: SpecPath, which?: "key" | "value") => {
    const place = source.locate(path, which);
    if (place.kind === "text") return `line ${place.line}`;
    return place.text.slice(place.column - 1, place.column - 1 + place.length);
  };
  assert.is(shown(["optimizer", "adam", "rate"]), "0.01");
  assert.is(shown(["optimizer", "adam", "rate"], "key"), "rate");
  assert.is(shown(["optimizer", "adam", "rate", "deeper"]), "0.01");
  assert.is(shown(["optimizer", "adam"]), "line 6");
  assert.is(shown(["train"]), "{ epochs: 1, x: [7] }");
  assert.is(shown(["train"], "key"), "train");
  assert.is(shown(["train", "x"], "key"), "x");
  assert.is(shown(["train", "x", 0]), "7");
  assert.is(shown(["train", "missing"]), "{ epochs: 1, x: [7] }");
  assert.is(shown(["loss"]), "line 5");
});

test("paths that lead nowhere", () => {
  assert.is(usage("train.epochs"), "--set train.epochs has no value");
  assert.is(usage("=1"), "--set =1 has an empty step in its path");
  assert.is(usage("a..b=1"), "--set a..b=1 has an empty step in its path");
  const list = "in model, which is a list of 2, with indexes 0 to 1";
  assert.is(usage("model.2=x"), `--set model.2=x names \`2\` ${list}`);
  assert.is(usage("model.-1=x"), `--set model.-1=x names \`-1\` ${list}`);
  assert.is(usage("model.dense.x=1"), `--set model.dense.x=1 names \`dense\` ${list}`);
  const through = "leads on through train.epochs, which is 3";
  assert.is(usage("train.epochs.x=1"), `--set train.epochs.x=1 ${through}`);
  assert.match(usage(`${"a.".repeat(70_000)}b=1`), /…/);
});

test("no prototype is touched", () => {
  assert.match(usage("__proto__.x=1"), /cannot be a key/);
  assert.match(usage("train.__proto__=1"), /cannot be a key/);
  assert.match(frameOf("train={ __proto__: { x: 1 } }"), /cannot be a key/);
  assert.equal(at(["constructor"], "constructor.prototype.x=1"), { prototype: { x: 1 } });
  assert.is(({} as Record<string, unknown>)["x"], undefined);
});

test("an option of another thing than the spec has", () => {
  assert.is(
    frameOf("optimizer.sgd.momentum=0.9"),
    `error: this sets an option of sgd, but optimizer is adam
  --> command line
   |
   | --set optimizer.sgd.momentum=0.9
   |                 ^^^
   = expected: optimizer.adam, as the spec has it (line 6)
   = received: optimizer.sgd
   = help: to change to sgd, put \`--set optimizer=sgd\` before this`,
  );
});

test("a value that is no YAML", () => {
  assert.is(
    frameOf("train.sizes=[1, 2"),
    `error: this \`[\` is never closed
  --> command line
   |
   | --set train.sizes=[1, 2
   |                   ^
   = help: add \`]\` where the list ends`,
  );
});

test("property: one value changes, and nothing else", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomFrom(seed);
    const before = randomMap(random, 4, 4);
    const text = JSON.stringify(before);
    const paths = pathsOf(before).filter(
      (p) => p.length > 0 && p.every((s) => !/\W|^$/.test(`${s}`)),
    );
    const path = paths[Math.floor(random() * paths.length)];
    if (path === undefined) continue;
    const value = randomValue(random, 2);
    const override = `${path.join(".")}=${JSON.stringify(value)}`;
    const source = parseSpec(text, "x.json", "/", [override]);
    const want = structuredClone(before) as Record<string, Value>;
    (valueAt(want, path.slice(0, -1)) as Record<string, Value>)[path.at(-1)!] = value;
    assert.equal(source.value, want, `${text} ${override}`);
    const plain = parseSpec(text, "x.json", "/");
    for (const other of pathsOf(want)) {
      const below = path.every((step, i) => other[i] === step);
      const { kind } = source.locate(other);
      assert.is(kind, below ? "override" : "text", `${text} ${override} ${other}`);
      if (!below) assert.equal(source.locate(other), plain.locate(other));
    }
  }
});

test.run();
