/** What a contraction says it costs: the textbook's numbers, alike for a product and its gradients. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { optimise } from "../../src/compiler/compile.ts";
import { graphTensors, type Tensor, variable } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import { convolve, convolveTransposed } from "../../src/ops/convolve.ts";
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

/** Padding · stride · dilation · size of the result, of 11 pixels with 3 taps. */
const convolutions = [
  ["valid", 1, 1, 0, 9],
  ["same", 1, 1, 1, 11],
  ["strided", 2, 1, 1, 6],
  ["strided, valid", 3, 1, 0, 3],
  ["dilated", 1, 2, 0, 7],
] as const;
for (const [name, stride, dilation, before, out] of convolutions) {
  test(`a ${name} convolution and its gradients count outputs times taps`, () => {
    const slide = { size: 3, stride, dilation, before, out };
    const [x, w] = [input("x", [2, 11, 11, 4]), input("w", [3, 3, 4, 8])];
    const once = 2 * out ** 2 * 3 ** 2 * 4 * 8;
    const y = convolve(x, w, [slide, slide]);
    assert.is(counted(y), once);
    assert.is(counted(...all(y, [x, w])), 3 * once);
  });
}

test("a transposed convolution counts inputs times taps; groups divide", () => {
  const slide = { size: 3, stride: 2, dilation: 1, before: 1, out: 11 };
  const x = input("x", [2, 6, 6, 4]);
  const y = convolveTransposed(x, input("w", [3, 3, 8, 4]), [slide, slide]);
  assert.is(counted(y), 2 * 6 ** 2 * 3 ** 2 * 4 * 8);
  const same = { ...slide, stride: 1, out: 6 };
  const grouped = convolve(x, input("g", [3, 3, 2, 8]), [same, same], 2);
  assert.is(counted(grouped), (2 * 6 ** 2 * 3 ** 2 * 4 * 8) / 2);
});

test("a sum multiplies nothing, three factors twice", () => {
  const x = input("x", [3, 4]);
  assert.is(counted(einsum("ij->i", x)), 0);
  assert.is(counted(einsum("ij,ij,j->i", x, input("y", [3, 4]), input("z", [4]))), 2 * 12);
});

test.run();
