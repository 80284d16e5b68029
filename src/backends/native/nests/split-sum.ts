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
} from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { byModel, type Decide, upTo } from "../products/decisions.ts";
import { onlyReduction } from "../products/product.ts";
import type { Target } from "../target.ts";
import type { Nest } from "./nest.ts";

/** Sums shorter than this are left to one thread each. */
const longSum = 4096;
/** Most chunks; with it a sum is balanced among any few threads. */
const mostChunks = 20;

/**
 * Few outputs and a long sum: the sum is cut into a fixed number of chunks, computed side by side and added in
 * order, so that the result does not depend on the number of threads.
 */
export function splitSum(nest: Nest, { width }: Target, decide: Decide = byModel): readonly Nest[] {
  const sum = onlyReduction(nest);
  if (sum?.op !== "sum") return [nest];
  const outputs = sizeOf(nest.axes.map((a) => a.extent));
  const depth = sizeOf(sum.axes.map((a) => a.extent));
  const first = [...sum.axes].sort((p, q) => q.extent - p.extent)[0]!;
  const most = divisorUpTo(first.extent, mostChunks);
  // With this many outputs there are register tiles enough for the threads.
  const isWide = outputs >= 32 * 10 * 2 * width;
  const chunks = decide("chunks", most && depth >= longSum && !isWide ? most : 1, () =>
    upTo(first.extent).filter((n) => first.extent % n === 0),
  );
  if (chunks === 1) return [nest];
  const chunk: Axis = { name: "chunk", extent: chunks };
  const rest: Axis = { name: first.name, extent: first.extent / chunks };
  const whole = call("add", call("mul", index(chunk), int(rest.extent)), index(rest));
  const cut = (e: Expr) => rewrite(e, (x) => (x.kind === "index" && x.axis === first ? whole : x));
  const partial: TensorBuffer = {
    name: `${nest.name}.parts`,
    shape: [chunks, ...nest.axes.map((a) => a.extent)],
    dtype: "f32",
  };
  const summed = sum.axes.map((a) => (a === first ? rest : a));
  const part: Nest = {
    ...nest,
    name: `${nest.name}.parts`,
    axes: [chunk, ...nest.axes],
    stores: [{ buffer: partial, value: reduce("sum", summed, cut(sum.body)) }],
  };
  const q: Axis = { name: "q", extent: chunks };
  const total = reduce("sum", [q], load(partial, [index(q), ...nest.axes.map((a) => index(a))]));
  const stores = nest.stores.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => (e === sum ? total : e)),
  }));
  return [part, { ...nest, stores }];
}

const divisorUpTo = (n: number, most: number): number | undefined => {
  for (let d = most; d > 1; d--) if (n % d === 0) return d;
  return undefined;
};
