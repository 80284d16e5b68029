/** Programs have the same fingerprint if they say the same, whoever made them, and else another. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { native } from "../../src/backends/native/index.ts";
import { compile } from "../../src/compiler/compile.ts";
import { type Compute, call, constant } from "../../src/ir/expr.ts";
import { fingerprint } from "../../src/ir/fingerprint.ts";
import { isKernel } from "../../src/ir/kernels.ts";
import type { Procedure, Program } from "../../src/ir/program.ts";
import { compileRun } from "../../src/train/session.ts";
import { recurrence } from "../support/recurrences.ts";
import { planOfText, smallSpecs } from "../support/sessions.ts";

const programOf = (text: string): Program => compileRun(planOfText(text), native);
const own = fingerprint(programOf(smallSpecs.mlp));

test("made anew from the same spec it is the same", () => {
  assert.match(own, /^[0-9a-f]{64}$/);
  assert.is(fingerprint(programOf(smallSpecs.mlp)), own);
});

test("loops count too, with their steps", () => {
  const of = (steps: number) => {
    const sizes = { steps, batch: 3, inputs: 4, units: 5 };
    return fingerprint(compile([recurrence(sizes).graph], native.traits));
  };
  assert.is(of(7), of(7));
  assert.is.not(of(7), of(8));
});

/** The first kernel over axes of the first procedure, changed. */
function changed(change: (kernel: Compute) => Compute): Program {
  const program = programOf(smallSpecs.mlp);
  const [first, ...others] = program.procedures as [Procedure, ...Procedure[]];
  const at = first.kernels.findIndex((k) => isKernel(k) && k.axes.length > 0);
  const kernels = first.kernels.map((k, i) => (i === at ? change(k as Compute) : k));
  return { ...program, procedures: [{ ...first, kernels }, ...others] };
}

const changes: Readonly<Record<string, () => Program>> = {
  "another option": () => programOf(smallSpecs.mlp.replace("units: 24", "units: 25")),
  "another name": () => changed((k) => ({ ...k, name: `${k.name}2` })),
  "a constant more": () =>
    changed((k) => ({ ...k, body: call("add", k.body, constant(Number.EPSILON)) })),
  "a sign of zero": () => changed((k) => ({ ...k, body: call("add", k.body, constant(-0)) })),
  zero: () => changed((k) => ({ ...k, body: call("add", k.body, constant(0)) })),
  "another storage type": () =>
    changed((k) => ({
      ...k,
      output: { ...k.output, dtype: k.output.dtype === "i32" ? "f32" : "i32" },
    })),
  "axes that are others": () => changed((k) => ({ ...k, axes: k.axes.map((a) => ({ ...a })) })),
  "a variable less": () => {
    const program = programOf(smallSpecs.mlp);
    return { ...program, variables: program.variables.slice(1) };
  },
};
const seen = new Map([["itself", own]]);
for (const [name, made] of Object.entries(changes))
  test(`${name} is another program`, () => {
    const found = fingerprint(made());
    for (const [other, known] of seen) assert.is.not(found, known, `as ${other}`);
    seen.set(name, found);
  });

test.run();
