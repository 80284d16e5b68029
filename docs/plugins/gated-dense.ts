/** A layer made of ops that are there: a dense layer whose units are let through by a second one. */
import { defineLayer, initializerOption, op, showShape, z } from "nnc/plugin";

/** SwiGLU (Shazeer 2020, https://arxiv.org/abs/2002.05202). */
export const gatedDense = defineLayer({
  name: "gated_dense",
  doc: "y = swish(x·W + b) ⊙ (x·V + c), over the last dimension.",
  takes: "one",
  options: {
    units: z.int().positive().describe("Width of the output."),
    use_bias: z.boolean().default(true).describe("Add b and c."),
    kernel_initializer: initializerOption().prefault("glorot_uniform").describe("First W and V."),
    bias_initializer: initializerOption().prefault("zeros").describe("First b and c."),
  },
  build([x], { units, use_bias, kernel_initializer, bias_initializer }, ctx) {
    const { shape } = x!.type;
    if (shape.length < 2) {
      ctx.fail({
        path: [],
        message: "gated_dense needs inputs of at least one dimension",
        expected: "(None, features)",
        received: showShape(shape),
      });
    }
    const rows = "abcdefgh".slice(0, shape.length - 1);
    /** x·kernel + bias: [batch, …, units] */
    const dense = (kernelName: string, biasName: string) => {
      const size = [shape.at(-1)!, units];
      const kernel = ctx.weight(kernelName, size, { initializer: kernel_initializer });
      const product = op.einsum(`${rows}i,io->${rows}o`, x!, kernel);
      if (!use_bias) return product;
      return op.add(product, ctx.weight(biasName, [units], { initializer: bias_initializer }));
    };
    const gate = dense("gate_kernel", "gate_bias");
    return op.mul(op.mul(gate, op.sigmoid(gate)), dense("kernel", "bias"));
  },
});
