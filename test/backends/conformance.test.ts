/**
 * Every op and its gradient on every backend that works here, against the reference interpreter. A backend
 * that does not work is skipped and says why; `webgpu` runs on a software driver where there is one.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { backendNames, loadBackend } from "../../src/backends/index.ts";
import { gradients } from "../../src/compiler/autodiff.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul, stopGradient } from "../../src/ops/pointwise.ts";
import { evaluate } from "../support/evaluate.ts";
import { opCases } from "../support/op-cases.ts";

/** Relative to the largest value of a tensor: single precision, with a few dozen terms summed. */
const tolerance = 1e-5;
const seeds = [11, 12];

/** All outputs and gradients of a seed, as one program. */
function outputsOf(seed: number) {
  const cases = opCases(seed);
  const outputs = cases.flatMap((c) => {
    const values = [{ name: c.name, tensor: c.output }];
    if (!c.differentiable) return values;
    const loss = sum(mul(c.output, stopGradient(c.output)), undefined, false);
    const parts = gradients(loss, c.inputs);
    return [...values, ...parts.map((tensor) => ({ name: `gradient of ${c.name}`, tensor }))];
  });
  return { outputs, feed: new Map(cases.flatMap((c) => [...c.feed])) };
}

for (const name of backendNames.filter((n) => n !== "reference")) {
  const backend = await loadBackend(name);
  const probe = await backend.probe();
  if (!probe.ok) {
    console.log(`skipped: ${name}: ${probe.reason}`);
    test.skip(`${name}: ${probe.reason}`, () => {});
    continue;
  }
  for (const seed of seeds) {
    test(`${name} agrees with the interpreter, seed ${seed}`, async () => {
      const { outputs, feed } = outputsOf(seed);
      const tensors = outputs.map((o) => o.tensor);
      const want = await evaluate(tensors, feed);
      const got = await evaluate(tensors, feed, backend);
      const wrong = outputs.flatMap(({ name: op }, i) => {
        const scale = Math.max(1, ...want[i]!.map(Math.abs));
        const error = Math.max(0, ...want[i]!.map((v, j) => Math.abs(v - got[i]![j]!) / scale));
        return error < tolerance ? [] : [`${op}: ${error}`];
      });
      assert.equal(wrong, []);
    });
  }
}

test.run();
