/**
 * Element by element users of a nest's results join it, so that a gradient is consumed by its optimizer where it is
 * made and never stored.
 */
import { index, type Reduce, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { sameShape, sizeOf } from "../../../ir/graph.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { isWindow, wholeOf } from "../../rows.ts";
import { findProduct } from "../products/product.ts";
import { dependsOn, isOwnElement, type Nest, touchedBy, writes } from "./nest.ts";

export function mergeAll(nests: readonly Nest[]): readonly Nest[] {
  const row = new Row(nests);
  for (let i = 0; i < row.nests.length; ) {
    const partner = partnerOf(row, i);
    if (!partner) {
      i++;
      continue;
    }
    const maker = row.nests[i]!;
    row.replace(i, partner.user, join(maker, row.nests[partner.user]!), partner.place);
    i = 0;
  }
  return row.nests;
}

/** Nests in their order, with who reads and who writes which memory. */
class Row {
  nests: readonly Nest[];
  readonly #readers = new Map<TensorBuffer, Set<Nest>>();
  readonly #writers = new Map<TensorBuffer, Set<Nest>>();
  #places = new Map<Nest, number>();

  constructor(nests: readonly Nest[]) {
    this.nests = nests;
    for (const n of nests) this.#note(n);
    this.#number();
  }

  /** Places of what depends on a nest, after it, in order. */
  users(i: number): readonly number[] {
    const maker = this.nests[i]!;
    const found = this.#among(this.#readers, touchedBy(maker).memory);
    return this.#placed(found, (n) => dependsOn(n, maker)).filter((k) => k > i);
  }

  /** Places of what a nest depends on, in order. */
  makers(k: number): readonly number[] {
    const user = this.nests[k]!;
    const found = this.#among(this.#writers, touchedBy(user).memoryRead);
    return this.#placed(found, (n) => dependsOn(user, n));
  }

  /** Puts one in place of two; the place is counted without these. */
  replace(i: number, k: number, joined: Nest, place: number): void {
    for (const n of [this.nests[i]!, this.nests[k]!]) this.#forget(n);
    this.#note(joined);
    const rest = this.nests.filter((_, at) => at !== i && at !== k);
    this.nests = [...rest.slice(0, place), joined, ...rest.slice(place)];
    this.#number();
  }

  #among(index: ReadonlyMap<TensorBuffer, ReadonlySet<Nest>>, memory: Iterable<TensorBuffer>) {
    const found = new Set<Nest>();
    for (const b of memory) for (const n of index.get(b) ?? []) found.add(n);
    return found;
  }

  #placed(found: ReadonlySet<Nest>, test: (n: Nest) => boolean): readonly number[] {
    const places = [...found].filter(test).map((n) => this.#places.get(n)!);
    return places.sort((p, q) => p - q);
  }

  #note(n: Nest): void {
    const { memoryRead, memory } = touchedBy(n);
    for (const [index, buffers] of [
      [this.#readers, memoryRead],
      [this.#writers, memory],
    ] as const)
      for (const b of buffers) index.set(b, (index.get(b) ?? new Set()).add(n));
  }

  #forget(n: Nest): void {
    const { memoryRead, memory } = touchedBy(n);
    for (const b of memoryRead) this.#readers.get(b)?.delete(n);
    for (const b of memory) this.#writers.get(b)?.delete(n);
  }

  #number(): void {
    this.#places = new Map(this.nests.map((n, i) => [n, i]));
  }
}

/**
 * A later nest that uses nest i element by element, and where among the others the two can stand as one: with
 * the user, if nothing before it uses nest i; with nest i, if the user needs nothing in between.
 */
function partnerOf(
  row: Row,
  i: number,
): { readonly user: number; readonly place: number } | undefined {
  const maker = row.nests[i]!;
  const [first, ...others] = row.users(i);
  if (first === undefined) return undefined;
  if (usesElementwise(row.nests[first]!, maker)) return { user: first, place: first - 1 };
  const user = others.find(
    (k) => usesElementwise(row.nests[k]!, maker) && !row.makers(k).some((m) => m > i && m < k),
  );
  return user === undefined ? undefined : { user, place: i };
}

/** Most terms of a reduction that joins another nest: longer ones are better shared among threads alone. */
const shortReduction = 64;

/** What has been found of two nests: every join begins the search anew. */
const known = new WeakMap<Nest, WeakMap<Nest, boolean>>();

function usesElementwise(user: Nest, maker: Nest): boolean {
  const own = known.get(maker) ?? new WeakMap<Nest, boolean>();
  known.set(maker, own);
  const found = own.get(user) ?? isElementwise(user, maker);
  own.set(user, found);
  return found;
}

function isElementwise(user: Nest, maker: Nest): boolean {
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
