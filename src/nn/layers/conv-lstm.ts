/** Long short-term memory of sequences and images (https://keras.io/api/layers/recurrent_layers/conv_lstm2d/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { convolve } from "../../ops/convolve.ts";
import { reshape } from "../../ops/view.ts";
import { dilationOption, strideOption } from "./convolution.ts";
import {
  checkStrides,
  dimensionNames,
  paddingOption,
  perDimension,
  slidesOver,
} from "./geometry.ts";
import { type LayerContext, showShape } from "./layer.ts";
import { longShortTerm } from "./lstm.ts";
import { part } from "./recurrence.ts";
import { defineRecurrent, type Form } from "./recurrent.ts";

/** Checks that the input is [batch, time, size…, channels] with that many sizes. */
function checkSteps(name: string, { type: { shape } }: Tensor, rank: number, ctx: LayerContext) {
  if (shape.length === rank + 3) return;
  ctx.fail({
    path: [],
    message: `${name} needs ${["a sequence", "an image", "a volume"][rank - 1]} with its channels last at every step`,
    expected: `(${["None", "time", ...dimensionNames(rank), "channels"].join(", ")})`,
    received: showShape(shape),
    fix:
      shape.length === rank + 2
        ? `put \`reshape: { target_shape: [${[...shape.slice(1), 1].join(", ")}] }\` before it`
        : `give it inputs of rank ${rank + 2}, by a \`reshape\` before it for instance`,
  });
}

const options = (rank: number) => ({
  filters: z
    .int()
    .positive()
    .describe("Number of filters: channels of the state, which is the output."),
  kernel_size: perDimension(rank).describe("Size of a filter's window, over inputs and over h."),
  strides: strideOption(rank),
  padding: paddingOption(),
  dilation_rate: dilationOption(rank),
});

/** Steps [size…, channels], states [out…, filters]; over the states windows have neither strides nor holes. */
const frames = (rank: number): Form<ReturnType<typeof options>> => ({
  options: options(rank),
  maps(name, x, { filters, kernel_size: size, strides, padding, dilation_rate: dilation }, ctx) {
    checkSteps(name, x, rank, ctx);
    checkStrides(strides, dilation, ctx);
    const frame = reshape(part(x, 1, 0, 1), x.type.shape.toSpliced(1, 1));
    const own = slidesOver(frame, { size, strides, dilation, padding }, "kernel_size", ctx);
    const state = [...own.map((s) => s.out), filters];
    const around = own.map(({ size, out }) => {
      return { size, stride: 1, dilation: 1, before: Math.floor((size - 1) / 2), out };
    });
    const window = own.map((s) => s.size);
    return {
      state,
      kernel: [...window, x.type.shape.at(-1)!],
      recurrent: [...window, filters],
      ofInputs: (y, w) => convolve(y, w, own),
      ofStates: (h, w) => convolve(h, w, around),
      drawsApart: true,
    };
  },
});

const convLstm = (rank: 1 | 2 | 3) =>
  defineRecurrent(
    {
      name: `conv_lstm${rank}d`,
      aliases: [`conv_lstm_${rank}d`],
      doc:
        "lstm with convolutions in place of both products: i, f, o = recurrent_activation(x[t]∗W + h[t − 1]∗R + b), " +
        `over ${["sequences", "images", "volumes"][rank - 1]} (https://arxiv.org/abs/1506.04214).`,
    },
    frames(rank),
    longShortTerm,
  );

export const [convLstm1d, convLstm2d, convLstm3d] = [convLstm(1), convLstm(2), convLstm(3)];
