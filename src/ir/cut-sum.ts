/** A long sum as two: partial sums over chunks of it, computed side by side, and their sum. */
import {
  type Axis,
  type Compute,
  call,
  type Expr,
  index,
  int,
  load,
  type Reduce,
  reduce,
  type TensorBuffer,
} from "./expr.ts";
import { rewrite } from "./rewrite.ts";

export interface CutSum {
  /** The partial sums, of shape [chunks, extents of the outer axes …]. */
  readonly parts: Compute;
  /** What stands in the sum's place afterwards: the partial sums, added in order. */
  readonly total: Expr;
}

/**
 * @param name of the kernel that makes the partial sums, and of what it writes
 * @param outer the axes the sum is computed for
 * @param along one of the sum's axes; `chunks` divides its extent
 */
export function cutSum(
  name: string,
  outer: readonly Axis[],
  sum: Reduce,
  along: Axis,
  chunks: number,
): CutSum {
  const chunk: Axis = { name: "chunk", extent: chunks };
  const rest: Axis = { name: along.name, extent: along.extent / chunks };
  const whole = call("add", call("mul", index(chunk), int(rest.extent)), index(rest));
  const body = rewrite(sum.body, (e) => (e.kind === "index" && e.axis === along ? whole : e));
  const summed = sum.axes.map((a) => (a === along ? rest : a));
  const shape = [chunks, ...outer.map((a) => a.extent)];
  const output: TensorBuffer = { name, shape, dtype: "f32" };
  const parts = { name, output, axes: [chunk, ...outer], body: reduce("sum", summed, body) };
  const q: Axis = { name: "q", extent: chunks };
  const total = reduce("sum", [q], load(output, [index(q), ...outer.map((a) => index(a))]));
  return { parts, total };
}
