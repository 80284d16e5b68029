/**
 * Memory planning: places temporaries in one arena so that buffers which are never alive together share
 * space. First fit over live ranges, the largest buffers first.
 */
import { buffersRead, type TensorBuffer } from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import type { Procedure } from "../ir/program.ts";
import type { Lowered } from "./lower.ts";

/** Written by kernel `first`, last read by kernel `last`. */
export interface LiveRange {
  readonly buffer: TensorBuffer;
  readonly first: number;
  readonly last: number;
}

/** Offsets are multiples of this many elements, so that vectors stay aligned. */
const alignment = 16;

export function planMemory(lowered: Lowered): Procedure {
  const offsets = new Map<TensorBuffer, number>();
  const placed: (LiveRange & { start: number; end: number })[] = [];
  const bySize = [...liveRanges(lowered)].sort(
    (a, b) => sizeOf(b.buffer.shape) - sizeOf(a.buffer.shape) || a.first - b.first,
  );
  for (const range of bySize) {
    const length = Math.ceil(sizeOf(range.buffer.shape) / alignment) * alignment;
    const rivals = placed
      .filter((p) => p.first <= range.last && range.first <= p.last)
      .sort((a, b) => a.start - b.start);
    let start = 0;
    for (const rival of rivals) {
      if (start + length <= rival.start) break;
      start = Math.max(start, rival.end);
    }
    placed.push({ ...range, start, end: start + length });
    offsets.set(range.buffer, start);
  }
  return { ...lowered, offsets, arenaSize: Math.max(0, ...placed.map((p) => p.end)) };
}

/** Next values of variables stay alive to the end of the step, when all are taken over at once. */
export function liveRanges({ kernels, updates }: Lowered): readonly LiveRange[] {
  const last = new Map<TensorBuffer, number>();
  for (const [k, kernel] of kernels.entries()) {
    for (const buffer of buffersRead(kernel.body)) last.set(buffer, k);
  }
  for (const { next } of updates) last.set(next, kernels.length);
  return kernels.map((kernel, k) => ({
    buffer: kernel.output,
    first: k,
    last: last.get(kernel.output) ?? k,
  }));
}
