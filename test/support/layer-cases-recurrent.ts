/** Random options and inputs for recurrent layers. */
import type { Options } from "./keras.ts";
import { each, type Generator, type Random, times } from "./layer-case.ts";

/** Without kinks, where central differences would be wrong, and without explosions; a softmax of one is 1. */
const smooth = (units: number, more: readonly string[]) => [
  ...["tanh", "sigmoid", ...more],
  ...(units > 1 ? ["softmax"] : []),
];

/** Sequences of one step and states of one unit are among them. */
const recurrent =
  (parts: number, own: (r: Random) => Options): Generator =>
  (r) => {
    const steps = r.int(1, 5);
    // Masks of a few numbers only would be the same by chance; before a first step there is nothing to drop.
    const dropout = r.pick([0, 0.5]);
    const recurrent_dropout = steps === 1 ? 0 : r.pick([0, 0.5]);
    const features = r.int(dropout > 0 ? 3 : 1, 3);
    const units = r.int(recurrent_dropout > 0 ? 3 : 1, 3);
    const return_sequences = r.pick([true, false]);
    return {
      options: {
        units,
        activation: r.pick(smooth(units, ["gelu", "silu", "softplus", "linear"])),
        ...(parts > 1 ? { recurrent_activation: r.pick(smooth(units, [])) } : {}),
        use_bias: r.pick([true, true, false]),
        dropout,
        recurrent_dropout,
        return_sequences,
        go_backwards: r.pick([true, false]),
        ...own(r),
      },
      inputs: [[steps, features]],
      output: return_sequences ? [steps, units] : [units],
    };
  };

/** Windows over inputs with strides or holes; the state is what is left of a step. */
const convolved =
  (rank: number): Generator =>
  (r) => {
    const window = each(r, rank, 1, 3);
    const steps = each(r, rank, 1, 2);
    const padding = r.pick(["valid", "same"]);
    const kind = r.pick(["strides", "dilation_rate", "neither"]);
    const extents = times(rank, () => (rank === 3 ? r.int(2, 3) : r.int(rank === 1 ? 5 : 3, 5)));
    const [s, d] = ["strides", "dilation_rate"].map(
      (k) => (i: number) => (k === kind ? steps.list[i]! : 1),
    );
    const out = extents.map((n, i) =>
      padding === "same"
        ? Math.ceil(n / s!(i))
        : Math.floor((n - d!(i) * (window.list[i]! - 1) - 1) / s!(i)) + 1,
    );
    const { options, inputs, output } = recurrent(4, (q) => ({
      unit_forget_bias: q.pick([true, false]),
    }))(r);
    const { units, ...others } = options;
    const [[time, channels], filters] = [inputs[0] as [number, number], units as number];
    const more = kind === "neither" ? {} : { [kind]: steps.option };
    if (out.some((n) => n < 1)) return convolved(rank)(r);
    return {
      options: { filters, kernel_size: window.option, padding, ...more, ...others },
      inputs: [[time, ...extents, channels]],
      output: [...output.slice(0, -1), ...out, filters],
    };
  };

export const recurrentCases: Readonly<Record<string, Generator>> = {
  simple_rnn: recurrent(1, () => ({})),
  lstm: recurrent(4, (r) => ({ unit_forget_bias: r.pick([true, false]) })),
  gru: recurrent(3, (r) => ({ reset_after: r.pick([true, false]) })),
  conv_lstm1d: convolved(1),
  conv_lstm2d: convolved(2),
  conv_lstm3d: convolved(3),
  bidirectional(r) {
    const name = r.pick(["simple_rnn", "lstm", "gru", "conv_lstm1d"]);
    const { options: inner, ...drawn } = recurrentCases[name]!(r);
    const { go_backwards: _, ...options } = inner;
    const merge_mode = r.pick(["concat", "sum", "mul", "ave"]);
    const [units, ...steps] = drawn.output.toReversed() as [number, ...number[]];
    const width = merge_mode === "concat" ? 2 * units : units;
    return {
      ...drawn,
      options: { layer: { [name]: options }, merge_mode },
      output: [...steps, width],
    };
  },
};
