/** What a contraction says it costs: the textbook's numbers, alike for a product and its gradients. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { optimise } from "../../src/compiler/compile.ts";
import { graphTensors, type Tensor, variable } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import { convolve } from "../../src/ops/convolve.ts";
import { mul } from "../../src/ops/pointwise.ts";
import { input } from "../support/evaluate.ts";

/** Multiply-adds of everything the tensors need. */
function counted(...values: readonly Tensor[]): number {
  const updates = values.map((value, i) => ({
    variable: variable({ name: `out${i}`, shape: value.type.shape }),
    value,
  }));
  const tensors = graphTensors(optimise({ name: "count", updates }));
  return tensors.reduce((n, x) => n + (x.op.multiplyAdds?.(x) ?? 0), 0);
}

const all = (y: Tensor, wrt: readonly Tensor[]) =>
  // The square's gradient is no constant, which would be simplified away.
  [y, ...gradients(sum(mul(y, y), undefined, false), wrt)];

test("a product of matrices, and with both its gradients", () => {
  const [x, w] = [input("x", [37, 129]), input("w", [129, 5])];
  const y = einsum("bi,io->bo", x, w);
  assert.is(counted(y), 37 * 129 * 5);
  assert.is(counted(...all(y, [x, w])), 3 * 37 * 129 * 5);
});

/** Stride · dilation · padding · size of the result, of 11 pixels with 3 taps · taps of a row that are inside. */
const convolutions = [
  ["valid", 1, 1, 0, 9, 27],
  ["same", 1, 1, 1, 11, 31],
  ["strided, valid", 3, 1, 0, 3, 9],
  ["strided, same", 2, 1, 1, 6, 16],
  ["dilated", 1, 2, 0, 7, 21],
] as const;
for (const [name, stride, dilation, before, out, inside] of convolutions) {
  test(`${name}: a convolution and its gradients count the taps that are inside`, () => {
    const slide = { size: 3, stride, dilation, before, out };
    const [x, w] = [input("x", [2, 11, 11, 4]), input("w", [3, 3, 4, 8])];
    const once = 2 * inside ** 2 * 4 * 8;
    const y = convolve(x, w, [slide, slide]);
    assert.is(counted(y), once);
    const thrice = counted(...all(y, [x, w]));
    if (stride === 1 || before === 0) assert.is(thrice, 3 * once);
    else {
      // The gradient of the input is computed with some of the padding, which is cut off.
      assert.ok(3 * once <= thrice && thrice <= 3 * 2 * (3 * out) ** 2 * 4 * 8, `${thrice}`);
    }
  });
}

test("groups divide the work", () => {
  const slide = { size: 3, stride: 1, dilation: 1, before: 0, out: 4 };
  const y = convolve(input("x", [2, 6, 6, 4]), input("w", [3, 3, 2, 8]), [slide, slide], 2);
  assert.is(counted(y), (2 * 4 ** 2 * 3 ** 2 * 4 * 8) / 2);
});

test("a sum multiplies nothing, three factors twice", () => {
  const x = input("x", [3, 4]);
  assert.is(counted(einsum("ij->i", x)), 0);
  assert.is(counted(einsum("ij,ij,j->i", x, input("y", [3, 4]), input("z", [4]))), 2 * 12);
});

test.run();
