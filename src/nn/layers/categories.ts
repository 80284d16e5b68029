/** Numbers as categories (https://keras.io/api/layers/preprocessing_layers/categorical/, and numerical). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { equal, float, lessEqual } from "../../ops/pointwise.ts";
import { max, sum } from "../../ops/reduce.ts";
import { iota, reshape } from "../../ops/view.ts";
import { constants } from "./constants.ts";
import { defineLayer } from "./layer.ts";

const modes = ["one_hot", "multi_hot", "count"] as const;
const forms =
  "one_hot: a 1 for every number, along a new dimension or in place of a last one of 1; multi_hot: along the last " +
  "dimension, a 1 for each category that occurs; count: how often it does.";

/**
 * Categories from 0 to below `depth` along a dimension of their own, the last.
 * @param x [batch, …, n], whole numbers; n numbers become one result for `multi_hot` and `count`
 */
function encoded(x: Tensor, depth: number, mode: (typeof modes)[number]): Tensor {
  const { shape } = x.type;
  const single = shape.length > 1 && shape.at(-1) === 1;
  const rows = single && mode === "one_hot" ? shape.slice(0, -1) : shape;
  // An example that is one number is a list of one.
  const listed = rows.length > 1 || mode === "one_hot" ? rows : [...rows, 1];
  const hot = equal(reshape(float(x), [...listed, 1]), float(iota([depth])));
  const dims = [listed.length - 1];
  switch (mode) {
    case "one_hot":
      return hot;
    case "multi_hot":
      return max(hot, dims, false);
    case "count":
      return sum(hot, dims, false);
    default:
      return mode satisfies never;
  }
}

export const categoryEncoding = defineLayer({
  name: "category_encoding",
  doc: "Whole numbers as rows of 1 and 0, or as counts of what occurs.",
  takes: "one",
  mask: "stops",
  options: {
    num_tokens: z
      .int()
      .positive()
      .describe("How many numbers there are: inputs are 0 to num_tokens − 1."),
    output_mode: z.enum(modes).default("multi_hot").describe(forms),
  },
  build: ([x], { num_tokens, output_mode }) => encoded(x!, num_tokens, output_mode),
  wants: ({ num_tokens }) => ({ lowest: 0, highest: num_tokens - 1, option: ["num_tokens"] }),
});

export const discretization = defineLayer({
  name: "discretization",
  doc: "The number of the bin that a number is in: how many of the boundaries are not above it.",
  takes: "one",
  mask: "stops",
  options: {
    bin_boundaries: z
      .array(z.number())
      .min(1)
      .describe("Where bins begin, ascending: [0, 1] makes x < 0, 0 ≤ x < 1 and 1 ≤ x."),
    output_mode: z
      .enum(["int", ...modes])
      .default("int")
      .describe(`int: the number itself; ${forms}`),
  },
  check({ bin_boundaries: b }) {
    const at = b.findIndex((v, i) => i > 0 && v <= b[i - 1]!);
    if (at < 0) return undefined;
    return {
      path: ["bin_boundaries", at],
      message: "boundaries of bins do not ascend",
      expected: `more than ${b[at - 1]}`,
      received: `${b[at]}`,
      fix: "sort them, and leave out what is there twice",
    };
  },
  build([x], { bin_boundaries, output_mode }) {
    const { shape } = x!.type;
    const begun = lessEqual(
      constants(bin_boundaries, [bin_boundaries.length]),
      reshape(float(x!), [...shape, 1]),
    );
    const bins = sum(begun, [shape.length], false);
    return output_mode === "int" ? bins : encoded(bins, bin_boundaries.length + 1, output_mode);
  },
});
