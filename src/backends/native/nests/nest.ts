/** Nests: kernels that may write several buffers at once; what they read, write and need. */
import { type Axis, type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { isRow, isWindow, memoryOf, type Row, wholeOf } from "../../rows.ts";

export interface Store {
  readonly buffer: TensorBuffer;
  readonly value: Expr;
}
/** What is repeated for every step, up or down. */
export interface Repeat {
  readonly steps: number;
  readonly reverse: boolean;
}
/** `buffer[axes…] = value` for every store and every value of the axes. */
export interface Nest {
  readonly name: string;
  /** The loop that it is one step of; the nests of a loop stand together. */
  readonly loop?: Repeat;
  readonly axes: readonly Axis[];
  readonly stores: readonly Store[];
}
const loads = new WeakMap<Nest, ReadonlySet<TensorBuffer>>();

/** The buffers a nest reads. */
export function loadsOf(nest: Nest): ReadonlySet<TensorBuffer> {
  const known = loads.get(nest);
  if (known) return known;
  const found = new Set<TensorBuffer>();
  const seen = new Set<Expr>();
  for (const { value } of nest.stores) {
    const note = (e: Expr) => {
      if (e.kind === "load") found.add(e.buffer);
    };
    walk(value, note, seen);
  }
  loads.set(nest, found);
  return found;
}

/** The rows that nests read or write. */
export const rowsOf = (nests: readonly Nest[]): ReadonlySet<Row> =>
  new Set(nests.flatMap(buffersOf).map(wholeOf).filter(isRow));

const buffersOf = (n: Nest): readonly TensorBuffer[] => [
  ...loadsOf(n),
  ...n.stores.map((s) => s.buffer),
];
/** What nests write windows of that are not all of a dimension. */
export const windowedBy = (nests: readonly Nest[], dim: number): ReadonlySet<TensorBuffer> =>
  new Set(
    nests
      .flatMap((n) => n.stores.map((s) => s.buffer))
      .filter(isWindow)
      .filter((w) => w.shape[dim] !== w.of.shape[dim])
      .map(wholeOf),
  );

export const writes = (nest: Nest, buffer: TensorBuffer) =>
  nest.stores.some((s) => s.buffer === buffer);

/** Between steps of different loops, or a loop and what is outside, arrays count as a whole. */
export function dependsOn(user: Nest, maker: Nest): boolean {
  const [reads, writes] = [touchedBy(user), touchedBy(maker)];
  return user.loop && user.loop === maker.loop
    ? writes.wholes.some((b) => reads.loads.has(b))
    : writes.memory.some((b) => reads.memoryRead.has(b));
}

/** What a nest reads and writes, found once. */
interface Touched {
  readonly loads: ReadonlySet<TensorBuffer>;
  readonly memoryRead: ReadonlySet<TensorBuffer>;
  readonly wholes: readonly TensorBuffer[];
  readonly memory: readonly TensorBuffer[];
}
const touched = new WeakMap<Nest, Touched>();
export function touchedBy(nest: Nest): Touched {
  const known = touched.get(nest);
  if (known) return known;
  const loads = loadsOf(nest);
  const stored = nest.stores.map((s) => s.buffer);
  const made = {
    loads,
    memoryRead: new Set([...loads].map(memoryOf)),
    wholes: stored.map(wholeOf),
    memory: stored.map(memoryOf),
  };
  touched.set(nest, made);
  return made;
}

/** Whether indices are the nest's own axes, one by one. */
export const isOwnElement = (at: readonly Expr[], axes: readonly Axis[]): boolean =>
  at.every((e, d) =>
    e.kind === "index" ? e.axis === axes[d] : e.kind === "const" && axes[d]!.extent === 1,
  );

/** A nest with those of its loop. */
export const together = (n: Nest, nests: readonly Nest[]): readonly Nest[] =>
  n.loop ? nests.filter((m) => m.loop === n.loop) : [n];
