/** Every differentiable op against central differences in double precision, on random shapes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul, stopGradient } from "../../src/ops/pointwise.ts";
import { gradientError, input } from "../support/evaluate.ts";
import { opCases, opNames } from "../support/op-cases.ts";

const tolerance = 1e-6;
const seeds = [1, 2, 3, 4, 5, 6];

for (const [k, name] of opNames.entries()) {
  test(`gradient of ${name}`, async () => {
    for (const seed of seeds) {
      const { inputs, feed, output, differentiable } = opCases(seed)[k]!;
      if (!differentiable) return;
      const error = await gradientError(output, inputs, feed);
      const shapes = JSON.stringify(inputs.map((x) => x.type.shape));
      assert.ok(error < tolerance, `relative error ${error} for shapes ${shapes}, seed ${seed}`);
    }
  });
}

test("no gradient through stopGradient", async () => {
  const x = input("x", [3]);
  const [dx] = gradients(sum(mul(stopGradient(x), x), undefined, false), [x]);
  // d(stop(x)·x) = stop(x), half of what differences see
  const error = await gradientError(
    mul(stopGradient(x), x),
    [x],
    new Map([[x, Float64Array.of(1, 2, 3)]]),
  );
  assert.ok(error > 0.1);
  assert.equal(dx!.type.shape, [3]);
});

test("a contraction's gradient has a gradient", async () => {
  const k = opNames.indexOf("convolution");
  for (const seed of seeds) {
    const { inputs, feed, output } = opCases(seed)[k]!;
    const cubed = sum(mul(output, mul(output, output)), undefined, false);
    const [dx] = gradients(cubed, inputs.slice(0, 1));
    assert.ok((await gradientError(dx!, inputs, feed)) < tolerance, `seed ${seed}`);
  }
});

test.run();
