/** Random equations, of every kind of letter that there can be. */
import { type Generator, type Random, times } from "./layer-case.ts";

const shuffled = <T>(r: Random, list: readonly T[]): T[] =>
  list
    .map((x) => [r.uniform(), x] as const)
    .sort(([a], [b]) => a - b)
    .map(([, x]) => x);

/** Names come from who has the dimension; `a` is the batch. */
export const einsumDense: Generator = (r) => {
  const others = r.pick(["none", "front", "behind"]);
  const [passed, both] = ["pq", "st"].map((letters) => letters.slice(0, r.int(0, 1)));
  const [summed, made] = ["xy", "uv"].map((letters) => letters.slice(0, r.int(1, 2)));
  const lost = r.pick(["", "", "z"]);
  const sizes = new Map([..."pstxyzuv"].map((c) => [c, r.int(1, 3)]));
  const of = (letters: readonly string[]) => letters.map((c) => sizes.get(c)!);
  const x = shuffled(r, [...(passed! + both! + summed! + lost)]);
  const kernel = shuffled(r, [...(both! + summed! + made!)]);
  const y = shuffled(r, [...(passed! + both! + made!)]);
  const more = others === "none" ? [] : times(r.int(0, 2), () => r.int(1, 3));
  const [batch, front, behind] =
    others === "front" ? ["", "...", ""] : ["a", "", others === "behind" ? "..." : ""];
  const asInput = (c: string) => passed!.includes(c) && r.pick([true, false]);
  const sized = y.map((c) => (asInput(c) ? null : sizes.get(c)!));
  const biased = y.filter(() => r.pick([true, false])).join("");
  const whole = (own: readonly number[]) => (front ? [...more, ...own] : [...own, ...more]);
  return {
    options: {
      equation: `${front}${batch}${x.join("")}${behind},${kernel.join("")}->${front}${batch}${y.join("")}${behind}`,
      output_shape: sized.length === 1 && sized[0] !== null ? sized[0]! : sized,
      bias_axes: biased || null,
      activation: r.pick(["linear", "tanh"]),
    },
    inputs: [whole(of(x))],
    output: whole(of(y)),
  };
};
