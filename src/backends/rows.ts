/**
 * Buffers that lie in others: rows, which are what a loop's step sees of an array that lies step after step in memory,
 * and windows.
 */
import type { Compute, Expr, Loop, TensorBuffer } from "../ir/expr.ts";
import type { Shape } from "../ir/graph.ts";
import { rowOffset, stepOffset, usesAxis } from "../ir/kernels.ts";
import { rewrite } from "../ir/rewrite.ts";

/** Row s + offset of an array at step s of a loop, or just that row. */
export interface Row extends TensorBuffer {
  readonly of: TensorBuffer;
  readonly offset: number;
  readonly moves: boolean;
}
export const isRow = (b: TensorBuffer): b is Row => "moves" in b;

/** Part of a buffer, from `start` on in every dimension. */
export interface Window extends TensorBuffer {
  readonly of: TensorBuffer;
  readonly start: readonly number[];
}
export const isWindow = (b: TensorBuffer): b is Window => "start" in b;
export function windowOf(of: TensorBuffer, start: readonly number[], shape: Shape): Window {
  const ranges = shape.map((n, d) => {
    if (n === of.shape[d]) return ":";
    return n === 1 ? start[d] : `${start[d]}…${start[d]! + n - 1}`;
  });
  return { name: `${of.name}[${ranges.join(", ")}]`, shape, dtype: of.dtype, of, start };
}

/** The buffer of which it is a window, if it is one. */
export const wholeOf = (b: TensorBuffer): TensorBuffer => (isWindow(b) ? b.of : b);
/** The buffer in whose memory it lies. */
export function memoryOf(b: TensorBuffer): TensorBuffer {
  const whole = wholeOf(b);
  return isRow(whole) ? whole.of : whole;
}

function rowOf(array: TensorBuffer, offset: number, moves: boolean): Row {
  const { shape, dtype } = array;
  const step = offset === 0 ? "s" : `s + ${offset}`;
  const name = `${array.name}[${moves ? step : offset}]`;
  return { name, shape: shape.slice(1), dtype, of: array, offset, moves };
}

/** A kernel outside loops: what it writes may be one row. */
export function outsideLoop(kernel: Compute): Compute {
  const { row, ...whole } = kernel;
  if (row?.kind !== "const") return kernel;
  return { ...whole, output: rowOf(kernel.output, row.value, false) };
}

/** A loop's kernels as they are at one step, without the loop's axis. */
export function oneStep(loop: Loop): readonly Compute[] {
  const known = new Map<string, Row>();
  const ids = new Map<TensorBuffer, number>();
  const own = new Set(loop.kernels.filter((k) => k.row).map((k) => k.output));
  const rowAt = (array: TensorBuffer, offset: number): Row => {
    ids.set(array, ids.get(array) ?? ids.size);
    const key = `${ids.get(array)}:${offset}`;
    const row = known.get(key) ?? rowOf(array, offset, true);
    known.set(key, row);
    return row;
  };
  const atStep = (body: Expr): Expr =>
    rewrite(body, (e) => {
      if (e.kind !== "load" || e.at.length === 0) return e;
      const isByStep = own.has(e.buffer) || usesAxis(e.at[0]!, loop);
      const offset = isByStep ? rowOffset(e, loop) : undefined;
      if (offset === undefined) return e;
      return { ...e, buffer: rowAt(e.buffer, offset), at: e.at.slice(1) };
    });
  return loop.kernels.map(({ row, ...kernel }) => {
    const body = atStep(kernel.body);
    if (!row) return { ...kernel, body };
    return { ...kernel, body, output: rowAt(kernel.output, stepOffset(row, loop)!) };
  });
}
