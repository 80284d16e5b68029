/** An op of one's own, with its gradient and its lowering, and a layer that uses it. */
import {
  call,
  constant,
  defineLayer,
  defineOp,
  index,
  reduce,
  type Shape,
  showShape,
  sizeOf,
  type Tensor,
  z,
} from "nnc/plugin";

interface CumulativeSum {
  /** The dimension that is summed along. */
  readonly dim: number;
  /** From the end. */
  readonly reverse: boolean;
}

const extent = ({ attrs: { dim }, type: { shape } }: Tensor<CumulativeSum>) => shape[dim]!;

// y[…, i, …] = Σ over k ≤ i of x[…, k, …]; over k ≥ i if reverse
const cumulativeSumOp = defineOp<CumulativeSum>({
  name: "cumulativeSum",
  infer: ([x]) => x!,
  lower([x], at, y) {
    const { dim, reverse } = y.attrs;
    const axis = { name: "k", extent: extent(y) };
    const [i, k] = [at[dim]!, index(axis)];
    const counts = reverse ? call("le", i, k) : call("le", k, i);
    const term = call("select", counts, x!(at.with(dim, k)), constant(0));
    return reduce("sum", [axis], term);
  },
  // dx[…, k, …] = Σ over i ≥ k of dy[…, i, …]
  grad: (dy, { attrs: { dim, reverse } }) => [cumulativeSum(dy, { dim, reverse: !reverse })],
  // What the compiler weighs when it decides what to write to memory.
  reads: (y) => [sizeOf(y.type.shape) * extent(y)],
  work: extent,
});
const cumulativeSum = (x: Tensor, attrs: CumulativeSum): Tensor => cumulativeSumOp([x], attrs);

export const cumulative = defineLayer({
  name: "cumulative_sum",
  doc: "y[i] = x[0] + … + x[i] along one dimension.",
  takes: "one",
  options: {
    axis: z.int().default(1).describe("Dimension to sum along; the first behind the batch is 1."),
    reverse: z.boolean().default(false).describe("Sum from the end."),
  },
  build([x], { axis, reverse }, ctx) {
    const dim = dimension(x!.type.shape, axis);
    if (dim !== undefined) return cumulativeSum(x!, { dim, reverse });
    return ctx.fail({
      path: ["axis"],
      message: `cumulative_sum: ${showShape(x!.type.shape)} has no such dimension`,
      expected: `1 to ${x!.type.shape.length - 1}; 0 is the batch`,
      received: `${axis}`,
    });
  },
});

/** A dimension behind the batch, counted from the end if negative. */
function dimension({ length }: Shape, axis: number): number | undefined {
  const dim = axis < 0 ? axis + length : axis;
  return dim >= 1 && dim < length ? dim : undefined;
}
