/** Numbers of the spec as tensors. */
import type { Shape, Tensor } from "../../ir/graph.ts";
import { concatenate, fill, reshape } from "../../ops/view.ts";

/** A list of numbers, [n]; built of halves, so that reading an element asks log n questions. */
function vector(values: readonly number[]): Tensor {
  if (values.every((v) => v === values[0])) return fill(values[0]!, [values.length]);
  const middle = Math.ceil(values.length / 2);
  return concatenate([vector(values.slice(0, middle)), vector(values.slice(middle))], 0);
}
/** Numbers in row-major order. */
export const constants = (values: readonly number[], shape: Shape): Tensor =>
  reshape(vector(values), shape);
