/**
 * Prints everything that is no product: element by element work, reductions, gathers, copies. Plain loops over
 * single floats, with the innermost one along contiguous memory, in a form that the C compiler vectorises.
 */
import { type Axis, type Expr, type TensorBuffer, walk } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { CodePrinter } from "../../support/code-printer.ts";
import { divides, FlatViews, flattenBody, splitAxis } from "../flat.ts";
import { printBodies } from "../printer.ts";
import { scalarDialect } from "./c.ts";
import { isPlain, type Layout, unitDimension } from "./layout.ts";
import type { Nest } from "./nest.ts";
import type { LayoutOf } from "./operands.ts";
import type { PointerOf } from "./print-product.ts";

/** Operations from which on a nest is shared among threads. */
export const worthSharing = 16_000;

/** How threads share a first loop: whole units of `size` iterations, the first `tall` of one more. */
export interface Units {
  readonly size: number;
  readonly tall: number;
  readonly count: number;
}
export const singleUnits = (count: number): Units => ({ size: 1, tall: 0, count });
/** Where thread `t` of `nt` begins. */
const unitStart = ({ size, tall, count }: Units, t: string): string => {
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
    const total = e.kind === "reduce" ? sum * sizeOf(e.axes.map((a) => a.extent)) : sum;
    costs.set(e, total);
    return total;
  };
  return (
    sizeOf(nest.axes.map((a) => a.extent)) * nest.stores.reduce((n, s) => n + cost(s.value), 0)
  );
}

/** How a nest is printed. */
export const formOf = (nest: Nest, layoutOf: LayoutOf): Form =>
  allSameBlocks(nest, layoutOf) ?? plainForm(nest, layoutOf);

/**
 * The function `name`: thread t's share of the nest.
 * @param units how the first loop is shared; undefined: one thread does it all
 */
export function printNest(
  form: Form,
  name: string,
  units: Units | undefined,
  pointerOf: PointerOf,
): string {
  const code = new CodePrinter();
  code.block(`static void ${name}(Context *x, int t, int nt)`, () => {
    const [first, ...rest] = form.loops;
    const lo = units ? unitStart(units, "t") : "0";
    const hi = units ? unitStart(units, "(t + 1)") : String(first!.extent);
    if (!units) code.line("if (t != 0) return;");
    const nest = (loops: readonly Axis[], names: ReadonlyMap<Axis, string>): void => {
      const [axis, ...inner] = loops;
      if (!axis) {
        form.body(names, pointerOf, code);
        return;
      }
      const i = `i${names.size}`;
      if (inner.length === 0) code.line("#pragma GCC ivdep");
      code.block(`for (int32_t ${i} = 0; ${i} < ${axis.extent}; ${i}++)`, () =>
        nest(inner, new Map(names).set(axis, i)),
      );
    };
    if (rest.length === 0) code.line("#pragma GCC ivdep");
    code.block(`for (int32_t i0 = ${lo}; i0 < ${hi}; i0++)`, () =>
      nest(rest, new Map([[first!, "i0"]])),
    );
  });
  return code.toString();
}

export interface Form {
  /** How many iterations of the first loop make a row of the first axis; undefined if they do not. */
  readonly rowSize: number | undefined;
  /** The loops, outside in. */
  readonly loops: readonly Axis[];
  body(names: ReadonlyMap<Axis, string>, pointerOf: PointerOf, code: CodePrinter): void;
}

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
    loops: [flat],
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

/** One flat loop if all axes merge, else a loop an axis with the contiguous one innermost. */
function plainForm(nest: Nest, layoutOf: LayoutOf): Form {
  const rowMajor = (b: TensorBuffer) => isPlain(layoutOf(b), b.shape);
  const flat: Axis = { name: "f", extent: sizeOf(nest.axes.map((a) => a.extent)) };
  const views = new FlatViews();
  const bodies = nest.stores.map((s) => flattenBody(s.value, splitAxis(flat, nest.axes), views));
  const allPlain = nest.stores.every((s) => rowMajor(s.buffer) && everyLoad(s.value, rowMajor));
  if (allPlain && nest.axes.length > 0 && !bodies.some(divides) && !bodies.some(reduces)) {
    return {
      rowSize: flat.extent / nest.axes[0]!.extent,
      loops: [flat],
      body: (names, pointerOf, code) => {
        const stores = nest.stores.map((s, i) => ({ buffer: s.buffer, value: bodies[i]! }));
        const origin: PointerOf = (b) => pointerOf(views.origin(b));
        emit(
          { ...nest, stores },
          names,
          origin,
          code,
          (_, __, printed) => printed[0]!,
          names.get(flat)!,
        );
      },
    };
  }
  const loops = loopOrder(nest, layoutOf);
  return {
    rowSize: loops[0] === nest.axes[0] ? 1 : undefined,
    loops,
    body: (names, pointerOf, code) => {
      const address = (b: TensorBuffer, _: readonly Expr[], printed: readonly string[]) =>
        addressText(layoutOf(b), printed);
      const all = new Map(nest.axes.map((a) => [a, names.get(a) ?? "0"]));
      const own = [...all.values()];
      emit(nest, all, pointerOf, code, address, undefined, (b) => addressText(layoutOf(b), own));
    },
  };
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
  const unit = unitDimension(layoutOf(nest.stores[0]!.buffer));
  const inner = unit === undefined ? undefined : nest.axes[unit];
  const order = inner ? [...nest.axes.filter((a) => a !== inner), inner] : nest.axes;
  const real = order.filter((a) => a.extent > 1);
  return real.length > 0 ? real : [{ name: "one", extent: 1 }];
}

/** An index into blocks is cut by division, which the compiler turns into shifts. */
function addressText(layout: Layout, at: readonly string[]): string {
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
