/** Long sums with few results, cut into a fixed number of chunks. */
import { cutSum } from "../../../ir/cut-sum.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { divisorUpTo } from "../../../ir/reductions.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { byModel, type Decide, upTo } from "../products/decisions.ts";
import { reductionOf } from "../products/product.ts";
import type { Target } from "../target.ts";
import { loadsOf, type Nest } from "./nest.ts";

/** Sums shorter than this are left to one thread each. */
const longSum = 4096;
/** Most chunks; with it a sum is balanced among any few threads. */
const mostChunks = 20;

/**
 * Whether a sum reads so much more than so many elements that those of its chunks are worth writing: each thread then reads
 * its chunks alone, at best while they are still at hand. An optimizer that uses the sum where it is made is worth more.
 */
const readsMore = (nest: Nest, elements: number): boolean =>
  nest.stores.every((s) => s.value.kind === "reduce") &&
  [...loadsOf(nest)].reduce((n, b) => n + sizeOf(b.shape), 0) > 2 * elements;

/**
 * Few outputs and a long sum: the sum is cut into a fixed number of chunks, computed side by side and added in
 * order, so that the result does not depend on the number of threads.
 */
export function splitSum(nest: Nest, { width }: Target, decide: Decide = byModel): readonly Nest[] {
  const sum = reductionOf(nest);
  if (sum?.op !== "sum") return [nest];
  const outputs = sizeOf(nest.axes.map((a) => a.extent));
  const depth = sizeOf(sum.axes.map((a) => a.extent));
  const first = [...sum.axes].sort((p, q) => q.extent - p.extent)[0]!;
  const most = divisorUpTo(first.extent, mostChunks);
  // With this many outputs there are register tiles enough for the threads.
  const isWide = outputs >= 32 * 10 * 2 * width && !readsMore(nest, 2 * most * outputs);
  const chunks = decide("chunks", depth >= longSum && !isWide ? most : 1, () =>
    upTo(first.extent).filter((n) => first.extent % n === 0),
  );
  if (chunks === 1) return [nest];
  const { parts, total } = cutSum(`${nest.name}.parts`, nest.axes, sum, first, chunks);
  const part: Nest = {
    ...nest,
    ...{ name: parts.name, axes: parts.axes },
    stores: [{ buffer: parts.output, value: parts.body }],
  };
  const stores = nest.stores.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => (e === sum ? total : e)),
  }));
  return [part, { ...nest, stores }];
}
