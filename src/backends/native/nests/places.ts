/**
 * Where the lanes of a vector lie: addresses as sums of multiples of indices, with the step from one lane to the
 * next along an axis.
 */

import {
  type Axis,
  call,
  children,
  type Expr,
  index,
  int,
  type Load,
  load,
  type TensorBuffer,
} from "../../../ir/expr.ts";
import { flatten, IndexAlgebra, type Linear } from "../../../ir/index-algebra.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { invariant } from "../../../support/errors.ts";
import { type Layout, type LayoutOf, type PointerOf, runsOf } from "../layout.ts";

/** A place in memory: `constant + Σ coefficient·atom`, the atoms being indices of the loads below. */
export interface Place {
  readonly buffer: TensorBuffer;
  readonly constant: number;
  readonly coefficients: readonly number[];
  /** Elements from one lane to the next; 0: all lanes read the same. */
  readonly lane: number;
}

/** Turns loads into loads of views, one view a way of addressing a buffer. */
export class Places {
  /** Stands for the vector axis in addresses: the first lane's index. */
  readonly first: Axis;
  /** By the buffers of the loads that `of` gave. */
  readonly all = new Map<TensorBuffer, Place>();
  /** Whether some address is not linear along the axis. */
  failed = false;
  readonly #vector: Axis;
  readonly #width: number;
  readonly #layoutOf: LayoutOf;
  readonly #algebra = new IndexAlgebra();
  readonly #known = new Map<TensorBuffer, Map<string, TensorBuffer>>();
  constructor(vector: Axis, width: number, layoutOf: LayoutOf) {
    this.#vector = vector;
    this.first = { ...vector };
    this.#width = width;
    this.#layoutOf = layoutOf;
  }

  of(e: Load): Load {
    const { constant, terms } = this.#address(e);
    const lane = terms.reduce((n, t) => n + (this.#isVector(t.atom) ? t.coefficient : 0), 0);
    const inBlocks = this.#layoutOf(e.buffer).block && lane === 0 && this.#walksBlocks(e);
    const atoms = terms.map((t) => this.#firstLane(t.atom));
    if (terms.some((t) => !this.#isVector(t.atom) && this.#depends(t.atom)) && !inBlocks)
      this.failed = true;
    const place = { buffer: e.buffer, constant, lane: inBlocks ? 1 : lane };
    return load(this.#view({ ...place, coefficients: terms.map((t) => t.coefficient) }), atoms);
  }

  #address({ buffer, at }: Load): Linear {
    return this.#algebra.linear(addressIn(this.#layoutOf(buffer), buffer.shape, at));
  }

  /** Blocks are whole vectors, so that the lanes of one lie side by side. */
  #walksBlocks({ buffer, at }: Load): boolean {
    const block = this.#layoutOf(buffer).block!;
    const along = at.filter((e) => this.#depends(e));
    return along.length === 1 && this.#isVector(at[block.dim]!) && block.width % this.#width === 0;
  }

  #view(place: Place): TensorBuffer {
    const views = this.#known.get(place.buffer) ?? new Map<string, TensorBuffer>();
    this.#known.set(place.buffer, views);
    const key = `${place.constant}:${place.lane}:${place.coefficients}`;
    const known = views.get(key);
    if (known) return known;
    const view = { ...place.buffer };
    views.set(key, view);
    this.all.set(view, place);
    return view;
  }

  #isVector(e: Expr): boolean {
    return e.kind === "index" && e.axis === this.#vector;
  }

  /** Whether an index differs from lane to lane; what is loaded does if its view says so. */
  #depends(e: Expr): boolean {
    if (e.kind === "load") return (this.all.get(e.buffer)?.lane ?? 0) !== 0;
    return this.#isVector(e) || children(e).some((c) => this.#depends(c));
  }

  #firstLane(e: Expr): Expr {
    return rewrite(e, (x) => (this.#isVector(x) ? index(this.first) : x));
  }
}

/** The address as an index expression; blocks are cut by division. */
function addressIn(layout: Layout, shape: readonly number[], at: readonly Expr[]): Expr {
  const terms = runsOf(layout, shape).map(([first, end, step]) => {
    const e = flatten(at.slice(first, end), shape.slice(first, end));
    if (layout.block?.dim !== first) return call("mul", e, int(step));
    const { width, stride } = layout.block;
    return call(
      "add",
      call("mul", call("idiv", e, int(width)), int(stride)),
      call("mod", e, int(width)),
    );
  });
  return terms.reduce((sum, t) => call("add", sum, t), int(layout.base) as Expr);
}

/** The atoms of a nest's own place: its axes, or their quotients and remainders by blocks. */
export function indexText(e: Expr, names: ReadonlyMap<Axis, string>): string {
  if (e.kind === "index") return names.get(e.axis)!;
  if (e.kind === "const") return String(e.value);
  invariant(e.kind === "call" && hasText(e), "an index of a store or a copy");
  const [a, b] = e.args.map((x) => indexText(x, names));
  return `(${a} ${e.fn === "idiv" ? "/" : "%"} ${b})`;
}

/** Whether `indexText` can print it. */
export const hasText = (e: Expr): boolean =>
  e.kind === "index" ||
  e.kind === "const" ||
  (e.kind === "call" && (e.fn === "idiv" || e.fn === "mod") && e.args.every(hasText));

/** The address as a pointer, from the printed indices of its load. */
export function placeText(
  { buffer, constant, coefficients }: Place,
  at: readonly string[],
  pointerOf: PointerOf,
): string {
  const terms = coefficients.map((k, i) => (k === 1 ? at[i]! : `${at[i]} * ${k}L`));
  if (constant !== 0) terms.push(String(constant));
  return `(${[pointerOf(buffer), ...terms].join(" + ")})`;
}
