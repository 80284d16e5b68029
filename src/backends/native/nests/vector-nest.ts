/**
 * Nests as vector code: the innermost loop walks the axis along which the results lie side by side, a vector at a
 * time. What does not vary along it is computed once as a scalar; loads become vectors where memory is
 * contiguous, and are put together lane by lane where it is not.
 */

import {
  type Axis,
  children,
  type Expr,
  index,
  type Load,
  load,
  type Reduce,
  type TensorBuffer,
  typeOf,
} from "../../../ir/expr.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import { invariant } from "../../../support/errors.ts";
import type { Dialect } from "../../printer.ts";
import { floatLiteral, scalarDialect, vectorCall } from "../c.ts";
import type { LayoutOf, PointerOf } from "../layout.ts";
import { loadsOf, type Nest } from "./nest.ts";
import { indexText, type Place, Places, placeText } from "./places.ts";
import { runOf } from "./runs.ts";

/** A nest in which every load says how its lanes lie. */
export interface VectorNest {
  /** An axis of the nest, or one along which a reduction in it is cut: then its results are single floats. */
  readonly vector: Axis;
  readonly across: boolean;
  /** See `Places`. */
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
  const across = !nest.axes.includes(vector);
  const printable = stores.every(
    ({ place, value }) =>
      place.buffer.dtype !== "u8" &&
      places.all.get(place.buffer)?.lane === (across ? 0 : 1) &&
      hasVectorForm(value, vector, varies),
  );
  if (places.failed || !printable) return undefined;
  const written = new Set(nest.stores.map((s) => s.buffer));
  // Also at its own place: an update in place must not be done twice.
  const isRead = [...loadsOf(nest)].some((b) => written.has(b));
  const blocked = [...places.all.values()].some((p) => layoutOf(p.buffer).block);
  const overlaps = vector.extent >= width && !isRead && !blocked;
  return { vector, across, first: places.first, stores, places: places.all, overlaps };
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
          : !reducesLanes(e, vector) && children(e).some(varies);
    known.set(e, result);
    return result;
  };
  return varies;
}

/** Whether a reduction makes one number of all lanes. */
const reducesLanes = (e: Expr, vector: Axis): boolean =>
  e.kind === "reduce" && e.axes.includes(vector);

/** Whether everything that varies from lane to lane can be computed on vectors. */
function hasVectorForm(e: Expr, vector: Axis, varies: Varies): boolean {
  const inside = () => children(e).every((c) => hasVectorForm(c, vector, varies));
  if (!varies(e)) return inside();
  switch (e.kind) {
    case "const":
    case "index":
    case "load":
      return true;
    case "reduce":
      return typeOf(e) === "float" && !variesInLength(e, varies) && inside();
    case "call":
      return vectorCall(e) !== undefined && inside();
    default:
      return e satisfies never;
  }
}

/** Whether lanes would walk runs of their own. */
function variesInLength(e: Reduce, varies: Varies): boolean {
  const run = runOf(e);
  return run !== undefined && (varies(run.from) || varies(run.to));
}

const vectorTypes = { float: "vf", int: "vi", bool: "vi" } as const;

/** How the values of a vector nest are written; everything that varies is a vector. */
export function nestDialect(
  { vector, places }: VectorNest,
  width: number,
  pointerOf: PointerOf,
): Dialect {
  const varies = variesAlong(vector, places);
  const scalar = scalarDialect((e, at) => `${placeText(places.get(e.buffer)!, at, pointerOf)}[0]`);
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
        ? vectorLoad(place, placeText(place, at, pointerOf), width)
        : scalar.load(e, at);
    },
    declare: (name, type, value, e) =>
      varies(e)
        ? `const ${vectorTypes[type]} ${name} = ${value};`
        : scalar.declare(name, type, value, e),
    start(name, op, type, e) {
      if (reducesLanes(e, vector)) return `float ${name};`;
      return varies(e)
        ? `vf ${name} = SPLAT(${floatLiteral(op === "sum" ? 0 : Number.NEGATIVE_INFINITY)});`
        : scalar.start(name, op, type, e);
    },
    loop: (i, axis, run) =>
      axis === vector
        ? { open: [`{ const vi ${i} = LANES; (void)${i};`], close: ["}"] }
        : scalar.loop(i, axis, run),
    accumulate(name, op, value, e) {
      if (e.kind === "reduce" && reducesLanes(e, vector))
        return `${name} = ${op === "sum" ? "lanes_sum" : "lanes_max"}(${lifted(e.body, value)});`;
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
  { vector, across, places }: VectorNest,
  pointerOf: PointerOf,
): { readonly value: string; readonly store: (name: string) => string } {
  const isFloat = place.buffer.dtype === "f32";
  const varies = variesAlong(vector, places)(value);
  const indices = place.at.map((e) => indexText(e, at));
  const address = placeText(places.get(place.buffer)!, indices, pointerOf);
  if (across) return { value: text, store: (name) => `${address}[0] = ${name};` };
  return {
    value: varies ? text : `${isFloat ? "SPLAT" : "ISPLAT"}(${text})`,
    store: (name) => `${isFloat ? "ST" : "STI"}(${address}, ${name});`,
  };
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
