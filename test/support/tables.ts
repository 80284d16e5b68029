/**
 * Random tables whose rows are read by number, with their gradients and updates, as small training steps: for
 * tests of sums by key.
 */
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Graph, type Shape, sizeOf, type Tensor, variable } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { add, clip, integer, mul, sqrt, square, sub, tanh } from "../../src/ops/pointwise.ts";
import { scatterAdd, take } from "../../src/ops/take.ts";
import { slice, transpose } from "../../src/ops/view.ts";
import type { Contractions, Random } from "./contractions.ts";
import { input, random } from "./evaluate.ts";

interface Table {
  readonly rows: number;
  readonly rest: Shape;
  /** Shape of the numbers that rows are read by. */
  readonly keys: Shape;
}

function drawTable(r: Random): Table {
  const rest = r.pick<Shape>([[], [1], [3], [8], [16], [17], [40], [2, 5], [3, 8]]);
  const rows = r.pick([1, 2, 5, 12, 33, 90]);
  const keys = r.pick<Shape>([
    [1],
    [r.int(2, 90)],
    [r.int(1, 9), r.int(1, 9)],
    [2, 3, r.int(1, 7)],
  ]);
  // Long enough, sometimes, for the sum to be cut into chunks.
  if (r.uniform() < 0.15)
    return { rows: r.pick([1, 3, 7]), rest: r.pick([[], [3], [8]]), keys: [4096] };
  return { rows, rest, keys };
}

/** Whole numbers: some rows often, others never, or all the same one. */
function drawKeys(r: Random, { rows, keys }: Table, outside: number): Float64Array {
  const power = r.pick([1, 3, 50]);
  return Float64Array.from({ length: sizeOf(keys) }, () => {
    if (r.uniform() < outside) return r.pick([-1, -7, rows, rows + 5]);
    return Math.floor(rows * 0.9999 * r.uniform() ** power);
  });
}

/** The form in which the gradient is used. */
function used(r: Random, gradient: Tensor): Tensor {
  const { shape } = gradient.type;
  const [rows, width] = shape;
  switch (r.int(0, 5)) {
    case 0:
      return shape.length === 2 ? transpose(gradient, [1, 0]) : gradient;
    case 1: {
      const first = r.int(0, rows! - 1);
      const begin = shape.map((_, d) => (d === 0 ? first : 0));
      return slice(gradient, begin, [r.int(1, rows! - first), ...shape.slice(1)]);
    }
    case 2:
      return sqrt(add(square(gradient), width ?? 1));
    default:
      return gradient;
  }
}

/** @param count how many tables */
export function drawTables(seed: number, count: number): Contractions {
  const r = random(seed);
  const start = new Map<string, Float64Array>();
  const results = new Map<string, string>();
  const updates: { variable: Tensor; value: Tensor }[] = [];
  for (let i = 0; i < count; i++) {
    const table = drawTable(r);
    const { rows, rest, keys } = table;
    const about = `${rows} rows of [${rest}] by [${keys}]`;
    const given = (part: string, shape: Shape, values: Float64Array = r.array(sizeOf(shape))) => {
      start.set(`t${i}/${part}`, values);
      return input(`t${i}/${part}`, shape);
    };
    const state = (part: string, shape: Shape, next: (old: Tensor) => Tensor) => {
      const old = variable({ name: `t${i}/${part}`, shape });
      start.set(`t${i}/${part}`, r.array(sizeOf(shape)));
      results.set(`t${i}/${part}`, about);
      updates.push({ variable: old, value: next(old) });
    };
    const by = (part: string, outside: number) =>
      integer(given(part, keys, drawKeys(r, table, outside)));
    const shape = [rows, ...rest];
    if (r.uniform() < 0.5) {
      // What lies outside is in no row.
      const dy = given("dy", [...keys, ...rest]);
      const one = scatterAdd(r.pick([dy, tanh(dy)]), by("keys", 0.2), shape);
      const both = r.uniform() < 0.3 ? add(one, scatterAdd(dy, by("others", 0.1), shape)) : one;
      const value = used(r, both);
      state("sum", value.type.shape, (old) => add(mul(old, 0.5), value));
      continue;
    }
    // An optimizer that moves every row: the gradient is used where it is made.
    const c = given("c", [...keys, ...rest]);
    const at = integer(clip(given("keys", keys, drawKeys(r, table, 0.1)), 0, rows - 1));
    state("slot", shape, (slot) => {
      const w = variable({ name: `t${i}/w`, shape });
      start.set(`t${i}/w`, r.array(sizeOf(shape)));
      results.set(`t${i}/w`, about);
      const y = r.pick([square, tanh])(take(w, at));
      const [dw] = gradients(sum(mul(y, c), undefined, false), [w]);
      const next = add(mul(slot, 0.9), dw!);
      updates.push({ variable: w, value: sub(w, mul(next, 0.1)) });
      return next;
    });
  }
  return {
    graph: { name: "test", updates: updates as unknown as Graph["updates"] },
    start,
    results,
  };
}
