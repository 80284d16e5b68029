/** Several inputs and outputs, blocks and shared weights, as users of the command see them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { archive, type Spec } from "../data/encode-npy.ts";
import { fast, inFolder, lines, nnc } from "./helpers.ts";

const rows = 12;
const column = (f: (i: number) => number) => Array.from({ length: rows }, (_, i) => f(i));
const floats = (values: readonly number[], ...shape: readonly number[]): Spec => {
  return { descr: "<f4", shape: [rows, ...shape], values };
};
const arrays = archive({
  left: floats(
    column((i) => i / 12).flatMap((v) => [v, 1 - v]),
    2,
  ),
  right: floats(
    column((i) => (i % 3) / 3).flatMap((v) => [v, v / 2]),
    2,
  ),
  sum: floats(
    column((i) => i / 12 + (i % 3) / 3),
    1,
  ),
  third: { descr: "<i8", shape: [rows], values: column((i) => i % 3) },
});

const model = `
blocks:
  tower: [{ dense: { units: 4, activation: tanh } }, { batch_normalization: }]
model:
  - input: { shape: [2] }
    name: a
  - input: { shape: [2], source: b }
    name: second
  - tower:
    name: shared
    from: a
  - reuse: shared
    from: second
    name: again
  - concatenate:
    from: [shared, again]
    name: both
  - dense: { units: 1 }
    name: sum
  - dense: { units: 3, activation: softmax }
    name: third
    from: both
outputs: [sum, third]
loss: { sum: mse, third: sparse_categorical_crossentropy }
loss_weights: { sum: 0.5 }
metrics: { sum: mae, third: [accuracy] }
train: { epochs: 2, batch_size: 4 }
`;
const data = "{ npz: { path: a.npz, x: { a: left, b: right }, y: { sum: sum, third: third } } }";
const files = {
  "a.npz": arrays,
  "arrays.yaml": `data: { source: ${data}, validation_split: 0.25 }${model}`,
  "table.csv": `p,q,r,s,u,v\n${column((i) => i)
    .map((i) => [i / 12, i % 2, i % 3, 1, i / 6, i % 3].join(","))
    .join("\n")}\n`,
  "table.yaml": `
data:
  source: { csv: { path: table.csv, target: [u, v] } }
  inputs: { a: { x: { columns: [0, 1] } }, b: { x: { columns: [2, 3] } } }
  targets: { sum: { y: { columns: [0] } }, third: { y: { columns: [1] } } }
${model}`,
};

for (const spec of ["arrays.yaml", "table.yaml"]) {
  test(`${spec}: two named inputs, two outputs, a shared block`, () =>
    inFolder(async (cwd) => {
      const { code, stdout, stderr } = await nnc(["train", spec, ...fast, "--json"], { cwd });
      assert.is(code, 0, stderr);
      const events = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
      const names = ["loss", "sum_loss", "third_loss", "sum_mae", "third_accuracy"];
      for (const name of names) assert.type(events[1]![name], "number", name);
      const { loss, sum_loss, third_loss } = events[2] as Record<string, number>;
      assert.ok(Math.abs(loss! - (sum_loss! / 2 + third_loss!)) < 1e-5, "weighted");
      const file = join(cwd, String(events.at(-1)!["run"]), "model.safetensors");
      const weights = [...decodeSafetensors(readFileSync(file), file).keys()];
      assert.equal(
        weights.filter((name) => name.endsWith("kernel")),
        ["shared/dense/kernel", "sum/kernel", "third/kernel"],
      );
    }, files));
}

test("the summary: a shared layer is one row, with each of its connections, as in Keras", () =>
  inFolder(async (cwd) => {
    const { stdout } = await nnc(["summary", "arrays.yaml"], { cwd });
    const cells = stdout
      .split("\n")
      .filter((line) => line.startsWith("│"))
      .map((line) => line.split("│").map((cell) => cell.trim()));
    const row = (name: string) => cells.find((c) => c[1]!.startsWith(name))!;
    assert.equal(row("shared/dense").slice(1, 5), [
      ...["shared/dense (Dense)", "(None, 4)", "12", "a[0][0], second[0][0]"],
    ]);
    assert.is(cells.filter((c) => c[1]!.startsWith("again")).length, 0);
    const both = cells.findIndex((c) => c[1]!.startsWith("both"));
    const sources = `${cells[both]![4]} ${cells[both + 1]![4]}`;
    assert.match(sources, "shared/batch_normalization[0][0],");
    assert.match(sources, "shared/batch_normalization[1][0]");
    assert.match(stdout, "Total params: 64 ");
    const json = await nnc(["summary", "arrays.yaml", "--json"], { cwd });
    const { layers, params } = JSON.parse(json.stdout);
    assert.is(params, 64);
    assert.equal(
      layers.find((l: { name: string }) => l.name === "shared/dense"),
      {
        ...{ name: "shared/dense", type: "dense", output_shape: [null, 4], params: 12 },
        from: ["a", "second"],
      },
    );
  }, files));

test("inspect --stage spec shows the layers; the run folder's spec is a spec again", () =>
  inFolder(async (cwd) => {
    const { stdout } = await nnc(["inspect", "arrays.yaml", "--stage", "spec"], { cwd });
    assert.match(stdout, /name: again\/dense\n {4}from: second\n {4}reuse: shared\/dense\n/);
    assert.not.match(stdout, "blocks");
    await nnc(["train", "arrays.yaml", ...fast, "-q", "--out", "run"], { cwd });
    const text = readFileSync(join(cwd, "run/spec.yaml"), "utf8");
    assert.is(text.trimEnd(), stdout.trimEnd());
  }, files));

test("validate --json names the use of a block that caused a problem", () =>
  inFolder(
    async (cwd) => {
      const { code, stdout } = await nnc(["validate", "bad.yaml", "--json"], { cwd });
      assert.is(code, 2);
      const [problem] = JSON.parse(stdout).problems;
      assert.is(problem.line, 3);
      assert.match(problem.notes.join(), "in block tower, used as shared on line");
    },
    { ...files, "bad.yaml": files["arrays.yaml"].replace("units: 4", "unit: 4") },
  ));

test.run();
