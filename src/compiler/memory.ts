/**
 * Memory planning: places temporaries in one arena so that buffers which are never alive together share
 * space. First fit over live ranges, the largest buffers first.
 */
import { buffersRead, type TensorBuffer } from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import { isKernel } from "../ir/kernels.ts";
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

/**
 * Next values of variables stay alive to the end of the step, when all are taken over at once. What a loop reads or
 * writes row by row, or reads from outside, is needed as long as it runs.
 */
export function liveRanges({ kernels, updates }: Lowered): readonly LiveRange[] {
  const lives = new Map<TensorBuffer, { first: number; last: number }>();
  const note = (buffer: TensorBuffer, from: number, to = from) => {
    const { first, last } = lives.get(buffer) ?? { first: from, last: to };
    lives.set(buffer, { first: Math.min(first, from), last: Math.max(last, to) });
  };
  const written = new Set<TensorBuffer>();
  let position = 0;
  for (const part of kernels) {
    const own = isKernel(part) ? [part] : part.kernels;
    const passing = new Set(own.filter((k) => !k.row).map((k) => k.output));
    const [start, end] = [position, position + own.length - 1];
    for (const kernel of own) {
      for (const buffer of [kernel.output, ...buffersRead(kernel.body)]) {
        if (passing.has(buffer)) note(buffer, position);
        else note(buffer, start, end);
      }
      written.add(kernel.output);
      position++;
    }
  }
  for (const { next } of updates) note(next, position);
  return [...written].map((buffer) => ({ buffer, ...lives.get(buffer)! }));
}
