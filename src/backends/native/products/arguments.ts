/** What a product's epilogue reads and writes: in a schedule, numbered arguments. */

import type { Axis, Expr, TensorBuffer } from "../../../ir/expr.ts";
import { IndexAlgebra } from "../../../ir/index-algebra.ts";
import type { Layout, LayoutOf } from "../layout.ts";
import { accumulator, type Product, type Strided, stridesIn } from "./product.ts";

/** Everything the epilogue reads or writes, each place once. */
export function argumentsOf(
  axes: readonly Axis[],
  vector: Axis,
  epilogue: Product["epilogue"],
  layoutOf: LayoutOf,
) {
  const algebra = new IndexAlgebra();
  const list: { buffer: TensorBuffer; at: Strided; layout: Layout; key: string }[] = [];
  const ids = new Map<TensorBuffer, number>();
  let linear = true;
  const place = (buffer: TensorBuffer, at: readonly Expr[]): number => {
    const layout = layoutOf(buffer);
    const strided = stridesIn(at, buffer.shape, layout, vector, algebra);
    // Columns of an argument lie side by side, or are all the same: one read across itself is neither.
    if (!strided || (strided.strides.get(vector) ?? 1) !== 1) {
      linear = false;
      return 0;
    }
    if (!ids.has(buffer)) ids.set(buffer, ids.size);
    const key = `${ids.get(buffer)}:${strided.base}:${axes.map((x) => strided.strides.get(x) ?? 0).join()}`;
    const known = list.findIndex((x) => x.key === key);
    if (known >= 0) return known;
    list.push({ buffer, at: strided, layout, key });
    return list.length - 1;
  };
  const own: Expr[] = axes.map((axis) => ({ kind: "index", axis }));
  const memo = new Map<Expr, Expr>();
  const resolve = (e: Expr): Expr => {
    const known = memo.get(e);
    if (known) return known;
    const made = resolved(e);
    memo.set(e, made);
    return made;
  };
  const resolved = (e: Expr): Expr => {
    if (e.kind === "load" && e.buffer !== accumulator) return argument(place(e.buffer, e.at));
    return e.kind === "call" ? { ...e, args: e.args.map(resolve) } : e;
  };
  const stores = epilogue.map(({ buffer, value }) => ({
    arg: place(buffer, own),
    value: resolve(value),
  }));
  return linear ? { list, stores } : undefined;
}

/** In a schedule, the n-th argument is a load from this. */
export const argument = (n: number): Expr => ({
  kind: "load",
  buffer: argumentBuffers(n),
  at: [],
});
const made: TensorBuffer[] = [];
function argumentBuffers(n: number): TensorBuffer {
  while (made.length <= n) made.push({ name: `e${made.length}`, shape: [], dtype: "f32" });
  return made[n]!;
}
export const argumentNumber = (buffer: TensorBuffer): number => made.indexOf(buffer);
