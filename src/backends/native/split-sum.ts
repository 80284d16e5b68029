/** Long sums with few results, cut into a fixed number of chunks. */
import {
  type Axis,
  call,
  type Expr,
  index,
  int,
  load,
  reduce,
  type TensorBuffer,
} from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { rewrite } from "../../ir/rewrite.ts";
import type { Nest } from "./nest.ts";
import { accumulator, findProduct } from "./product.ts";
import type { Target } from "./target.ts";

/**
 * Few outputs and a long sum: the sum is cut into a fixed number of chunks, computed side by side and added in
 * order, so that the result does not depend on the number of threads.
 */
export function splitSum(nest: Nest, { width }: Target): readonly Nest[] {
  const product = findProduct(nest);
  if (!product) return [nest];
  const outputs = sizeOf(nest.axes.map((a) => a.extent));
  const depth = sizeOf(product.summed.map((a) => a.extent));
  const first = [...product.summed].sort((p, q) => q.extent - p.extent)[0];
  const chunks = first && divisorUpTo(first.extent, 20);
  if (!first || !chunks || depth < 8192 || outputs >= 32 * 10 * 2 * width) return [nest];
  const chunk: Axis = { name: "chunk", extent: chunks };
  const rest: Axis = { name: first.name, extent: first.extent / chunks };
  const whole = call("add", call("mul", index(chunk), int(rest.extent)), index(rest));
  const cut = (e: Expr) => rewrite(e, (x) => (x.kind === "index" && x.axis === first ? whole : x));
  const partial: TensorBuffer = {
    name: `${nest.name}.parts`,
    shape: [chunks, ...nest.axes.map((a) => a.extent)],
    dtype: "f32",
  };
  const summed = product.summed.map((a) => (a === first ? rest : a));
  const part: Nest = {
    name: `${nest.name}.parts`,
    axes: [chunk, ...nest.axes],
    stores: [
      {
        buffer: partial,
        value: reduce("sum", summed, call("mul", cut(product.a), cut(product.b))),
      },
    ],
  };
  const q: Axis = { name: "q", extent: chunks };
  const total = reduce("sum", [q], load(partial, [index(q), ...nest.axes.map((a) => index(a))]));
  const stores = product.epilogue.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => (e.kind === "load" && e.buffer === accumulator ? total : e)),
  }));
  return [part, { ...nest, stores }];
}

const divisorUpTo = (n: number, most: number): number | undefined => {
  for (let d = most; d > 1; d--) if (n % d === 0) return d;
  return undefined;
};
