/**
 * Nests as vector code: the innermost loop walks the axis along which the results lie side by side, a vector at a
 * time. What does not vary along it is computed once as a scalar; loads become vectors where memory is
 * contiguous, and are put together lane by lane where it is not.
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
  typeOf,
} from "../../ir/expr.ts";
import { flatten, IndexAlgebra, type Linear } from "../../ir/index-algebra.ts";
import { rewrite } from "../../ir/rewrite.ts";
import { invariant } from "../../support/errors.ts";
import type { Dialect } from "../printer.ts";
import { floatLiteral, scalarDialect, vectorCall } from "./c.ts";
import { isPlain, type Layout } from "./layout.ts";
import type { Nest } from "./nest.ts";
import type { LayoutOf } from "./operands.ts";
import type { PointerOf } from "./print-product.ts";

/** A place in memory: `constant + Σ coefficient·atom`, the atoms being indices of the loads below. */
interface Place {
  readonly buffer: TensorBuffer;
  readonly constant: number;
  readonly coefficients: readonly number[];
  /** Elements from one lane to the next; 0: all lanes read the same. */
  readonly lane: number;
}

/** A nest in which every load says how its lanes lie. */
export interface VectorNest {
  readonly vector: Axis;
  /** Stands for the vector axis in addresses: the first lane's index. */
  readonly first: Axis;
  readonly stores: readonly { readonly place: Load; readonly value: Expr }[];
  /** By the buffers of its loads and places. */
  readonly places: ReadonlyMap<TensorBuffer, Place>;
  /** Whether the last vector may overlap the one before: no result is read, and nothing lies in blocks. */
  readonly overlaps: boolean;
}

/** @returns undefined if a value has no vector form, or an address is not linear along the axis */
export function vectorNest(
  nest: Nest,
  vector: Axis,
  width: number,
  layoutOf: LayoutOf,
): VectorNest | undefined {
  const places = new Places(vector, width, layoutOf);
  const own = nest.axes.map((a) => index(a));
  const stores = nest.stores.map(({ buffer, value }) => ({
    place: places.of(load(buffer, own)),
    value: rewrite(value, (e) => (e.kind === "load" ? places.of(e) : e)),
  }));
  const varies = variesAlong(vector, places.all);
  const printable = stores.every(
    ({ place, value }) =>
      place.buffer.dtype !== "u8" &&
      places.all.get(place.buffer)?.lane === 1 &&
      hasVectorForm(value, varies),
  );
  if (places.failed || !printable) return undefined;
  const written = new Set(nest.stores.map((s) => s.buffer));
  const loaded = [...places.all].filter(([view]) => !stores.some((s) => s.place.buffer === view));
  const isRead = loaded.some(([, p]) => written.has(p.buffer));
  const blocked = [...places.all.values()].some((p) => layoutOf(p.buffer).block);
  const overlaps = vector.extent >= width && !isRead && !blocked;
  return { vector, first: places.first, stores, places: places.all, overlaps };
}

/** Turns loads into loads of views, one view a way of addressing a buffer. */
class Places {
  readonly first: Axis;
  readonly all = new Map<TensorBuffer, Place>();
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
    const layout = this.#layoutOf(buffer);
    if (isPlain(layout, buffer.shape)) return this.#algebra.linear(flatten(at, buffer.shape));
    return this.#algebra.linear(addressIn(layout, at));
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
function addressIn(layout: Layout, at: readonly Expr[]): Expr {
  const terms = at.map((e, d) => {
    if (layout.block?.dim !== d) return call("mul", e, int(layout.strides[d]!));
    const { width, stride } = layout.block;
    return call(
      "add",
      call("mul", call("idiv", e, int(width)), int(stride)),
      call("mod", e, int(width)),
    );
  });
  return terms.reduce((sum, t) => call("add", sum, t), int(layout.base) as Expr);
}

type Varies = (e: Expr) => boolean;

function variesAlong(vector: Axis, places: ReadonlyMap<TensorBuffer, Place>): Varies {
  const known = new Map<Expr, boolean>();
  const varies: Varies = (e) => {
    const found = known.get(e);
    if (found !== undefined) return found;
    const result =
      e.kind === "index"
        ? e.axis === vector
        : e.kind === "load"
          ? places.get(e.buffer)!.lane !== 0
          : children(e).some(varies);
    known.set(e, result);
    return result;
  };
  return varies;
}

/** Whether everything that varies from lane to lane can be computed on vectors. */
function hasVectorForm(e: Expr, varies: Varies): boolean {
  if (!varies(e)) return true;
  switch (e.kind) {
    case "const":
    case "index":
    case "load":
      return true;
    case "reduce":
      return typeOf(e) === "float" && hasVectorForm(e.body, varies);
    case "call":
      return vectorCall(e) !== undefined && e.args.every((a) => hasVectorForm(a, varies));
    default:
      return e satisfies never;
  }
}

const vectorTypes = { float: "vf", int: "vi", bool: "vi" } as const;

/** How the values of a vector nest are written; everything that varies is a vector. */
export function nestDialect(
  { vector, places }: VectorNest,
  width: number,
  pointerOf: PointerOf,
): Dialect {
  const varies = variesAlong(vector, places);
  const scalar = scalarDialect((e, at) => `${pointer(places.get(e.buffer)!, at, pointerOf)}[0]`);
  const lifted = (e: Expr, text: string): string => {
    if (varies(e)) return text;
    const type = typeOf(e);
    return type === "float" ? `SPLAT(${text})` : `ISPLAT(${type === "bool" ? `-${text}` : text})`;
  };
  return {
    ...scalar,
    call(e, args) {
      if (!varies(e)) return scalar.call(e, args);
      const print = vectorCall(e);
      invariant(print, () => `no vector form of ${e.fn}`);
      const [a = "", b = "", c = ""] = e.args.map((x, i) => lifted(x, args[i]!));
      return print(a, b, c);
    },
    load(e, at) {
      const place = places.get(e.buffer)!;
      return varies(e)
        ? vectorLoad(place, pointer(place, at, pointerOf), width)
        : scalar.load(e, at);
    },
    declare: (name, type, value, e) =>
      varies(e)
        ? `const ${vectorTypes[type]} ${name} = ${value};`
        : scalar.declare(name, type, value, e),
    start: (name, op, type, e) =>
      varies(e)
        ? `vf ${name} = SPLAT(${floatLiteral(op === "sum" ? 0 : Number.NEGATIVE_INFINITY)});`
        : scalar.start(name, op, type, e),
    accumulate(name, op, value, e) {
      if (!varies(e)) return scalar.accumulate(name, op, value, e);
      return op === "sum" ? `${name} += ${value};` : `${name} = vmax(${name}, ${value});`;
    },
  };
}

/** A store in two steps: the value as a vector, and the statement that stores it under a name. */
export function vectorStore(
  { place, value }: VectorNest["stores"][number],
  text: string,
  at: ReadonlyMap<Axis, string>,
  { vector, places }: VectorNest,
  pointerOf: PointerOf,
): { readonly value: string; readonly store: (name: string) => string } {
  const isFloat = place.buffer.dtype === "f32";
  const varies = variesAlong(vector, places)(value);
  const indices = place.at.map((e) => indexText(e, at));
  const address = pointer(places.get(place.buffer)!, indices, pointerOf);
  return {
    value: varies ? text : `${isFloat ? "SPLAT" : "ISPLAT"}(${text})`,
    store: (name) => `${isFloat ? "ST" : "STI"}(${address}, ${name});`,
  };
}

/** The atoms of a nest's own place: its axes, or their quotients and remainders by blocks. */
function indexText(e: Expr, names: ReadonlyMap<Axis, string>): string {
  if (e.kind === "index") return names.get(e.axis)!;
  if (e.kind === "const") return String(e.value);
  invariant(e.kind === "call" && (e.fn === "idiv" || e.fn === "mod"), "a store's index");
  const [a, b] = e.args.map((x) => indexText(x, names));
  return `(${a} ${e.fn === "idiv" ? "/" : "%"} ${b})`;
}

function pointer(
  { buffer, constant, coefficients }: Place,
  at: readonly string[],
  pointerOf: PointerOf,
): string {
  const terms = coefficients.map((k, i) => (k === 1 ? at[i]! : `${at[i]} * ${k}L`));
  if (constant !== 0) terms.push(String(constant));
  return `(${[pointerOf(buffer), ...terms].join(" + ")})`;
}

function vectorLoad({ buffer, lane }: Place, at: string, width: number): string {
  if (lane === 1) return `${{ f32: "LD", i32: "LDI", u8: "LDB" }[buffer.dtype]}(${at})`;
  const lanes = Array.from({ length: width }, (_, i) => `p_[${i * lane}]`).join(", ");
  const [type, element] =
    buffer.dtype === "f32"
      ? ["vf", "float"]
      : ["vi", buffer.dtype === "u8" ? "uint8_t" : "int32_t"];
  return `({ const ${element} *p_ = ${at}; (${type}){${lanes}}; })`;
}
