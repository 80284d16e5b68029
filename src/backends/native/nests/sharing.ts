/** How the work of a nest is shared among threads, and whether it is worth it. */
import type { Expr } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import type { Nest } from "./nest.ts";
import { termsOf } from "./runs.ts";

/** Operations from which on a nest is shared among threads. */
export const worthSharing = 16_000;

/** How threads share a first loop: whole units of `size` iterations, the first `tall` of one more. */
export interface Units {
  readonly size: number;
  readonly tall: number;
  readonly count: number;
}
/** Where thread `t` of `nt` begins. */
export const unitStart = ({ size, tall, count }: Units, t: string): string => {
  const unit = `(${count}L * ${t} / nt)`;
  if (size === 1 && tall === 0) return unit;
  return tall === 0 ? `${unit} * ${size}` : `(${unit} * ${size} + MIN(${unit}, ${tall}))`;
};

/** Arithmetic of a nest, roughly: every call once an element, reductions by their extent. */
export function workOf(nest: Nest): number {
  const costs = new Map<Expr, number>();
  const cost = (e: Expr): number => {
    const known = costs.get(e);
    if (known !== undefined) return known;
    const inner =
      e.kind === "call" ? e.args : e.kind === "reduce" ? [e.body] : e.kind === "load" ? e.at : [];
    const own =
      e.kind === "call"
        ? ["exp", "log", "tanh", "pow"].includes(e.fn)
          ? 8
          : 1
        : e.kind === "load"
          ? 1
          : 0;
    const sum = own + inner.reduce((n, x) => n + cost(x), 0);
    const total = e.kind === "reduce" ? sum * termsOf(e) : sum;
    costs.set(e, total);
    return total;
  };
  return (
    sizeOf(nest.axes.map((a) => a.extent)) * nest.stores.reduce((n, s) => n + cost(s.value), 0)
  );
}
