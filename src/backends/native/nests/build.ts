/**
 * From a procedure's kernels to nests: each becomes one, or one a range of columns; then those that belong together are
 * joined, and next values take the place of old ones.
 */
import { type Compute, type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { rangeOf } from "../../../ir/index-algebra.ts";
import { isKernel } from "../../../ir/kernels.ts";
import type { Procedure } from "../../../ir/program.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { expand } from "../../expand.ts";
import { isRow, memoryOf, oneStep, outsideLoop, wholeOf } from "../../rows.ts";
import { mergeAll } from "./merge.ts";
import { loadsOf, type Nest, type Repeat, rowsOf } from "./nest.ts";
import { splitRanges } from "./ranges.ts";
import { type Nests, placeUpdates } from "./updates.ts";

export function buildNests(procedure: Procedure): Nests {
  const nestOf = ({ name, axes, output, body }: Compute, loop?: Repeat): Nest => ({
    name,
    ...(loop ? { loop } : {}),
    axes,
    stores: [{ buffer: output, value: expand(body, ["erf"]) }],
  });
  const single = procedure.kernels.flatMap((part) => {
    if (isKernel(part)) return [nestOf(outsideLoop(part))];
    const loop: Repeat = { steps: part.axis.extent, reverse: part.reverse };
    return oneStep(part).map((k) => nestOf(k, loop));
  });
  const kept = new Set<TensorBuffer>(procedure.updates.map((u) => u.next));
  const ranges = squeeze(single, kept).flatMap((n) =>
    kept.has(n.stores[0]!.buffer) ? [n] : splitRanges(n),
  );
  const merged = dropUnread(mergeAll(ranges), kept);
  return placeUpdates(merged, procedure);
}

/** Temporaries without their dimensions of extent 1, so that nests over the same elements have the same axes. */
function squeeze(nests: readonly Nest[], kept: ReadonlySet<TensorBuffer>): readonly Nest[] {
  const smaller = new Map<TensorBuffer, TensorBuffer>();
  const open = readOutside(nests);
  const arrays = new Set([...rowsOf(nests)].map(memoryOf));
  for (const { buffer } of nests.flatMap((n) => n.stores)) {
    const shape = buffer.shape.filter((n) => n > 1);
    const isFixed = kept.has(buffer) || open.has(buffer) || isRow(buffer) || arrays.has(buffer);
    const isOwn = !isFixed && shape.length < buffer.shape.length;
    if (isOwn) smaller.set(buffer, { ...buffer, shape });
  }
  const value = (e: Expr) =>
    rewrite(e, (x) => {
      const buffer = x.kind === "load" ? smaller.get(x.buffer) : undefined;
      if (x.kind !== "load" || !buffer) return x;
      return { ...x, buffer, at: x.at.filter((_, d) => x.buffer.shape[d]! > 1) };
    });
  return nests.map((n) => {
    const own = smaller.has(n.stores[0]!.buffer);
    return {
      ...n,
      axes: own ? n.axes.filter((a) => a.extent > 1) : n.axes,
      stores: n.stores.map((s) => ({
        buffer: smaller.get(s.buffer) ?? s.buffer,
        value: value(s.value),
      })),
    };
  });
}

/** Buffers of which a dimension of extent 1 is read outside, where they are zero: it says so and must stay. */
function readOutside(nests: readonly Nest[]): ReadonlySet<TensorBuffer> {
  const found = new Set<TensorBuffer>();
  const seen = new Set<Expr>();
  const isOutside = (i: Expr, extent: number) => extent === 1 && rangeOf(i).some((x) => x !== 0);
  for (const { value } of nests.flatMap((n) => n.stores))
    walk(
      value,
      (e) => {
        const isOpen = e.kind === "load" && e.padded;
        if (isOpen && e.at.some((i, d) => isOutside(i, e.buffer.shape[d]!))) found.add(e.buffer);
      },
      seen,
    );
  return found;
}

/** Without stores that no nest reads and no update keeps. */
function dropUnread(nests: readonly Nest[], kept: ReadonlySet<TensorBuffer>): readonly Nest[] {
  const read = new Set(nests.flatMap((n) => [...loadsOf(n)].flatMap((b) => [b, memoryOf(b)])));
  return nests.map((n) => ({
    ...n,
    stores: n.stores.filter(({ buffer }) => {
      const whole = wholeOf(buffer);
      return kept.has(whole) || isRow(whole) || read.has(whole);
    }),
  }));
}
