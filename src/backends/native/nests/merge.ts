/**
 * Element by element users of a nest's results join it, so that a gradient is consumed by its optimizer where it is
 * made and never stored.
 */
import { index, type Reduce, walk } from "../../../ir/expr.ts";
import { sameShape, sizeOf } from "../../../ir/graph.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { isWindow, wholeOf } from "../../rows.ts";
import { findProduct } from "../products/product.ts";
import { dependsOn, isOwnElement, type Nest, writes } from "./nest.ts";

export function mergeAll(nests: readonly Nest[]): readonly Nest[] {
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
