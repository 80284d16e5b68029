/**
 * Value numbering: structurally equal expressions get equal numbers, so that "the same value" is an
 * integer comparison. Axes and buffers are distinguished by identity, so no name can capture another.
 */
import { type Axis, children, type Expr, type TensorBuffer } from "./expr.ts";

export class Numbering {
  readonly #byExpr = new Map<Expr, number>();
  readonly #byKey = new Map<string, number>();
  readonly #ids = new Map<Axis | TensorBuffer, number>();

  /** The number of an expression; equal numbers mean equal values wherever both are defined. */
  of(e: Expr): number {
    const known = this.#byExpr.get(e);
    if (known !== undefined) return known;
    const key = this.#key(
      e,
      children(e)
        .map((c) => this.of(c))
        .join(","),
    );
    const number = this.#byKey.get(key) ?? this.#byKey.size;
    this.#byKey.set(key, number);
    this.#byExpr.set(e, number);
    return number;
  }

  #key(e: Expr, inner: string): string {
    switch (e.kind) {
      case "const":
        return `${e.type} ${Object.is(e.value, -0) ? "-0" : e.value}`;
      case "index":
        return `@${this.#id(e.axis)}`;
      case "load":
        return `[${e.padded ? "+" : ""}${this.#id(e.buffer)}:${inner}`;
      case "call":
        return `${e.fn}(${inner}`;
      case "reduce":
        return `${e.op}{${e.axes.map((a) => this.#id(a)).join(",")}:${inner}`;
      default:
        return e satisfies never;
    }
  }

  #id(object: Axis | TensorBuffer): number {
    const id = this.#ids.get(object) ?? this.#ids.size;
    this.#ids.set(object, id);
    return id;
  }
}
