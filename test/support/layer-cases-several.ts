/** Random options and inputs for layers of several inputs: merges and attention. */
import type { Shape } from "../../src/ir/graph.ts";
import { type Generator, type Random, times } from "./layer-case.ts";

/** Shapes that broadcast to the first: dimensions of 1, or none in front. */
function broadcasting(r: Random, count: number): { shapes: Shape[]; full: Shape } {
  const full = r.shape(r.int(1, 3), 3);
  const shapes = times(count, (): Shape => {
    const own = full.map((n) => (r.uniform() < 0.3 ? 1 : n));
    return r.uniform() < 0.2 ? own.slice(r.int(0, own.length - 1)) : own;
  });
  return { shapes: [full, ...shapes.slice(1)], full };
}
const merged =
  (least: number, most: number): Generator =>
  (r) => {
    const { shapes, full } = broadcasting(r, r.int(least, most));
    return { options: {}, inputs: shapes, output: full };
  };

const attending =
  (options: (r: Random) => Readonly<Record<string, unknown>>): Generator =>
  (r) => {
    const [t, s, features, width] = [r.int(1, 4), r.int(1, 4), r.int(1, 3), r.int(1, 3)];
    const keyed = r.pick([true, false]);
    const value = keyed ? [s, width] : [s, features];
    const rates = { dropout: r.pick([0, 0.4]), use_causal_mask: r.pick([true, false]) };
    return {
      options: { ...options(r), ...rates },
      inputs: [[t, features], value, ...(keyed ? [[s, features]] : [])],
      output: [t, value[1]!],
    };
  };

export const severalCases: Readonly<Record<string, Generator>> = {
  add: merged(2, 4),
  subtract: merged(2, 2),
  multiply: merged(2, 3),
  average: merged(2, 4),
  maximum: merged(2, 3),
  minimum: merged(2, 3),
  concatenate(r) {
    const shape = r.shape(r.int(1, 3));
    const dim = r.int(0, shape.length - 1);
    const inputs = times(r.int(2, 4), () => {
      const own = r.int(1, 3);
      return shape.map((n, d) => (d === dim ? own : n));
    });
    const total = inputs.reduce((n, s) => n + s[dim]!, 0);
    return {
      options: { axis: r.pick([dim + 1, dim - shape.length]) },
      inputs,
      output: shape.map((n, d) => (d === dim ? total : n)),
    };
  },
  dot(r) {
    const k = r.int(1, 4);
    const [a, b] = [r.shape(r.int(0, 2)), r.shape(r.int(0, 2))];
    const [i, j] = [r.int(0, a.length), r.int(0, b.length)];
    const inputs = [a.toSpliced(i, 0, k), b.toSpliced(j, 0, k)];
    const output = a.length + b.length === 0 ? [1] : [...a, ...b];
    const axes = i === j && r.pick([true, false]) ? i + 1 : [i + 1, j - b.length - 1];
    return { options: { axes, normalize: r.pick([true, false]) }, inputs, output };
  },
  attention: attending((r) => ({
    use_scale: r.pick([true, false]),
    score_mode: r.pick(["dot", "concat"]),
  })),
  additive_attention: attending((r) => ({ use_scale: r.pick([true, false]) })),
  group_query_attention(r) {
    const [t, s, features, own] = [r.int(1, 3), r.int(1, 3), r.int(1, 3), r.int(1, 2)];
    const self = r.pick([true, false]);
    return {
      options: {
        head_dim: r.int(1, 3),
        num_query_heads: own * r.int(1, 3),
        num_key_value_heads: own,
        use_bias: r.pick([true, false]),
        dropout: r.pick([0, 0.4]),
        use_causal_mask: r.pick([true, false]),
        sliding_window: r.pick([null, 1, 2]),
        use_gate: r.pick([true, false]),
      },
      inputs: self
        ? [[t, features]]
        : [
            [t, features],
            [s, r.pick([features, 2])],
            [s, 3],
          ],
      output: [t, features],
    };
  },
  multi_head_attention(r) {
    const [t, s, features] = [r.int(1, 3), r.int(1, 3), r.int(1, 3)];
    const planes = r.pick([true, false]);
    const positions = (n: number, width: number) => (planes ? [n, 2, width] : [n, width]);
    const self = r.pick([true, false]);
    const out = r.pick([null, 3, [2, 3]]);
    return {
      options: {
        num_heads: r.int(1, 3),
        key_dim: r.int(1, 3),
        value_dim: r.pick([null, 2]),
        use_bias: r.pick([true, false]),
        output_shape: out,
        dropout: r.pick([0, 0.4]),
        use_causal_mask: !planes && r.pick([true, false]),
        sliding_window: planes ? null : r.pick([null, 1, 2]),
        attention_axes: planes ? r.pick<null | number | number[]>([null, 1, [-3, -2]]) : null,
        use_gate: r.pick([true, false]),
      },
      inputs: self
        ? [positions(t, features)]
        : [positions(t, features), positions(s, 2), positions(s, 3)],
      output: [...positions(t, features).slice(0, -1), ...[out ?? features].flat()],
    };
  },
};
