/**
 * Every op and its gradient on every backend that works here, against the reference interpreter. A backend
 * that does not work is skipped and says why; `webgpu` runs on a software driver where there is one.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { workingBackends } from "../support/backends.ts";
import { evaluate } from "../support/evaluate.ts";
import { opOutputs } from "../support/op-cases.ts";

/** Relative to the largest value of a tensor: single precision, with a few dozen terms summed. */
const tolerance = 1e-5;
const seeds = [11, 12];

for (const backend of await workingBackends()) {
  const { name } = backend;
  for (const seed of seeds) {
    test(`${name} agrees with the interpreter, seed ${seed}`, async () => {
      const { outputs, feed } = opOutputs(seed);
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
