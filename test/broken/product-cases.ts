/** Equations, attention and categories that do not fit. The data is four numbers an example. */
import { type BrokenSpec, broken } from "./case.ts";

const equation = (text: string, more = "output_shape: 3") => ({
  model: `\n  - einsum_dense: { equation: ${text}, ${more} }\n  - dense: { units: 1 }`,
});

export const productCases: readonly BrokenSpec[] = [
  broken("an equation without a kernel", equation('⟦"ab->ac"⟧'), /no equation/, /ab,bc->ac/),
  broken("... on one side", equation('⟦"...b,bc->ac"⟧'), /no equation/),
  broken("a letter twice", equation('⟦"aa,ac->ac"⟧'), /"a" stands twice in aa/),
  broken("a size that is nowhere", equation('⟦"ab,bdc->ac"⟧'), /the size of "d" is not known/),
  broken("a dimension of nothing", equation('⟦"ab,bc->acd"⟧'), /"d" comes from nowhere/),
  broken("a batch that moves", equation('⟦"ab,bc->ca"⟧'), /"a" is the batch/, /begin with a/),
  broken("a kernel with the batch", equation('⟦"ab,abc->ac"⟧'), /not in the kernel/),
  broken(
    "a batch in a letter's place",
    equation('⟦"...ab,bc->...ca"⟧', "output_shape: [3, 4]"),
    /"a" is the batch/,
  ),
  broken("letters for dimensions", equation('⟦"abc,cd->abd"⟧'), /2 dimensions with its batch, abc/),
  broken(
    "a bias along what is summed",
    equation('"ab,bc->ac"', "output_shape: 3, bias_axes: ⟦b⟧"),
    /no such dimensions/,
    /bias_axes: c/,
  ),
  broken(
    "sizes with the batch's",
    equation('"ab,bc->ac"', "output_shape: ⟦[null, 3]⟧"),
    /2 numbers for 1 dimensions/,
    /one for each of c/,
  ),
  broken(
    "another size than the input's",
    equation('"ab,bc->abc"', "output_shape: ⟦[5, 3]⟧"),
    /"b" is 4 in the input/,
  ),
  broken(
    "no size for what is new",
    equation('"ab,bc->abc"', "output_shape: ⟦[4, null]⟧"),
    /nothing says how large "c" is/,
  ),
  broken(
    "heads that do not divide",
    {
      model:
        "\n  - reshape: { target_shape: [2, 2] }\n  - group_query_attention: { head_dim: 2, num_query_heads: 4, num_key_value_heads: ⟦3⟧ }\n  - flatten\n  - dense: { units: 1 }",
    },
    /4 heads of queries do not divide among 3/,
    /a divisor of 4/,
  ),
  broken(
    "bins that do not ascend",
    {
      model:
        "\n  - discretization: { bin_boundaries: [0, 2, ⟦1⟧], output_mode: count }\n  - dense: { units: 1 }",
    },
    /do not ascend/,
    /more than 2/,
  ),
  broken(
    "as many bins as Keras finds by itself",
    {
      model:
        "\n  - discretization: { bin_boundaries: [0], ⟦num_bins⟧: 3 }\n  - dense: { units: 1 }",
    },
    /quantiles/,
  ),
  broken(
    "too few categories for the data",
    { model: "\n  - category_encoding: { num_tokens: ⟦3⟧ }\n  - dense: { units: 1 }" },
    /numbers that do not fit/,
    /num_tokens: 8/,
  ),
];
