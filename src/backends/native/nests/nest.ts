/**
 * Nests: kernels that may write several buffers at once. Element by element users of a kernel's result join
 * it, so that a gradient is consumed by its optimizer where it is made and never stored; and next values are
 * written over the old ones wherever nobody needs those any more.
 */
import {
  type Axis,
  type Compute,
  type Expr,
  index,
  type Reduce,
  type TensorBuffer,
  walk,
} from "../../../ir/expr.ts";
import { sameShape, sizeOf } from "../../../ir/graph.ts";
import { rangeOf } from "../../../ir/index-algebra.ts";
import { isKernel } from "../../../ir/kernels.ts";
import type { Procedure, Variable } from "../../../ir/program.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { expand } from "../../expand.ts";
import {
  isRow,
  isWindow,
  memoryOf,
  oneStep,
  outsideLoop,
  type Row,
  type Window,
  wholeOf,
} from "../../rows.ts";
import { findProduct } from "../products/product.ts";
import { splitRanges } from "./ranges.ts";

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
export interface Nests {
  /** Where a next value can live in its variable's memory, the nests write the variable itself. */
  readonly nests: readonly Nest[];
  /** Next values that are copied at the end of the step. */
  readonly copies: readonly { readonly from: TensorBuffer; readonly to: Variable }[];
}

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
/** What nests write windows of. */
export const windowedBy = (nests: readonly Nest[]): ReadonlySet<TensorBuffer> =>
  new Set(
    nests
      .flatMap((n) => n.stores.map((s) => s.buffer))
      .filter(isWindow)
      .map(wholeOf),
  );

const writes = (nest: Nest, buffer: TensorBuffer) => nest.stores.some((s) => s.buffer === buffer);

/** Between steps of different loops, or a loop and what is outside, arrays count as a whole. */
function dependsOn(user: Nest, maker: Nest): boolean {
  if (user.loop && user.loop === maker.loop)
    return [...loadsOf(user)].some((b) => maker.stores.some((s) => wholeOf(s.buffer) === b));
  const written = maker.stores.map((s) => memoryOf(s.buffer));
  return [...loadsOf(user)].some((b) => written.includes(memoryOf(b)));
}

function mergeAll(nests: readonly Nest[]): readonly Nest[] {
  let current = nests;
  for (let i = 0; i < current.length; ) {
    const partner = partnerOf(current, i);
    if (!partner) {
      i++;
      continue;
    }
    const { user, place } = partner;
    const rest = current.filter((_, k) => k !== i && k !== user);
    const joined = join(current[i]!, current[user]!);
    current = [...rest.slice(0, place), joined, ...rest.slice(place)];
    i = 0;
  }
  return current;
}

/**
 * A later nest that uses nest i element by element, and where among the others the two can stand as one: with
 * the user, if nothing before it uses nest i; with nest i, if the user needs nothing in between.
 */
function partnerOf(
  nests: readonly Nest[],
  i: number,
): { readonly user: number; readonly place: number } | undefined {
  const maker = nests[i]!;
  const first = nests.findIndex((n, k) => k > i && dependsOn(n, maker));
  if (first < 0) return undefined;
  if (usesElementwise(nests[first]!, maker)) return { user: first, place: first - 1 };
  const user = nests.findIndex(
    (n, k) =>
      k > first &&
      dependsOn(n, maker) &&
      usesElementwise(n, maker) &&
      !nests.slice(i + 1, k).some((m) => dependsOn(n, m)),
  );
  return user < 0 ? undefined : { user, place: i };
}

/** Most terms of a reduction that joins another nest: longer ones are better shared among threads alone. */
const shortReduction = 64;

function usesElementwise(user: Nest, maker: Nest): boolean {
  if (user.loop !== maker.loop) return false;
  const shape = (n: Nest) => n.axes.map((a) => a.extent);
  if (!sameShape(shape(user), shape(maker))) return false;
  let aligned = true;
  const windows = maker.stores
    .map((s) => s.buffer)
    .filter(isWindow)
    .map(wholeOf);
  for (const { value } of user.stores) {
    walk(value, (e) => {
      if (e.kind === "load" && writes(maker, e.buffer) && !isOwnElement(e.at, user.axes))
        aligned = false;
      if (e.kind === "load" && windows.includes(e.buffer)) aligned = false;
      // Products stay by themselves.
      if (e.kind === "reduce" && (isLong(e) || [user, maker].some(findProduct))) aligned = false;
    });
  }
  return aligned;
}

const isLong = (e: Reduce) => sizeOf(e.axes.map((a) => a.extent)) > shortReduction;

/** Whether indices are the nest's own axes, one by one. */
export const isOwnElement = (at: readonly Expr[], axes: readonly Axis[]): boolean =>
  at.every((e, d) =>
    e.kind === "index" ? e.axis === axes[d] : e.kind === "const" && axes[d]!.extent === 1,
  );

function join(maker: Nest, user: Nest): Nest {
  const axes = new Map(user.axes.map((a, d) => [a, index(maker.axes[d]!)]));
  const values = new Map(maker.stores.map((s) => [s.buffer, s.value]));
  const stores = user.stores.map(({ buffer, value }) => ({
    buffer,
    value: rewrite(value, (e) => {
      if (e.kind === "index") return axes.get(e.axis) ?? e;
      return e.kind === "load" ? (values.get(e.buffer) ?? e) : e;
    }),
  }));
  return { ...maker, stores: [...maker.stores, ...stores] };
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

/** A nest with those of its loop. */
const together = (n: Nest, nests: readonly Nest[]): readonly Nest[] =>
  n.loop ? nests.filter((m) => m.loop === n.loop) : [n];

/** Orders nests so that old values are read before they are overwritten, wherever that is possible. */
function placeUpdates(nests: readonly Nest[], { updates }: Procedure): Nests {
  // What one nest of a loop needs, all of them wait for.
  const needs = (n: Nest, m: Nest) =>
    m !== n &&
    together(n, nests).some((own) => (own === n || m.loop !== n.loop) && dependsOn(own, m));
  const before = new Map(nests.map((n) => [n, new Set(nests.filter((m) => needs(n, m)))]));
  const reaches = (from: Nest, to: Nest, seen = new Set<Nest>()): boolean => {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return [...before.get(from)!].some((n) => reaches(n, to, seen));
  };
  const inPlace = new Map<TensorBuffer, Variable>();
  const copies: { from: TensorBuffer; to: Variable }[] = [];
  for (const { variable, next } of updates) {
    const writer = nests.find((n) => writes(n, next))!;
    const readers = nests.filter((n) => n !== writer && loadsOf(n).has(variable));
    const safe = readsOwn(writer, variable) && readers.every((r) => !reaches(r, writer));
    if (safe) {
      for (const r of readers) before.get(writer)!.add(r);
      inPlace.set(next, variable);
    } else copies.push({ from: next, to: variable });
  }
  const names = new Map<TensorBuffer, TensorBuffer>(inPlace);
  for (const row of rowsOf(nests)) {
    const array = inPlace.get(row.of);
    const own: Row | undefined = array && { ...row, of: array };
    if (own) names.set(row, own);
  }
  for (const { buffer } of nests.flatMap((n) => n.stores)) {
    const whole = names.get(wholeOf(buffer));
    if (isWindow(buffer) && whole) names.set(buffer, { ...buffer, of: whole } as Window);
  }
  return { nests: ordered(nests, before).map((n) => renamed(n, names)), copies };
}

/** The nest with some buffers replaced by others. */
function renamed(nest: Nest, names: ReadonlyMap<TensorBuffer, TensorBuffer>): Nest {
  const value = (e: Expr) =>
    rewrite(e, (x) =>
      x.kind === "load" && names.has(x.buffer) ? { ...x, buffer: names.get(x.buffer)! } : x,
    );
  const stores = nest.stores.map((s) => ({
    buffer: names.get(s.buffer) ?? s.buffer,
    value: value(s.value),
  }));
  return { ...nest, stores };
}

function readsOwn(nest: Nest, variable: TensorBuffer): boolean {
  let own = true;
  const visit = (value: Expr) =>
    walk(value, (e) => {
      if (e.kind === "load" && e.buffer === variable && !isOwnElement(e.at, nest.axes)) own = false;
    });
  for (const { value } of nest.stores) visit(value);
  return own;
}

/** Every nest after those it needs, otherwise in the order they came; a loop's nests together. */
function ordered(
  nests: readonly Nest[],
  before: ReadonlyMap<Nest, ReadonlySet<Nest>>,
): readonly Nest[] {
  const done = new Set<Nest>();
  const visit = (n: Nest) => {
    if (done.has(n)) return;
    const own = together(n, nests);
    for (const m of nests) if (!own.includes(m) && own.some((o) => before.get(o)!.has(m))) visit(m);
    for (const o of own) done.add(o);
  };
  for (const n of nests) visit(n);
  return [...done];
}
