/** Progress as text: what it says, and that it never outgrows the terminal. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  finishedLine,
  formatMetric,
  formatSeconds,
  formatStepTime,
  runningLine,
} from "../../src/cli/progress.ts";
import {
  className,
  countAndSize,
  type LayerSummary,
  renderSummary,
} from "../../src/cli/summary-table.ts";
import { hasColor, painter } from "../../src/cli/terminal.ts";
import { repository } from "./helpers.ts";

const plain = painter(false);

test("metrics as Keras prints them", () => {
  const shown = [0.97654, 12.5, 0, 0.0005, -0.0002, 1e-9, 3.2e12, Number.NaN, -1 / 0].map(
    formatMetric,
  );
  assert.equal(shown, [
    ...["0.9765", "12.5000", "0.0000", "5.0000e-04", "-2.0000e-04", "1.0000e-09"],
    ...["3.2000e+12", "nan", "-inf"],
  ]);
});

test("times", () => {
  assert.equal([0, 0.029, 0.5, 9.96, 59.6, 83, 3723].map(formatSeconds), [
    "0.0s",
    "29ms",
    "0.5s",
    "10s",
    "1:00",
    "1:23",
    "1:02:03",
  ]);
  assert.equal([2.34, 0.0183, 0.0012, 0.00082].map(formatStepTime), [
    "2.3s/step",
    "18ms/step",
    "1.2ms/step",
    "820us/step",
  ]);
});

test("the bar fills, then gets shorter, then goes, as the terminal narrows", () => {
  const at = { step: 30, steps: 600, seconds: 0.6 };
  const line = (columns: number) => runningLine(at, " - loss: 0.9000", columns, plain);
  assert.is(line(80), " 30/600 ━─────────────────── 11s 20ms/step - loss: 0.9000");
  for (let columns = 1; columns < 100; columns++)
    assert.ok(line(columns).length < columns || columns === 1);
  assert.match(line(50), /^ 30\/600 ─+ 11s/);
  assert.is(line(30), " 30/600 11s 20ms/step - loss:");
  const done = { step: 600, steps: 600, seconds: 12 };
  assert.is(finishedLine(done, " 12s", plain), "600/600 ━━━━━━━━━━━━━━━━━━━━ 12s");
});

test("colour: NO_COLOR before FORCE_COLOR before what the stream is", () => {
  const tty = { isTTY: true } as NodeJS.WriteStream;
  const pipe = { isTTY: false } as NodeJS.WriteStream;
  assert.ok(hasColor(tty, {}));
  assert.not(hasColor(pipe, {}));
  assert.not(hasColor(tty, { NO_COLOR: "1" }));
  assert.ok(hasColor(tty, { NO_COLOR: "" }), "an empty NO_COLOR says nothing");
  assert.ok(hasColor(pipe, { FORCE_COLOR: "1" }));
  assert.not(hasColor(pipe, { FORCE_COLOR: "1", NO_COLOR: "1" }));
  assert.not(hasColor(tty, { FORCE_COLOR: "0" }));
  assert.not(hasColor(tty, { TERM: "dumb" }));
});

test("Keras's class names, and sizes", () => {
  const types = "dense conv2d max_pooling2d conv1d_transpose simple_rnn lstm relu leaky_relu input";
  assert.equal(types.split(" ").map(className), [
    ...["Dense", "Conv2D", "MaxPooling2D", "Conv1DTranspose", "SimpleRNN", "LSTM", "ReLU"],
    ...["LeakyReLU", "InputLayer"],
  ]);
  assert.equal([0, 28, 25771, 269322].map(countAndSize), [
    "0 (0.00 B)",
    "28 (112.00 B)",
    "25,771 (100.67 KB)",
    "269,322 (1.03 MB)",
  ]);
});

const layer = (
  name: string,
  type: string,
  shape: readonly number[],
  params = 0,
  from: readonly string[] = [],
): LayerSummary => ({
  ...{ name, type, output_shape: [null, ...shape], params },
  from: from.map((source) => ({ layer: source, call: 0 })),
});

/** What Keras printed: the part of the fixture under a title. */
function keras(title: string): string {
  const fixture = readFileSync(join(repository, "test/fixtures/keras/summary.txt"), "utf8");
  const part = fixture.split("=== ").find((text) => text.startsWith(title))!;
  return part.slice(part.indexOf("\n") + 1).trimEnd();
}

test("summaries of graphs, as Keras prints them", () => {
  const branched = {
    ...{ name: "branched", params: 25771, trainable: 25771, branches: true },
    layers: [
      layer("image", "input", [784]),
      layer("extra", "input", [8]),
      layer("left", "dense", [32], 25120, ["image"]),
      layer("right", "dense", [32], 288, ["extra"]),
      layer("both", "add", [32], 0, ["left", "right"]),
      layer("digit", "dense", [10], 330, ["both"]),
      layer("odd", "dense", [1], 33, ["both"]),
    ],
  };
  assert.is(renderSummary(branched, plain), keras("functional with branches"));
  const chain = {
    ...{ name: "chain", params: 28, trainable: 0, branches: false },
    layers: [
      layer("input", "input", [2, 3]),
      layer("flatten", "flatten", [6], 0, ["input"]),
      layer("out", "dense", [4], 28, ["flatten"]),
    ],
  };
  assert.is(renderSummary(chain, plain), keras("functional without a branch"));
});

test("long names widen their column", () => {
  const layers = [layer("a_name_that_is_much_too_long_for_it", "dense", [1])];
  const summary = { name: "m", params: 0, trainable: 0, branches: true, layers };
  const rows = renderSummary(summary, plain).split("\n");
  assert.ok(rows.some((row) => row.includes("a_name_that_is_much_too_long_for_it ")));
  const widths = new Set(rows.slice(1, -3).map((row) => row.length));
  assert.is(widths.size, 1, "all rows are equally wide");
});

test.run();
