/** Next values of variables are written over the old ones wherever nobody needs those any more. */
import { type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import type { Procedure, Variable } from "../../../ir/program.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { isWindow, memoryOf, type Row, type Window, wholeOf } from "../../rows.ts";
import { dependsOn, isOwnElement, loadsOf, type Nest, rowsOf, together, writes } from "./nest.ts";

export interface Nests {
  /** Where a next value can live in its variable's memory, the nests write the variable itself. */
  readonly nests: readonly Nest[];
  /** Next values that are copied at the end of the step. */
  readonly copies: readonly { readonly from: TensorBuffer; readonly to: Variable }[];
}

/** Orders nests so that old values are read before they are overwritten, wherever that is possible. */
export function placeUpdates(nests: readonly Nest[], { updates }: Procedure): Nests {
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
    const reads = (n: Nest) => [...loadsOf(n)].some((b) => memoryOf(b) === variable);
    const readers = nests.filter((n) => n !== writer && reads(n));
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
      if (e.kind !== "load" || memoryOf(e.buffer) !== variable) return;
      if (e.buffer !== variable || !isOwnElement(e.at, nest.axes)) own = false;
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
