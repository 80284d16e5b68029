/** The index algebra against plain evaluation, on random expressions. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Axis, call, type Expr, index, int } from "../../src/ir/expr.ts";
import { flatten, IndexAlgebra, rangeOf, unflatten } from "../../src/ir/index-algebra.ts";
import { random } from "../support/evaluate.ts";

function value(e: Expr, at: ReadonlyMap<Axis, number>): number {
  if (e.kind === "const") return e.value;
  if (e.kind === "index") return at.get(e.axis)!;
  if (e.kind !== "call") throw new Error(e.kind);
  const [a, b] = e.args.map((x) => value(x, at)) as [number, number];
  switch (e.fn) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "neg":
      return -a;
    case "mul":
      return a * b;
    case "idiv":
      assert.ok(a >= 0, "a negative number is divided");
      return Math.floor(a / b);
    case "mod":
      assert.ok(a >= 0, "a negative number has no remainder");
      return a % b;
    default:
      throw new Error(e.fn);
  }
}

function* points(axes: readonly Axis[]): Generator<ReadonlyMap<Axis, number>> {
  const total = axes.reduce((n, a) => n * a.extent, 1);
  for (let i = 0; i < total; i++) {
    let rest = i;
    const at = new Map<Axis, number>();
    for (const a of axes) {
      at.set(a, rest % a.extent);
      rest = Math.floor(rest / a.extent);
    }
    yield at;
  }
}

/** A random expression that never divides a negative number. */
function expression(r: ReturnType<typeof random>, axes: readonly Axis[], depth: number): Expr {
  if (depth === 0) return r.uniform() < 0.7 ? index(r.pick(axes)) : int(r.int(0, 7));
  const sub = () => expression(r, axes, depth - 1);
  const divisor = int(r.int(1, 6));
  switch (r.int(0, 5)) {
    case 0:
      return call("add", sub(), sub());
    case 1:
      return call("mul", sub(), int(r.int(0, 5)));
    case 2:
      return call("idiv", sub(), divisor);
    case 3:
      return call("mod", sub(), divisor);
    case 4: {
      const [a, b] = [sub(), sub()];
      return call("sub", call("add", a, int(Math.max(0, rangeOf(b)[1]))), b);
    }
    default: {
      const x = sub();
      return call("add", call("mul", call("idiv", x, divisor), divisor), call("mod", x, divisor));
    }
  }
}

test("a normal form has the value of the expression, and its range holds", () => {
  for (let seed = 0; seed < 400; seed++) {
    const r = random(seed);
    const axes = [2, 3, 4].map((n, i): Axis => ({ name: "ijk"[i]!, extent: r.int(1, n + 1) }));
    const e = expression(r, axes, r.int(1, 4));
    const simple = new IndexAlgebra().simplify(e);
    const [lo, hi] = rangeOf(simple);
    for (const at of points(axes)) {
      const want = value(e, at);
      assert.is(value(simple, at), want, `seed ${seed}`);
      assert.ok(lo <= want && want <= hi, `seed ${seed}: ${want} outside ${lo}…${hi}`);
    }
  }
});

test("flattening undoes unflattening, to nothing but the index", () => {
  const flat: Axis = { name: "f", extent: 5 * 7 * 3 * 2 };
  const shape = [5, 7, 3, 2];
  const back = flatten(unflatten(index(flat), shape), shape);
  assert.equal(new IndexAlgebra().simplify(back), index(flat));
});

test("a reshape that merges dimensions leaves only strides", () => {
  const [b, i] = [
    { name: "b", extent: 10 },
    { name: "i", extent: 784 },
  ];
  const at = unflatten(flatten([index(b), index(i)], [10, 784]), [10, 28, 28]);
  const algebra = new IndexAlgebra();
  assert.equal(algebra.simplify(at[0]!), index(b));
  const flat = algebra.simplify(flatten(at, [10, 28, 28]));
  assert.equal(flat, call("add", call("mul", index(b), int(784)), index(i)));
});

test.run();
