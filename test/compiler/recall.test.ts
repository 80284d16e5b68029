/** Programs that are known again: the same program, whose kernels are made when somebody looks at them. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { native } from "../../src/backends/native/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { compileOnce } from "../../src/compiler/recall.ts";
import { fingerprint, fingerprintOfGraphs } from "../../src/ir/fingerprint.ts";
import { type Graph, type Tensor, variable } from "../../src/ir/graph.ts";
import type { Program } from "../../src/ir/program.ts";
import { add, mul } from "../../src/ops/pointwise.ts";
import { fill, slice } from "../../src/ops/view.ts";
import { otherCodeJoins } from "../../src/support/own-code.ts";
import { recurrence } from "../support/recurrences.ts";
import { planOfText, smallSpecs } from "../support/sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-recall-"));
process.env["NNC_CACHE"] = folder;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const entries = () => readdirSync(folder).filter((f) => f.startsWith("graphs-")).length;
const isLazy = (p: Program) => Object.getOwnPropertyDescriptor(p, "procedures")!.get !== undefined;

const graphsOf = (text: string) => planOfText(text).train.graphs.graphs;

test("what was compiled before is the same program, made when looked at", () => {
  for (const text of Object.values(smallSpecs)) {
    const first = compileOnce(graphsOf(text), native);
    assert.not.ok(isLazy(first));
    const again = compileOnce(graphsOf(text), native);
    assert.ok(isLazy(again));
    assert.equal(again.variables, first.variables);
    assert.is(again.fingerprint, first.fingerprint);
    assert.is(fingerprint(again), first.fingerprint);
    // Kernels read and write the variables that the program says it has.
    const updated = again.procedures.flatMap((p) => p.updates.map((u) => u.variable));
    assert.ok(updated.length > 0 && updated.every((v) => again.variables.includes(v)));
  }
  assert.is(entries(), Object.keys(smallSpecs).length);
});

test("a backend that does not know programs again gets them whole", () => {
  const before = entries();
  assert.not.ok(isLazy(compileOnce(graphsOf(smallSpecs.mlp), reference)));
  assert.not.ok(isLazy(compileOnce(graphsOf(smallSpecs.mlp), reference)));
  assert.is(entries(), before);
});

const x = variable({ name: "x", shape: [4] });
const y = variable({ name: "y", shape: [4] });
const graphOf = (value: Tensor, to = y): Graph => ({
  name: "g",
  updates: [{ variable: to as Graph["updates"][number]["variable"], value }],
});
const loops = (steps: number, seed: number): Graph =>
  recurrence({ steps, batch: 2, inputs: 3, units: 2 + seed }).graph;

test("graphs have the same fingerprint if they say the same, and else another", () => {
  const made: Readonly<Record<string, () => readonly Graph[]>> = {
    plain: () => [graphOf(add(x, y))],
    "another op": () => [graphOf(mul(x, y))],
    "inputs the other way round": () => [graphOf(add(y, x))],
    "another variable": () => [graphOf(add(x, y), x)],
    "zero added": () => [graphOf(add(add(x, y), fill(0, [4])))],
    "a sign of zero": () => [graphOf(add(add(x, y), fill(-0, [4])))],
    infinity: () => [graphOf(add(add(x, y), fill(Number.POSITIVE_INFINITY, [4])))],
    "another start": () => [graphOf(add(x, fill(0, [4]))), graphOf(slice(x, [0], [4]))],
    "another step": () => [graphOf(add(x, fill(0, [4]))), graphOf(slice(x, [3], [4], [-1]))],
    twice: () => [graphOf(add(x, y)), graphOf(add(x, y))],
    "a loop": () => [loops(5, 0)],
    "more steps": () => [loops(6, 0)],
    "a wider loop": () => [loops(5, 1)],
  };
  const seen = new Map<string, string>();
  for (const [name, graphs] of Object.entries(made)) {
    const found = fingerprintOfGraphs(graphs());
    assert.is(fingerprintOfGraphs(graphs()), found, name);
    assert.is(seen.get(found), undefined, `${name} is as ${seen.get(found)}`);
    seen.set(found, name);
  }
});

test("where plug-ins take part nothing is known again", () => {
  const before = entries();
  otherCodeJoins();
  assert.not.ok(isLazy(compileOnce(graphsOf(smallSpecs.mlp), native)));
  assert.is(entries(), before);
});

test.run();
