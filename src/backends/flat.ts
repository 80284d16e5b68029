/**
 * Kernels over flat memory: every load's indices become one row-major address in normal form, and with it
 * the strides by which it moves along each axis.
 */
import { type Axis, type Expr, index, load, type TensorBuffer, typeOf, walk } from "../ir/expr.ts";
import { sizeOf } from "../ir/graph.ts";
import { flatten, IndexAlgebra, type Linear, unflatten } from "../ir/index-algebra.ts";
import { rewrite } from "../ir/rewrite.ts";

/** The same memory as an array of one dimension; one view a buffer. */
export class FlatViews {
  readonly #views = new Map<TensorBuffer, TensorBuffer>();
  readonly #origins = new Map<TensorBuffer, TensorBuffer>();
  of(buffer: TensorBuffer): TensorBuffer {
    const known = this.#views.get(buffer);
    if (known) return known;
    const view: TensorBuffer = { ...buffer, shape: [sizeOf(buffer.shape)] };
    this.#views.set(buffer, view);
    this.#origins.set(view, buffer);
    return view;
  }
  origin(view: TensorBuffer): TensorBuffer {
    return this.#origins.get(view) ?? view;
  }
}

/**
 * A body over flat loads, with its axes replaced by expressions of others.
 * @param axes what stands for each axis; axes that are missing stay
 */
export function flattenBody(body: Expr, axes: ReadonlyMap<Axis, Expr>, views: FlatViews): Expr {
  const algebra = new IndexAlgebra();
  const replaced = rewrite(body, (e) => {
    if (e.kind === "index") return axes.get(e.axis) ?? e;
    if (e.kind === "load") return load(views.of(e.buffer), [flatten(e.at, e.buffer.shape)]);
    return e;
  });
  return simplifyIndices(replaced, algebra);
}

/** Brings every whole-number expression into normal form, from the outside. */
function simplifyIndices(body: Expr, algebra: IndexAlgebra): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    const known = done.get(e);
    if (known) return known;
    const inner = typeOf(e) === "int" ? algebra.simplify(e) : e;
    const result = inner.kind === "const" || inner.kind === "index" ? inner : rebuild(inner);
    done.set(e, result);
    return result;
  };
  const rebuild = (e: Expr): Expr => {
    switch (e.kind) {
      case "const":
      case "index":
        return e;
      case "load":
        return { ...e, at: e.at.map(visit) };
      case "call":
        return { ...e, args: e.args.map((a) => (typeOf(e) === "int" ? rebuild(a) : visit(a))) };
      case "reduce":
        return { ...e, body: visit(e.body) };
      default:
        return e satisfies never;
    }
  };
  return visit(body);
}

/** The axes of a kernel as quotients and remainders of one flat axis. */
export function splitAxis(flat: Axis, axes: readonly Axis[]): ReadonlyMap<Axis, Expr> {
  const parts = unflatten(
    index(flat),
    axes.map((a) => a.extent),
  );
  return new Map(axes.map((a, d) => [a, parts[d]!]));
}

/** Whether any index is divided: then the axes do not merge into one. */
export function divides(body: Expr): boolean {
  let found = false;
  walk(body, (e) => {
    if (e.kind === "call" && (e.fn === "idiv" || e.fn === "mod")) found = true;
  });
  return found;
}

/** Strides of an address along axes; undefined if it is not linear in them. */
export function stridesOf(
  address: Linear,
  axes: readonly Axis[],
): ReadonlyMap<Axis, number> | undefined {
  const strides = new Map<Axis, number>(axes.map((a) => [a, 0]));
  for (const { atom, coefficient } of address.terms) {
    if (atom.kind !== "index" || !strides.has(atom.axis)) return undefined;
    strides.set(atom.axis, coefficient);
  }
  return strides;
}
