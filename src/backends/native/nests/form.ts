/**
 * How a nest is printed: over which loops, and what stands inside them. Element by element work over plain memory
 * is one flat loop, which the C compiler vectorises; other loops have the contiguous axis innermost and are
 * vector code where that is possible.
 */

import { type Axis, type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import type { CodePrinter } from "../../../support/code-printer.ts";
import { divides, FlatViews, flattenBody, splitAxis } from "../../flat.ts";
import { printBodies } from "../../printer.ts";
import { scalarDialect } from "../c.ts";
import {
  isPlain,
  type Layout,
  type LayoutOf,
  type PointerOf,
  plain,
  unitDimension,
} from "../layout.ts";
import { askForRows, gathersOf } from "./gather.ts";
import { isContiguous, laneSums } from "./lane-sums.ts";
import type { Nest } from "./nest.ts";
import { workOf, worthSharing } from "./sharing.ts";
import { turnOf } from "./transpose.ts";
import { nestDialect, type VectorNest, vectorNest, vectorStore } from "./vector-nest.ts";

type Body = (names: ReadonlyMap<Axis, string>, pointerOf: PointerOf, code: CodePrinter) => void;

export interface FormLoop {
  readonly axis: Axis;
  /** How far one iteration goes. */
  readonly step: number;
}
export interface Form {
  /** How many iterations of the first loop make a row of the first axis; undefined if they do not. */
  readonly rowSize: number | undefined;
  /** Outside in. */
  readonly loops: readonly FormLoop[];
  /** What comes before the innermost of several loops. */
  readonly before?: Body;
  /** One iteration of the innermost loop. */
  readonly body: Body;
  /**
   * What is done where the innermost loop's steps leave something over: one more, which overlaps the last, or
   * this, element by element.
   */
  readonly rest?: "overlap" | Body;
  /** Whether a thread's share of the only loop may leave something over, wherever all of it would not. */
  readonly uneven?: boolean;
}
const singly = (axes: readonly Axis[]): readonly FormLoop[] =>
  axes.map((axis) => ({ axis, step: 1 }));

/** @param width floats in a vector */
export const formOf = (nest: Nest, layoutOf: LayoutOf, width: number): Form =>
  allSameBlocks(nest, layoutOf) ??
  turnForm(nest, layoutOf, width) ??
  flatForm(nest, layoutOf, width) ??
  loopForm(nest, layoutOf, width);

/** One loop over raw memory, where all that is read at the nest's own place lies in the same blocks. */
function allSameBlocks(nest: Nest, layoutOf: LayoutOf): Form | undefined {
  const layout = layoutOf(nest.stores[0]!.buffer);
  if (!layout.block) return undefined;
  const flat: Axis = { name: "f", extent: layout.size };
  const alike = (b: TensorBuffer) => JSON.stringify(layoutOf(b)) === JSON.stringify(layout);
  const own = (e: Expr): boolean => {
    if (e.kind === "load") return isUniform(e.at) || (isOwn(e.at, nest.axes) && alike(e.buffer));
    return e.kind === "call" ? e.args.every(own) : e.kind === "const";
  };
  if (!nest.stores.every((s) => alike(s.buffer) && own(s.value))) return undefined;
  return {
    rowSize: undefined,
    loops: singly([flat]),
    body: (names, pointerOf, code) =>
      emit(
        nest,
        names,
        pointerOf,
        code,
        (_, at) => (isUniform(at) ? "0" : names.get(flat)!),
        names.get(flat)!,
      ),
  };
}

const isOwn = (at: readonly Expr[], axes: readonly Axis[]) =>
  at.length === axes.length && at.every((e, d) => e.kind === "index" && e.axis === axes[d]);
const isUniform = (at: readonly Expr[]) => at.every((e) => e.kind === "const");

/** One flat loop, if all axes merge. */
function flatForm(nest: Nest, layoutOf: LayoutOf, width: number): Form | undefined {
  const rowMajor = (b: TensorBuffer) => isPlain(layoutOf(b), b.shape);
  const flat: Axis = { name: "f", extent: sizeOf(nest.axes.map((a) => a.extent)) };
  const views = new FlatViews();
  const bodies = nest.stores.map((s) => flattenBody(s.value, splitAxis(flat, nest.axes), views));
  const allPlain = nest.stores.every((s) => rowMajor(s.buffer) && everyLoad(s.value, rowMajor));
  if (!allPlain || nest.axes.length === 0 || bodies.some(divides) || bodies.some(reduces))
    return undefined;
  const origin =
    (pointerOf: PointerOf): PointerOf =>
    (b) =>
      pointerOf(views.origin(b));
  const stores = nest.stores.map((s, i) => ({ buffer: s.buffer, value: bodies[i]! }));
  const single: Body = (names, pointerOf, code) =>
    emit(
      { ...nest, stores },
      names,
      origin(pointerOf),
      code,
      (_, __, printed) => printed[0]!,
      names.get(flat)!,
    );
  const rowSize = flat.extent / nest.axes[0]!.extent;
  const merged: Nest = {
    ...nest,
    axes: [flat],
    stores: stores.map((s) => ({ ...s, buffer: views.of(s.buffer) })),
  };
  const vectors =
    rowSize >= width || (rowSize === 1 && workOf(nest) >= worthSharing)
      ? vectorsOf(merged, [flat], (b) => plain(b.shape), width)
      : undefined;
  if (!vectors) return { rowSize, loops: singly([flat]), body: single };
  return {
    rowSize,
    loops: [{ axis: flat, step: width }],
    body: (names, pointerOf, code) =>
      emitVector(vectors, [flat], names, width, origin(pointerOf), code),
    rest: single,
    uneven: rowSize % width !== 0,
  };
}

/** A transposing copy: squares of vectors. */
function turnForm(nest: Nest, layoutOf: LayoutOf, width: number): Form | undefined {
  const turn = turnOf(nest, layoutOf, width);
  if (!turn) return undefined;
  const others = nest.axes.filter((a) => a !== turn.from && a !== turn.to && a.extent > 1);
  const squares = [turn.from, turn.to].map((axis) => ({ axis, step: width }));
  return { rowSize: undefined, loops: [...singly(others), ...squares], body: turn.body };
}

/** A loop an axis with the contiguous one innermost, by vectors if it can be. */
function loopForm(nest: Nest, layoutOf: LayoutOf, width: number): Form {
  const axes = loopOrder(nest, layoutOf);
  const single: Body = (names, pointerOf, code) => {
    const address = (b: TensorBuffer, _: readonly Expr[], printed: readonly string[]) =>
      addressText(layoutOf(b), printed);
    const all = new Map(nest.axes.map((a) => [a, names.get(a) ?? "0"]));
    const own = [...all.values()];
    emit(nest, all, pointerOf, code, address, undefined, (b) => addressText(layoutOf(b), own));
  };
  const rowSize = axes[0] === nest.axes[0] ? 1 : undefined;
  const vectors = vectorsOf(nest, axes, layoutOf, width);
  const sums = vectors && isContiguous(vectors) ? undefined : laneSums(nest, width, layoutOf);
  if (sums) {
    const body: Body = (names, pointerOf, code) =>
      emitVector(sums, nest.axes, names, width, pointerOf, code);
    return { rowSize, loops: singly(axes), body };
  }
  if (!vectors) return { rowSize, loops: singly(axes), body: single };
  const gathers = gathersOf(vectors);
  return {
    rowSize: axes.length === 1 ? undefined : rowSize,
    before: (names, pointerOf, code) => askForRows(gathers, vectors, names, width, pointerOf, code),
    loops: [...singly(axes.slice(0, -1)), { axis: vectors.vector, step: width }],
    body: (names, pointerOf, code) => emitVector(vectors, nest.axes, names, width, pointerOf, code),
    rest: vectors.overlaps ? "overlap" : single,
  };
}

/** Vectors along the innermost loop; a loop that threads share row by row stays as it is. */
function vectorsOf(
  nest: Nest,
  axes: readonly Axis[],
  layoutOf: LayoutOf,
  width: number,
): VectorNest | undefined {
  const inner = axes.at(-1)!;
  const isRows = axes.length === 1 && workOf(nest) < worthSharing;
  if (width === 1 || inner.extent < width || isRows) return undefined;
  return vectorNest(nest, inner, width, layoutOf);
}

function emitVector(
  nest: VectorNest,
  axes: readonly Axis[],
  names: ReadonlyMap<Axis, string>,
  width: number,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  const first = names.get(nest.vector) ?? "0";
  const all = new Map(axes.map((a) => [a, names.get(a) ?? "0"])).set(nest.first, first);
  if (!nest.across) all.set(nest.vector, `(ISPLAT(${first}) + LANES)`);
  const bodies = nest.stores.map((s) => s.value);
  const { statements, results } = printBodies(bodies, all, nestDialect(nest, width, pointerOf));
  code.lines(statements);
  // All results exist before the first is stored: they may read what it overwrites.
  const [float, int] = nest.across ? ["float", "int32_t"] : ["vf", "vi"];
  const types = nest.stores.map((s) => (s.place.buffer.dtype === "f32" ? float : int));
  const stores = nest.stores.map((s, k) => vectorStore(s, results[k]!, all, nest, pointerOf));
  for (const [k, { value }] of stores.entries()) code.line(`const ${types[k]} y${k} = ${value};`);
  for (const [k, { store }] of stores.entries()) code.line(store(`y${k}`));
}

const reduces = (e: Expr): boolean => {
  let found = false;
  walk(e, (x) => {
    if (x.kind === "reduce") found = true;
  });
  return found;
};
function everyLoad(value: Expr, test: (b: TensorBuffer) => boolean): boolean {
  let all = true;
  walk(value, (e) => {
    if (e.kind === "load" && !test(e.buffer)) all = false;
  });
  return all;
}

function loopOrder(nest: Nest, layoutOf: LayoutOf): readonly Axis[] {
  const { buffer } = nest.stores[0]!;
  const unit = unitDimension(layoutOf(buffer), buffer.shape);
  const inner = unit === undefined ? undefined : nest.axes[unit];
  const order = inner ? [...nest.axes.filter((a) => a !== inner), inner] : nest.axes;
  const real = order.filter((a) => a.extent > 1);
  return real.length > 0 ? real : [{ name: "one", extent: 1 }];
}

/** An index into blocks is cut by division, which the compiler turns into shifts. */
export function addressText(layout: Layout, at: readonly string[]): string {
  const terms = at.map((i, d) => {
    if (layout.block?.dim === d) {
      const { width, stride } = layout.block;
      return `(${i}) / ${width} * ${stride}L + (${i}) % ${width}`;
    }
    return layout.strides[d] === 1 ? i : `(${i}) * ${layout.strides[d]}L`;
  });
  if (layout.base !== 0) terms.push(String(layout.base));
  return terms.join(" + ") || "0";
}

type Address = (buffer: TensorBuffer, at: readonly Expr[], printed: readonly string[]) => string;

function emit(
  nest: Nest,
  names: ReadonlyMap<Axis, string>,
  pointerOf: PointerOf,
  code: CodePrinter,
  address: Address,
  flat: string | undefined,
  ownAddress: (b: TensorBuffer) => string = () => flat!,
): void {
  const dialect = scalarDialect(
    (e, at) => `${pointerOf(e.buffer)}[${address(e.buffer, e.at, at)}]`,
  );
  const bodies = nest.stores.map((s) => s.value);
  const { statements, results } = printBodies(bodies, names, dialect);
  code.lines(statements);
  const types = nest.stores.map((s) => (s.buffer.dtype === "f32" ? "float" : "int32_t"));
  for (const [k, r] of results.entries()) code.line(`const ${types[k]} y${k} = ${r};`);
  for (const [k, s] of nest.stores.entries())
    code.line(`${pointerOf(s.buffer)}[${ownAddress(s.buffer)}] = y${k};`);
}
