/**
 * The roles of a product's operands, and its loops as strides. The vector axis is that along which the output is
 * contiguous; the operand that has it is B, read as vectors; the other is A, one element for all lanes.
 */

import { type Axis, type Expr, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { IndexAlgebra } from "../../../ir/index-algebra.ts";
import { type Layout, type LayoutOf, readAhead, unitDimensions } from "../layout.ts";
import type { Target } from "../target.ts";
import { argumentsOf } from "./arguments.ts";
import { bothGuards, bounds, type Guard, type Guards, guardsOf, worthSkipping } from "./clip.ts";
import { type Decide, validPanels } from "./decisions.ts";
import { dotOperand } from "./dot.ts";
import {
  accumulator,
  columnsOf,
  type Product,
  paddedFor,
  panelsFor,
  type Strided,
  stridesIn,
} from "./product.ts";

/** A copy of an operand that goes before the product. */
export interface Copy {
  readonly source: TensorBuffer;
  readonly target: TensorBuffer;
  readonly layout: Layout;
}

/** One loop, with the elements each operand moves by when it advances. */
export interface Loop {
  readonly name: string;
  readonly extent: number;
  readonly a: number;
  readonly b: number;
  readonly args: readonly number[];
  /** The axis it walks, if only one. */
  readonly axis?: Axis;
  /** Bounds of a summed loop that keep operands inside. */
  readonly guards?: readonly Guard[];
}
/** Panels are two vectors wide, or whatever wastes less on a narrow tensor. */
export const panelWidth = (n: number, { width }: Target): number =>
  n <= width ? width : n > 2 * width && n <= 3 * width ? 3 * width : 2 * width;

export interface Operand {
  readonly load: Product["a"];
  readonly layout: Layout;
  readonly at: Strided;
  readonly copy: Copy | undefined;
}
export interface Operands {
  readonly a: Operand;
  readonly b: Operand;
  readonly vector: Axis;
  /** Bounds of summed loops, where an operand is read outside and not padded. */
  readonly guards: Guards;
  /** Vectors that a tile must have a multiple of, so that it covers whole blocks. */
  readonly quantum: number;
  /** The summed axis that vectors lie along, if they do; B's strides are those along it. */
  readonly along: Axis | undefined;
}

/** @returns undefined if for no vector axis one operand alone has it, and addresses are linear */
export function assignRoles(
  product: Product,
  layoutOf: LayoutOf,
  target: Target,
  decide: Decide,
): Operands | undefined {
  const { buffer } = product.epilogue[0]!;
  const found = unitDimensions(layoutOf(buffer), buffer.shape)
    .map((d) => rolesAlong(product.nest.axes[d]!, product, layoutOf, target, decide))
    .filter((operands) => operands !== undefined);
  // A single column is best summed along vectors.
  return found.find((operands) => operands.along) ?? found[0];
}

/** @param vector the axis along which the output is contiguous */
function rolesAlong(
  vector: Axis,
  product: Product,
  layoutOf: LayoutOf,
  target: Target,
  decide: Decide,
): Operands | undefined {
  const { a, b, epilogue } = product;
  const algebra = new IndexAlgebra();
  const usesVector = (x: Product["a"]) =>
    x.at.some((e) =>
      algebra.linear(e).terms.some((t) => t.atom.kind === "index" && t.atom.axis === vector),
    );
  if (usesVector(a) === usesVector(b)) return undefined;
  const [first, second] = usesVector(b) ? [a, b] : [b, a];
  const operand = (load: Product["a"], layout: Layout, copy: boolean): Operand | undefined => {
    const at = stridesIn(load.at, load.buffer.shape, layout, vector, algebra);
    return at && { load, layout, at, copy: copy ? copyOf(load.buffer, layout) : undefined };
  };
  const stored = { a: layoutOf(first.buffer), b: layoutOf(second.buffer) };
  const asStored = stridesIn(first.at, first.buffer.shape, stored.a, vector, algebra);
  const strideOf = (axis: Axis) => asStored?.strides.get(axis) ?? 0;
  const guards = stored.a.block ? undefined : guardsOf(first, product.summed, vector, algebra);
  const skipped = guards ? worthSkipping(guards, product, vector, strideOf) : new Map();
  const clips =
    guards &&
    (guards.size === 0 || decide("clip", skipped.size === guards.size, () => [true, false]));
  // B is never padded: what it lacks is known before the tile.
  const lacking = guardsOf(second, product.summed, vector, algebra);
  // Tiles cover whole blocks of everything they read and write.
  const span = blocksOf(epilogue, layoutOf).reduce(commonMultiple, target.width);
  const vectors = stridesIn(second.at, second.buffer.shape, stored.b, vector, algebra);
  const usable =
    vectors?.strides.get(vector) === 1 &&
    hasColumns(second, stored.b, vector, commonMultiple(span, stored.b.block?.width ?? 1));
  const columns = columnsOf(second, vector, algebra);
  const rowsOf = (asIs: boolean) => operand(first, asIs ? stored.a : paddedFor(first), !asIs);
  const rows =
    span === target.width ? (guards?.size === 0 && rowsOf(true)) || rowsOf(false) : undefined;
  const whole = blocksOf(epilogue, layoutOf).some((width) => width > 1);
  const own = { product, vector, b: second, stored: stored.b, usable, whole };
  const dot =
    rows && dotOperand({ ...own, a: rows.at, inside: lacking?.size === 0 }, target, algebra);
  if (dot && decide("dot", true, () => [true, false])) {
    const { layout, at, along } = dot;
    const copy = layout === stored.b ? undefined : copyOf(second.buffer, layout);
    const b: Operand = { load: second, layout, at, copy };
    return { a: rows, b, vector, guards: new Map(), quantum: 1, along };
  }
  if ((!columns && !usable) || !lacking) return undefined;
  // Rows and sums cannot walk blocks; a copy in rows, with zeros around it where it is read outside, can.
  const straight = rowsOf(clips === true);
  const panel = decide("panel", panelWidth(vector.extent, target), () => validPanels(target));
  const width = commonMultiple(span, panel);
  const vectorOperand = operand(
    second,
    usable ? stored.b : panelsFor(second, columns!.dim, width),
    !usable,
  );
  if (!straight || !vectorOperand) return undefined;
  const together = commonMultiple(span, vectorOperand.layout.block?.width ?? 1);
  return {
    a: straight,
    b: vectorOperand,
    vector,
    guards: bothGuards(clips ? guards : skipped, lacking),
    quantum: together / target.width,
    along: undefined,
  };
}

/** Of what is there of a buffer: a copy of a loop's row is no row of the loop's array. */
const copyOf = (source: TensorBuffer, layout: Layout): Copy => {
  const { name, shape, dtype } = source;
  return { source, target: { name: `${name}.copy`, shape, dtype }, layout };
};

/** Widths of the blocks in which what an epilogue reads and writes lies. */
function blocksOf(epilogue: Product["epilogue"], layoutOf: LayoutOf): readonly number[] {
  const widths = new Set<number>();
  const add = (b: TensorBuffer) => widths.add(layoutOf(b).block?.width ?? 1);
  for (const { buffer, value } of epilogue) {
    add(buffer);
    walk(value, (e) => {
      if (e.kind === "load" && e.buffer !== accumulator) add(e.buffer);
    });
  }
  return [...widths];
}

/** Whether memory has the columns that tiles of whole spans read; vectors may go a little beyond its end. */
function hasColumns(load: Product["b"], layout: Layout, vector: Axis, span: number): boolean {
  const columns = Math.ceil(vector.extent / span) * span;
  if (!layout.block) return columns - vector.extent <= readAhead;
  const { dim, first } = columnsOf(load, vector)!;
  const { width } = layout.block;
  return first + columns <= Math.ceil(load.buffer.shape[dim]! / width) * width;
}

function commonMultiple(p: number, q: number): number {
  let n = p;
  while (n % q !== 0) n += p;
  return n;
}

export interface Loops {
  readonly outer: readonly Loop[];
  readonly rows: readonly Loop[];
  readonly k: readonly Loop[];
  readonly args: readonly {
    readonly buffer: TensorBuffer;
    readonly at: Strided;
    readonly layout: Layout;
  }[];
  readonly stores: readonly { readonly arg: number; readonly value: Expr }[];
}

/** Strided loops; neighbours that are one run in every operand become one. */
export function makeLoops(
  { nest, summed, epilogue }: Product,
  { a, b, vector, guards, along }: Operands,
  layoutOf: LayoutOf,
): Loops | undefined {
  const args = argumentsOf(nest.axes, vector, epilogue, layoutOf);
  if (!args) return undefined;
  const loop = (axis: Axis): Loop => ({
    name: axis.name,
    extent: axis.extent,
    axis,
    ...(guards.has(axis) ? { guards: guards.get(axis)! } : {}),
    a: a.at.strides.get(axis) ?? 0,
    b: b.at.strides.get(axis) ?? 0,
    args: args.list.map(({ at }) => at.strides.get(axis) ?? 0),
  });
  const others = nest.axes.filter((x) => x !== vector && x.extent > 1);
  const isOuter = (x: Axis) => b.at.strides.has(x);
  const none: Loop = { name: "one", extent: 1, a: 0, b: 0, args: args.list.map(() => 0) };
  // The innermost loop takes the smallest steps, in both operands together.
  const reach = (p: Loop) => Math.abs(p.a) + Math.abs(p.b);
  const steep = (p: Loop, q: Loop) => reach(q) - reach(p);
  const k = fuse(
    summed
      .filter((x) => x.extent > 1)
      .map(loop)
      .sort(steep),
    (x) => x === along,
  );
  const rows = fuse(others.filter((x) => !isOuter(x)).map(loop), (x) => bounds(guards, x));
  return {
    outer: others.filter(isOuter).map(loop),
    // A tile needs a loop on which no bounds depend, be it one row.
    rows: rows.some((x) => !x.axis || !bounds(guards, x.axis)) ? rows : [...rows, none],
    k: k.length > 0 ? k : [none],
    args: args.list,
    stores: args.stores,
  };
}

/** @param isSingle whether an axis must stay a loop of its own */
function fuse(loops: readonly Loop[], isSingle: (axis: Axis) => boolean): readonly Loop[] {
  const done: Loop[] = [];
  const single = ({ axis }: Loop) => axis !== undefined && isSingle(axis);
  for (const x of [...loops].reverse()) {
    const y = done[0];
    const run = (p: number, q: number) => p === q * y!.extent;
    const joins =
      y &&
      !y.guards &&
      !single(x) &&
      !single(y) &&
      run(x.a, y.a) &&
      run(x.b, y.b) &&
      x.args.every((s, i) => run(s, y.args[i]!));
    if (joins) done[0] = joined(x, y);
    else done.unshift(x);
  }
  return done;
}

/** One loop over two, the inner of which is a run of the outer. */
function joined(outer: Loop, inner: Loop): Loop {
  const { a, b, args } = inner;
  const guards = outer.guards?.map((g) => ({ ...g, scale: g.scale * inner.extent }));
  return {
    name: `${outer.name}${inner.name}`,
    extent: outer.extent * inner.extent,
    a,
    b,
    args,
    ...(guards ? { guards } : {}),
  };
}
