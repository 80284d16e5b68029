/**
 * Products of matrices: each thread of a group of four computes the same four neighbouring outputs with
 * scalar code and hands on its own. Four sums then share each load of the row operand, no load depends on
 * the SIMD lane, and pointers count bytes, which V8 turns into one address computation a load. Several times
 * faster on WebAssembly than one output a thread.
 */
import { type Axis, type Compute, call, type Expr, index, int, type Load } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { IndexAlgebra, type Linear } from "../../ir/index-algebra.ts";
import { onlySum } from "../../ir/reductions.ts";
import { rewrite } from "../../ir/rewrite.ts";
import { flattenBody, splitAxis, stridesOf } from "../flat.ts";
import { printBody } from "../printer.ts";
import { dialect, Integers } from "./dialect.ts";
import type { Printed, Reads } from "./kernel.ts";

const lanes = 4;
const sums = ["a", "b", "c", "d"] as const;

/** Where the product's operands lie: elements to move by along rows, columns and the summed axis. */
interface Product {
  readonly rows: Axis;
  readonly columns: Axis;
  readonly depth: number;
  readonly a: Operand;
  readonly b: Operand;
  readonly body: Expr;
}
interface Operand {
  readonly load: Load;
  readonly base: number;
  readonly row: number;
  readonly column: number;
  readonly step: number;
}

/** The kernel in this form, or undefined if it is no such product. */
export function printTile(kernel: Compute, reads: Reads): Printed | undefined {
  const product = findProduct(kernel, reads);
  if (!product) return undefined;
  const { rows, columns } = product;
  const integers = new Integers();
  const loop = sumLoop(product, reads, integers);
  const row = integers.declare("m");
  const column = integers.declare("n");
  const outputs = sums.map((sum, lane) => laneBody(product, sum, lane, reads, integers));
  const [p, q, r, s] = outputs.map((o) => o.result) as [string, string, string, string];
  return {
    form: "tile",
    output: [lanes, columns.extent / lanes, rows.extent],
    lines: [
      ...integers.declarations,
      ...sums.map((n) => `let ${n} = 0.0;`),
      `${row} = this.thread.z;`,
      `${column} = this.thread.y * ${lanes};`,
      ...loop,
      ...outputs.flatMap((o) => o.statements),
      ...integers.increments,
      `return this.thread.x < 2 ? (this.thread.x < 1 ? ${p} : ${q}) : (this.thread.x < 3 ? ${r} : ${s});`,
    ],
  };
}

function findProduct(kernel: Compute, reads: Reads): Product | undefined {
  const columns = kernel.axes.at(-1);
  if (!columns || columns.extent % lanes !== 0) return undefined;
  const others = kernel.axes.slice(0, -1);
  const rows: Axis = { name: "m", extent: sizeOf(others.map((a) => a.extent)) };
  const body = flattenBody(kernel.body, splitAxis(rows, others), reads.views);
  const reduce = onlySum(body);
  const factors = reduce && factorsOf(reduce.body);
  if (!reduce || !factors) return undefined;
  const algebra = new IndexAlgebra();
  const operands = factors.map((f) =>
    operandOf(f, algebra.linear(f.at[0]!), rows, columns, reduce.axes),
  );
  const [first, second] = operands;
  if (!first || !second) return undefined;
  const [a, b] = first.column === 0 ? [first, second] : [second, first];
  const depth = sizeOf(reduce.axes.map((x) => x.extent));
  if (a.column !== 0 || b.column === 0 || depth < lanes) return undefined;
  return { rows, columns, depth, a, b, body };
}

function factorsOf(e: Expr): readonly [Load, Load] | undefined {
  if (e.kind !== "call" || e.fn !== "mul") return undefined;
  const [x, y] = e.args;
  return x?.kind === "load" && y?.kind === "load" ? [x, y] : undefined;
}

/** The operand's strides, if its address is linear and the summed axes are one run in it. */
function operandOf(
  load: Load,
  address: Linear,
  rows: Axis,
  columns: Axis,
  summed: readonly Axis[],
): Operand | undefined {
  const strides = stridesOf(address, [rows, columns, ...summed]);
  if (!strides) return undefined;
  const last = summed.at(-1)!;
  let run = strides.get(last)!;
  const step = run;
  for (let i = summed.length - 1; i > 0; i--) {
    run *= summed[i]!.extent;
    if (strides.get(summed[i - 1]!) !== run) return undefined;
  }
  return {
    load,
    base: address.constant,
    row: strides.get(rows)!,
    column: strides.get(columns)!,
    step,
  };
}

/** The loop over the summed axis, with byte pointers p (row operand) and q (first of four columns). */
function sumLoop({ a, b, depth }: Product, reads: Reads, integers: Integers): readonly string[] {
  const [p, q, end] = ["p", "q", "e"].map((n) => integers.declare(n)) as [string, string, string];
  const nameA = reads.nameOf(a.load.buffer);
  const nameB = reads.nameOf(b.load.buffer);
  const unroll = depth % 4 === 0 ? 4 : depth % 2 === 0 ? 2 : 1;
  const at = (pointer: string, elements: number) =>
    elements === 0 ? `${pointer} >> 2` : `(${pointer} + ${elements * 4}) >> 2`;
  const steps = Array.from({ length: unroll }, (_, u) => [
    `const v${u} = ${nameA}[${at(p, u * a.step)}];`,
    sums
      .map((s, lane) => `${s} += v${u} * ${nameB}[${at(q, u * b.step + lane * b.column)}];`)
      .join(" "),
  ]).flat();
  const advance = (pointer: string, stride: number) => `${pointer} += ${unroll * stride * 4};`;
  // The end is counted in the operand that moves; one of them does, or nothing would be summed.
  const [counted, stride] = a.step > 0 ? [p, a.step] : [q, b.step];
  return [
    `${p} = this.thread.z * ${a.row * 4} + ${a.base * 4};`,
    `${q} = this.thread.y * ${lanes * b.column * 4} + this.thread.z * ${b.row * 4} + ${b.base * 4};`,
    `${end} = ${counted} + ${depth * stride * 4};`,
    `for (; ${counted} < ${end};) {`,
    ...steps.map((line) => `  ${line}`),
    `  ${advance(p, a.step)} ${advance(q, b.step)}`,
    "}",
  ];
}

/** What is done with one of the four sums: the kernel's body with the sum in place of the reduction. */
function laneBody(
  { body, rows, columns }: Product,
  sum: string,
  lane: number,
  reads: Reads,
  integers: Integers,
) {
  const total: Axis = { name: sum, extent: 1 };
  const shifted = lane === 0 ? index(columns) : call("add", index(columns), int(lane));
  const own = rewrite(body, (e) => {
    if (e.kind === "index" && e.axis === columns) return shifted;
    return e;
  });
  const replaced = replaceReduce(own, index(total));
  const names = new Map([
    [total, sum],
    [rows, "m"],
    [columns, "n"],
  ]);
  return printBody(replaced, names, dialect(reads.nameOf, integers), `t${sum}`);
}

const replaceReduce = (body: Expr, by: Expr): Expr =>
  rewrite(body, (e) => (e.kind === "reduce" ? call("toFloat", by) : e));
