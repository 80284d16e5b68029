/**
 * Sums of what belongs to a row, as a row's gradient in a table: Σ p: key[p] = row ? dy[p] : 0. To look at every
 * position for every row would cost rows · positions. Instead the key is inverted once: the positions in the order
 * of their keys, each row's being a run of them (compressed rows, CSR), and every row sums its own.
 */
import {
  type Axis,
  call,
  children,
  type Expr,
  index,
  int,
  load,
  type Reduce,
  type TensorBuffer,
  typeOf,
  walk,
} from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { fromLinear, IndexAlgebra, unflatten } from "../../../ir/index-algebra.ts";
import { Numbering } from "../../../ir/numbering.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { byModel, type Decide } from "../products/decisions.ts";
import type { Nest } from "./nest.ts";
import { isZero, sumOverRun } from "./runs.ts";

/** Positions sorted by a key; those with the same key stay in their order. */
export interface Inversion {
  readonly name: string;
  /** A position is a value of these, counted in row-major order. */
  readonly positions: readonly Axis[];
  /** A whole number for every position; positions whose key is no row are left out. */
  readonly key: Expr;
  readonly rows: number;
  /** `[rows + 1]`: where the positions of each row begin in `order`. */
  readonly starts: TensorBuffer;
  /** `[positions]` */
  readonly order: TensorBuffer;
}

/** The parts of Σ positions: key = row ? body : 0. */
interface Keyed {
  readonly row: Axis;
  readonly key: Expr;
  readonly body: Expr;
}

/** Operations of the sort, a position and a row. */
const [perPosition, perRow] = [8, 4] as const;

/** Rewrites the nests of one procedure, in order, and remembers what must be inverted for them. */
export class Inverter {
  readonly #decide: Decide;
  readonly #byOrder = new Map<TensorBuffer, Inversion>();
  readonly #byKey = new Map<string, Inversion>();
  readonly #numbering = new Numbering();
  readonly #axes = new Map<string, readonly Axis[]>();
  constructor(decide: Decide = byModel) {
    this.#decide = decide;
  }

  /** What makes the positions that a nest reads. */
  neededBy(reads: ReadonlySet<TensorBuffer>): readonly Inversion[] {
    return [...reads].flatMap((b) => this.#byOrder.get(b) ?? []);
  }

  /** The nest with every such sum as one over a run of ordered positions; its numbers and their order stay. */
  rewritten(nest: Nest): Nest {
    const sums = new Map<Reduce, Expr>();
    const change = (e: Expr): Expr => {
      if (e.kind !== "reduce") return e;
      const made = sums.get(e) ?? this.#sum(e, nest) ?? e;
      sums.set(e, made);
      return made;
    };
    const stores = nest.stores.map((s) => ({ ...s, value: rewrite(s.value, change) }));
    return [...sums].every(([e, made]) => e === made) ? nest : { ...nest, stores };
  }

  #sum(e: Reduce, nest: Nest): Expr | undefined {
    const found = keyedSum(e, nest.axes);
    if (!found) return undefined;
    const { row, key, body } = found;
    const extents = e.axes.map((a) => a.extent);
    const count = sizeOf(extents);
    const dense = count * sizeOf(nest.axes.map((a) => a.extent));
    const pays = dense > perPosition * count + perRow * row.extent;
    if (!this.#decide("invert", pays, () => [true, false])) return undefined;
    const { starts, order } = this.#inversion(nest.name, e.axes, key, row.extent);
    const q: Axis = { name: "q", extent: count };
    const algebra = new IndexAlgebra();
    const parts = unflatten(load(order, [index(q)]), extents).map((x) => algebra.simplify(x));
    const place = new Map(e.axes.map((a, d) => [a, parts[d]!]));
    const term = rewrite(body, (x) => (x.kind === "index" ? (place.get(x.axis) ?? x) : x));
    const next = call("add", index(row), int(1));
    return sumOverRun(q, load(starts, [index(row)]), load(starts, [next]), term);
  }

  /** One for all sums by the same key, unless the key is made of what steps change. */
  #inversion(name: string, axes: readonly Axis[], key: Expr, rows: number): Inversion {
    const shape = axes.map((a) => a.extent);
    const positions = this.#axes.get(shape.join()) ?? axes;
    this.#axes.set(shape.join(), positions);
    const renamed = new Map(axes.map((a, d) => [a, index(positions[d]!)]));
    const own = rewrite(key, (x) => (x.kind === "index" ? (renamed.get(x.axis) ?? x) : x));
    const id = `${this.#numbering.of(own)} in ${rows}`;
    const known = this.#byKey.get(id);
    if (known && !readsState(own)) return known;
    const buffer = (part: string, extent: number): TensorBuffer => {
      return { name: `${name}.${part}`, shape: [extent], dtype: "i32" };
    };
    const starts = buffer("starts", rows + 1);
    const order = buffer("order", sizeOf(shape));
    const made = { name: `${name}.order`, positions, key: own, rows, starts, order };
    this.#byKey.set(id, made);
    this.#byOrder.set(order, made);
    return made;
  }
}

function readsState(key: Expr): boolean {
  let found = false;
  walk(key, (e) => {
    if (e.kind === "load" && "kind" in e.buffer && e.buffer.kind === "state") found = true;
  });
  return found;
}

/** A sum as one over what belongs to a row of the nest. @param around the axes of the nest */
export function keyedSum({ op, axes, body }: Reduce, around: readonly Axis[]): Keyed | undefined {
  if (op !== "sum" || body.kind !== "call" || body.fn !== "select") return undefined;
  const [condition, value, otherwise] = body.args;
  if (!isZero(otherwise!)) return undefined;
  const tests = conjunctsOf(condition!);
  for (const test of tests) {
    const found = keyOf(test, axes, around);
    if (!found) continue;
    const others = tests.filter((t) => t !== test);
    const rest = others.reduce<Expr | undefined>((a, b) => (a ? call("and", a, b) : b), undefined);
    return { ...found, body: rest ? call("select", rest, value!, otherwise!) : value! };
  }
  return undefined;
}

const conjunctsOf = (e: Expr): readonly Expr[] =>
  e.kind === "call" && e.fn === "and" ? e.args.flatMap(conjunctsOf) : [e];

/** A test as `key = row`, where the row is an axis of the nest and the key is known from the position alone. */
function keyOf(test: Expr, axes: readonly Axis[], around: readonly Axis[]) {
  if (test.kind !== "call" || test.fn !== "eq" || typeOf(test.args[0]!) !== "int") return undefined;
  const { constant, terms } = new IndexAlgebra().linear(call("sub", test.args[0]!, test.args[1]!));
  const [own, ...others] = terms.filter((t) => isBound(t.atom, around));
  if (others.length > 0 || own?.atom.kind !== "index" || Math.abs(own.coefficient) !== 1)
    return undefined;
  const rest = terms.filter((t) => t !== own);
  if (!rest.some((t) => isBound(t.atom, axes))) return undefined;
  const sign = -own.coefficient;
  const scaled = rest.map((t) => ({ ...t, coefficient: sign * t.coefficient }));
  return { row: own.atom.axis, key: fromLinear({ constant: sign * constant, terms: scaled }) };
}

/** Whether a value depends on one of the axes. */
const isBound = (e: Expr, axes: readonly Axis[]): boolean =>
  (e.kind === "index" && axes.includes(e.axis)) || children(e).some((c) => isBound(c, axes));
