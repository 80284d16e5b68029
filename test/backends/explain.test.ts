/** What people are shown of a native plan, and the C code they may read: complete, and in lines of a readable length. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { explainPlan } from "../../src/backends/native/explain/plan.ts";
import { native } from "../../src/backends/native/index.ts";
import { writesOf } from "../../src/backends/native/order.ts";
import { planProgram } from "../../src/backends/native/plan.ts";
import { printProgram } from "../../src/backends/native/print-program.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { wrapLines } from "../../src/backends/native/wrap-lines.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/ir/program.ts";
import { compileRun } from "../../src/train/session.ts";
import { drawContractions } from "../support/contractions.ts";
import { planOfText, smallSpecs } from "../support/sessions.ts";

const programs = new Map<string, Program>();
for (const [name, text] of Object.entries(smallSpecs))
  programs.set(name, compileRun(planOfText(text), native));
for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
  programs.set(`random ${seed}`, compile([drawContractions(seed, 20).graph], native.traits));

const longest = (text: string) => Math.max(...text.split("\n").map((l) => l.length));

for (const [name, program] of programs) {
  test(`${name}: every task and barrier is told, in at most 100 columns`, () => {
    const plan = planProgram(program, avx2);
    const text = explainPlan(program, plan);
    assert.not.match(text, /undefined|NaN/);
    assert.ok(longest(text) <= 100, `${longest(text)} columns`);
    for (const { name: procedure, groups } of plan.procedures) {
      assert.match(text, `procedure ${procedure}: `);
      for (const task of groups.flat()) {
        const [buffer] = writesOf(task);
        assert.ok(text.includes(buffer!.name), buffer!.name);
      }
    }
    const barriers = plan.procedures.reduce((n, p) => n + p.groups.length - 1, 0);
    assert.is(text.split("── barrier ──").length - 1, barriers);
    assert.is(explainPlan(program, plan), text);
  });

  test(`${name}: no line of the C code is longer than 120 columns`, () => {
    const { source, tasks } = printProgram(program, planProgram(program, avx2), avx2);
    assert.ok(longest(source) <= 120, `${longest(source)} columns`);
    for (const task of tasks)
      assert.match(source, new RegExp(`\\*/\nTASK ${task}\\(`), `nothing is said of ${task}`);
  });
}

test("a product is told by its roles", () => {
  const program = programs.get("mlp")!;
  const text = explainPlan(program, planProgram(program, avx2));
  assert.match(
    text,
    / {2}sum\[i, j\] = Σ i2<64: flatten\.\w+\[i, i2\]·dense\/kernel\[i2, j\] {2}f32\[13, 24\]\n {2}dense\.relu\[i, j\] = max\(sum \+ dense\/bias\[j\], 0\)\n {6}tile /,
  );
});

test("a convolution of a reshaped tensor that others read, too, is a product", () => {
  const text = smallSpecs.mlp.replace(
    /model:.*optimizer/s,
    `model:
  - flatten
  - dense: { units: 128, activation: relu }
  - reshape: { target_shape: [4, 4, 8] }
  - conv2d_transpose: { filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu }
  - conv2d: { filters: 8, kernel_size: 3, padding: same, activation: relu }
  - flatten
  - dense: { units: 5, activation: softmax }
optimizer`,
  );
  const program = compileRun(planOfText(text), native);
  const { procedures } = planProgram(program, avx2);
  const products = procedures[0]!.groups.flat().filter((t) => t.kind === "product");
  // Four layers: each itself and its weights' gradient, and all but the first their inputs' gradients.
  assert.ok(products.length >= 4 + 4 + 3, `${products.length} products`);
});

test("wrapping changes white space only, and continues macros", () => {
  const call = `  f(${Array.from({ length: 90 }, (_, i) => `argument${i}`).join(", ")});`;
  const macro = `#define F(x) ((x) ${"+ (x) ".repeat(40)})`;
  const wrapped = wrapLines(`${call}\nint x;\n${macro}`);
  assert.ok(longest(wrapped) <= 120);
  const bare = (text: string) =>
    text
      .replaceAll(/\\\n|\s+/g, " ")
      .replaceAll(/ +/g, " ")
      .trim();
  assert.is(bare(wrapped), bare(`${call}\nint x;\n${macro}`));
  assert.match(wrapped, /^int x;$/m);
  assert.is(wrapped.split("\n").filter((l) => l.endsWith(" \\")).length, 2);
});

test.run();
