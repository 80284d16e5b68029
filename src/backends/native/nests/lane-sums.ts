/**
 * Reductions along contiguous memory: each lane reduces every `width`-th element, then the lanes are reduced. The
 * order is fixed by the width, so results are too.
 */

import { type Axis, call, type Expr, index, int, type Reduce, reduce } from "../../../ir/expr.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import type { LayoutOf } from "../layout.ts";
import { reductionOf } from "../products/product.ts";
import type { Nest } from "./nest.ts";
import { runOf } from "./runs.ts";
import { type VectorNest, vectorNest } from "./vector-nest.ts";

/** @returns undefined if the nest has no such reduction, or a value in it no vector form */
export function laneSums(nest: Nest, width: number, layoutOf: LayoutOf): VectorNest | undefined {
  const found = reductionOf(nest);
  if (!found || runOf(found) || width === 1) return undefined;
  for (const inner of found.axes.filter((a) => a.extent >= 2 * width)) {
    const { value, lane } = byLanes(found, inner, width);
    const stores = nest.stores.map((s) => ({
      ...s,
      value: rewrite(s.value, (e) => (e === found ? value : e)),
    }));
    const vectors = vectorNest({ ...nest, stores }, lane, width, layoutOf);
    if (vectors && isContiguous(vectors)) return vectors;
  }
  return undefined;
}

/** Whether all that varies from lane to lane lies side by side. */
export const isContiguous = ({ places }: VectorNest): boolean =>
  [...places.values()].every((p) => p.lane === 0 || p.lane === 1);

/** The reduction with `inner` cut into whole vectors, whose lanes are reduced last, and a rest. */
function byLanes({ op, axes, body }: Reduce, inner: Axis, width: number) {
  const lane: Axis = { name: "lane", extent: width };
  const whole: Axis = { name: inner.name, extent: Math.floor(inner.extent / width) };
  const rest: Axis = { name: "rest", extent: inner.extent % width };
  const others = axes.filter((a) => a !== inner);
  const at = (i: Expr) => rewrite(body, (e) => (e.kind === "index" && e.axis === inner ? i : e));
  const first = call("mul", index(whole), int(width));
  const lanes = reduce(op, [...others, whole], at(call("add", first, index(lane))));
  const total = reduce(op, [lane], lanes);
  if (rest.extent === 0) return { value: total, lane };
  const start = call("add", int(whole.extent * width), index(rest));
  const left = reduce(op, [...others, rest], at(start));
  return { value: call(op === "sum" ? "add" : "max", total, left), lane };
}
