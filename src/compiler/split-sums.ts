/**
 * Cuts long sums with few results, for targets that compute very many results at once and each of them slowly: partial
 * sums fill such a target, and a second kernel adds them.
 */

import { cutSum } from "../ir/cut-sum.ts";
import { type Axis, type Compute, type Loop, type Reduce, walk } from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import { isKernel } from "../ir/kernels.ts";
import { onlySum } from "../ir/reductions.ts";
import { rewrite } from "../ir/rewrite.ts";
import type { Lowered } from "./lower.ts";

/** What another kernel costs, in terms of a sum: on an H200 a launch takes as long as about a hundred dependent loads. */
const launch = 128;

/** @param atOnce results that the target computes side by side */
export function splitSums(lowered: Lowered, atOnce: number): Lowered {
  const split = (kernel: Compute): readonly Compute[] => {
    const sum = onlySum(kernel.body);
    const cut = sum && bestCut(sum, outerOf(kernel, sum), atOnce);
    if (!cut) return [kernel];
    const { along, chunks, outer } = cut;
    const { parts, total } = cutSum(`${kernel.name}.parts`, outer, sum, along, chunks);
    const body = rewrite(kernel.body, (e) => (e === sum ? total : e));
    return [parts, { ...kernel, body }];
  };
  const kernels = lowered.kernels.flatMap<Compute | Loop>((k) => (isKernel(k) ? split(k) : [k]));
  return { ...lowered, kernels };
}

/** The kernel's axes that the sum depends on. */
function outerOf({ axes }: Compute, sum: Reduce): readonly Axis[] {
  const used = new Set<Axis>();
  walk(sum.body, (e) => {
    if (e.kind === "index") used.add(e.axis);
  });
  return axes.filter((a) => used.has(a));
}

/** The axis and the number of chunks that make both kernels together the quickest; undefined: better not at all. */
function bestCut(sum: Reduce, outer: readonly Axis[], atOnce: number) {
  const results = sizeOf(outer.map((a) => a.extent));
  const depth = sizeOf(sum.axes.map((a) => a.extent));
  const rounds = (threads: number) => Math.max(1, threads / atOnce);
  const time = (chunks: number) =>
    (depth / chunks) * rounds(results * chunks) + chunks * rounds(results);
  let best: { along: Axis; chunks: number; outer: readonly Axis[] } | undefined;
  let least = depth * rounds(results) - launch;
  for (const along of sum.axes) {
    for (let chunks = 2; chunks <= along.extent; chunks++) {
      if (along.extent % chunks !== 0 || time(chunks) >= least) continue;
      least = time(chunks);
      best = { along, chunks, outer };
    }
  }
  return best;
}
