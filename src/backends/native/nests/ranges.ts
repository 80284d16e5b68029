/**
 * Results that are put together from ranges of columns, as by joining tensors side by side: where all tests of a
 * column's number have one answer, no test is needed. Such a nest becomes one a range, each writing its window of the
 * result, and what made the values of a range can write them there itself.
 */
import {
  type Axis,
  type Call,
  call,
  type Expr,
  index,
  int,
  typeOf,
  walk,
} from "../../../ir/expr.ts";
import { sameShape } from "../../../ir/graph.ts";
import { expandPadding, IndexAlgebra, rangeOf } from "../../../ir/index-algebra.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { windowOf } from "../../rows.ts";
import type { Nest } from "./nest.ts";

/** Ranges that are narrower make no good loops, and more of them no less code than the tests. */
const narrowest = 16;
const mostRanges = 8;

/** The nest as one for every range of its last axis, or of several results at a time; itself if neither makes sense. */
export function splitRanges(nest: Nest): readonly Nest[] {
  const [store] = nest.stores;
  const columns = nest.axes.at(-1);
  const isWhole = sameShape(
    nest.axes.map((a) => a.extent),
    store!.buffer.shape,
  );
  if (nest.stores.length > 1 || nest.axes.length < 2 || !isWhole || reduces(store!.value))
    return [nest];
  const value = expandPadding(store!.value);
  const several = sideBySide(nest, value);
  if (several) return [several];
  const ends = rangeEnds(value, columns!);
  const starts = [0, ...ends.slice(0, -1)];
  const widths = ends.map((end, i) => end - starts[i]!);
  if (ends.length < 2 || ends.length > mostRanges || Math.min(...widths) < narrowest) return [nest];
  return starts.map((start, i) => {
    const own: Axis = { name: columns!.name, extent: widths[i]! };
    const place = nest.axes.map((a) => (a === columns ? start : 0));
    const axes = nest.axes.map((a) => (a === columns ? own : a));
    const shape = axes.map((a) => a.extent);
    return {
      ...nest,
      axes,
      stores: [
        {
          buffer: windowOf(store!.buffer, place, shape),
          value: within(value, columns!, call("add", index(own), int(start))),
        },
      ],
    };
  });
}

/**
 * Where every value of an axis has a formula of its own, a nest that computes all of them at once: each is a store into a
 * window of the result, and what formulas have in common is computed once.
 */
function sideBySide(nest: Nest, value: Expr): Nest | undefined {
  const axis = nest.axes
    .slice(0, -1)
    .find((a) => a.extent > 1 && a.extent <= mostRanges && isChosenBy(value, a));
  if (!axis) return undefined;
  const single: Axis = { ...axis, extent: 1 };
  const axes = nest.axes.map((a) => (a === axis ? single : a));
  const shape = axes.map((a) => a.extent);
  const { buffer } = nest.stores[0]!;
  const stores = Array.from({ length: axis.extent }, (_, i) => ({
    buffer: windowOf(
      buffer,
      axes.map((a) => (a === single ? i : 0)),
      shape,
    ),
    value: within(value, axis, int(i)),
  }));
  return { ...nest, axes, stores };
}

/** Whether a value is chosen by tests for each number of an axis but the last, and nothing else depends on it. */
function isChosenBy(value: Expr, axis: Axis): boolean {
  let rest = value;
  for (let i = 0; i < axis.extent - 1; i++) {
    if (rest.kind !== "call" || rest.fn !== "select") return false;
    const [test, , other] = rest.args;
    if (test?.kind !== "call" || test.fn !== "eq") return false;
    const [index, number] = test.args;
    if (index?.kind !== "index" || index.axis !== axis) return false;
    if (number?.kind !== "const" || number.value !== i) return false;
    rest = other!;
  }
  return true;
}

const reduces = (e: Expr): boolean => {
  let found = false;
  walk(e, (x) => {
    if (x.kind === "reduce") found = true;
  });
  return found;
};

/** Where ranges end within which the tests of an axis have one answer each; the last is the axis's own end. */
function rangeEnds(value: Expr, axis: Axis): readonly number[] {
  const ends = new Set([axis.extent]);
  const algebra = new IndexAlgebra();
  walk(value, (e) => {
    if (e.kind !== "call" || !["lt", "le", "eq"].includes(e.fn) || typeOf(e.args[0]!) !== "int")
      return;
    const { constant: c, terms } = algebra.linear(call("sub", e.args[0]!, e.args[1]!));
    const [term] = terms;
    const isOwn = terms.length === 1 && term!.atom.kind === "index" && term!.atom.axis === axis;
    if (!isOwn || Math.abs(term!.coefficient) !== 1) return;
    // ±n + c is 0 at n = ∓c; the answer changes there or one after it.
    const zero = term!.coefficient === 1 ? -c : c;
    for (const end of [zero, zero + 1]) if (end > 0 && end < axis.extent) ends.add(end);
  });
  return significant(
    [...ends].sort((a, b) => a - b),
    value,
    axis,
  );
}

/** Without ends on both sides of which all answers are the same. */
function significant(ends: readonly number[], value: Expr, axis: Axis): readonly number[] {
  const answers = (n: number) => {
    const texts: string[] = [];
    const at = within(value, axis, int(n), (e, answer) => texts.push(`${e.fn}${answer}`));
    return at && texts.join();
  };
  return ends.filter((end) => end === axis.extent || answers(end - 1) !== answers(end));
}

/** A value with an axis replaced, and every test decided that has one answer then. */
function within(
  value: Expr,
  axis: Axis,
  by: Expr,
  tell: (e: Call, answer: boolean) => void = () => {},
): Expr {
  const algebra = new IndexAlgebra();
  const zero = (e: Expr) => e.kind === "const" && e.value === 0;
  return rewrite(value, (e) => {
    if (e.kind === "index") return e.axis === axis ? by : e;
    if (e.kind === "load") return { ...e, at: e.at.map((i) => algebra.simplify(i)) };
    if (e.kind !== "call") return e;
    const [a, b, c] = e.args;
    const answer = decided(e);
    if (answer !== undefined) {
      tell(e, answer);
      return answer ? always : never;
    }
    if (e.fn === "select" && a === always) return b!;
    if (e.fn === "select" && a === never) return c!;
    if (e.fn === "and" && (a === never || b === never)) return never;
    if (e.fn === "and" && a === always) return b!;
    if (e.fn === "and" && b === always) return a!;
    if (e.fn === "add" && typeOf(e) === "float") return zero(a!) ? b! : zero(b!) ? a! : e;
    if (e.fn === "min" || e.fn === "max") return clamped(e);
    return e;
  });
}

/** What tests are that hold everywhere, or nowhere; `and` and `select` take them away. */
const always: Expr = call("eq", int(0), int(0));
const never: Expr = call("eq", int(0), int(1));

function decided({ fn, args: [a, b] }: Call): boolean | undefined {
  if (!["lt", "le", "eq"].includes(fn) || typeOf(a!) !== "int") return undefined;
  const [lo, hi] = rangeOf(new IndexAlgebra().simplify(call("sub", a!, b!)));
  if (fn === "lt") return hi < 0 ? true : lo >= 0 ? false : undefined;
  if (fn === "le") return hi <= 0 ? true : lo > 0 ? false : undefined;
  return lo > 0 || hi < 0 ? false : lo === 0 && hi === 0 ? true : undefined;
}

/** A bound that is never reached is none. */
function clamped(e: Call): Expr {
  const [a, b] = e.args as [Expr, Expr];
  if (typeOf(a) !== "int") return e;
  const [[low, high], [least, most]] = [rangeOf(a), rangeOf(b)];
  if (e.fn === "min") return high <= least ? a : most <= low ? b : e;
  return low >= most ? a : least >= high ? b : e;
}
