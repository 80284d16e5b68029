/**
 * How a tensor lies in memory: address = base + Σ stride·index, one dimension optionally cut into blocks of
 * `width` adjacent lanes ("panels"). Row-major is the plain case.
 */
import type { TensorBuffer } from "../../ir/expr.ts";
import { type Shape, sizeOf } from "../../ir/graph.ts";

export interface Layout {
  readonly base: number;
  readonly strides: readonly number[];
  /** Elements of memory it takes. */
  readonly size: number;
  /** Whether what lies between or around the elements must be zero. */
  readonly zeros?: true;
  readonly block?: { readonly dim: number; readonly width: number; readonly stride: number };
}

/** Elements behind every buffer's memory that may be read, but not written: vectors do not stop at the end. */
export const readAhead = 64;

export const elementBytes = { f32: 4, i32: 4, u8: 1 } as const;

export type LayoutOf = (buffer: TensorBuffer) => Layout;
/** How the generated file calls a buffer's memory. */
export type PointerOf = (buffer: TensorBuffer) => string;

export function plain(shape: Shape): Layout {
  const strides = shape.map((_, d) => sizeOf(shape.slice(d + 1)));
  return { base: 0, strides, size: sizeOf(shape) };
}

/** Row-major with room for zeros before and after each dimension. */
export function padded(shape: Shape, before: readonly number[], after: readonly number[]): Layout {
  const { strides, size } = plain(shape.map((n, d) => n + before[d]! + after[d]!));
  const isPadded = [...before, ...after].some((n) => n > 0);
  const base = before.reduce((b, n, d) => b + n * strides[d]!, 0);
  return { base, strides, size, ...(isPadded ? { zeros: true } : {}) };
}

/** Row-major with unused room after each index of the first dimension. */
export function spaced(shape: Shape, room: number): Layout {
  const { strides } = plain(shape);
  const step = strides[0]! + room;
  return { base: 0, strides: [step, ...strides.slice(1)], size: step * shape[0]! };
}

/** Part of a layout, from some indices on; blocks are not cut. */
export function windowed(whole: Layout, start: readonly number[]): Layout {
  const { strides, size, block } = whole;
  return { base: addressOf(whole, start), strides, size, ...(block ? { block } : {}) };
}

/** `[dim/width][other dimensions][width]`. */
export function panels(shape: Shape, dim: number, width: number): Layout {
  const strides: number[] = [];
  let step = width;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (d === dim) {
      strides[d] = 1;
      continue;
    }
    strides[d] = step;
    step *= shape[d]!;
  }
  const blocks = Math.ceil(shape[dim]! / width);
  const size = step * blocks;
  const isPadded = shape[dim]! % width !== 0;
  return {
    ...{ base: 0, strides, size, block: { dim, width, stride: step } },
    ...(isPadded ? { zeros: true } : {}),
  };
}

export const isPlain = (x: Layout, shape: Shape): boolean =>
  !x.block && x.size === sizeOf(shape) && x.base === 0;

/**
 * Dimensions in which memory is one run, from outside in, each with the step of its last: `[first, end, stride]`.
 * In an address over such a run quotients and remainders of a reshape cancel.
 */
export function runsOf(x: Layout, shape: Shape): readonly (readonly [number, number, number])[] {
  const runs: [number, number, number][] = [];
  for (let d = 0; d < shape.length; d++) {
    const last = runs.at(-1);
    const isRun =
      last &&
      x.block?.dim !== d &&
      x.block?.dim !== d - 1 &&
      x.strides[d - 1] === x.strides[d]! * shape[d]!;
    if (isRun) {
      last[1] = d + 1;
      last[2] = x.strides[d]!;
    } else runs.push([d, d + 1, x.strides[d]!]);
  }
  return runs;
}

/** Address of an element. */
export function addressOf(x: Layout, at: readonly number[]): number {
  return at.reduce((sum, i, d) => {
    if (x.block?.dim !== d) return sum + i * x.strides[d]!;
    return sum + Math.floor(i / x.block.width) * x.block.stride + (i % x.block.width);
  }, x.base);
}

/** Where lane `l` of a row along the unit dimension lies, from the row's start. */
export const laneOffset = (x: Layout, l: number): number =>
  x.block ? Math.floor(l / x.block.width) * x.block.stride + (l % x.block.width) : l;

/** The dimensions whose neighbours are adjacent: first the one that has neighbours, then one of a single element. */
export function unitDimensions(x: Layout, shape: Shape): readonly number[] {
  if (x.block) return [x.block.dim];
  const last = (single: boolean) =>
    x.strides.findLastIndex((stride, d) => stride === 1 && (shape[d] === 1) === single);
  return [last(false), last(true)].filter((d) => d >= 0);
}

/** The dimension whose neighbours are adjacent, if there is one. */
export const unitDimension = (x: Layout, shape: Shape): number | undefined =>
  unitDimensions(x, shape)[0];
