/**
 * All that a program says, as a hash: two programs with the same one are the same but for the identity of their parts,
 * so whatever was generated for one serves the other.
 */
import { createHash, type Hash } from "node:crypto";
import {
  type Axis,
  type Compute,
  children,
  type Expr,
  type Loop,
  type TensorBuffer,
} from "./expr.ts";
import { isKernel } from "./kernels.ts";
import type { Procedure, Program } from "./program.ts";

/** SHA-256, as hexadecimal digits. */
export function fingerprint(program: Program): string {
  const writer = new Writer();
  for (const v of program.variables) writer.line("variable", writer.buffer(v));
  for (const p of program.procedures) writer.procedure(p);
  return writer.digest();
}

/** Lines to a hash; axes, buffers and expressions are described where they first occur, and are numbers from then on. */
class Writer {
  readonly #hash: Hash = createHash("sha256");
  readonly #ids = new Map<Axis | TensorBuffer | Expr, number>();
  #pending = "";

  digest(): string {
    return this.#hash.update(this.#pending).digest("hex");
  }

  line(...parts: readonly (string | number)[]): void {
    this.#pending += `${parts.join(" ")}\n`;
    if (this.#pending.length < 1 << 16) return;
    this.#hash.update(this.#pending);
    this.#pending = "";
  }

  procedure({ name, kernels, updates, offsets, ...rest }: Procedure): void {
    this.line("procedure", JSON.stringify([name, rest.arenaSize, rest.flops, rest.multiplyAdds]));
    for (const part of kernels) this.#part(part);
    for (const { variable, next } of updates)
      this.line("update", this.buffer(variable), this.buffer(next));
    for (const [buffer, offset] of offsets) this.line("offset", this.buffer(buffer), offset);
  }

  #part(part: Compute | Loop): void {
    if (isKernel(part)) {
      this.#kernel(part);
      return;
    }
    this.line("loop", JSON.stringify(part.name), this.#axis(part.axis), `${part.reverse}`);
    for (const kernel of part.kernels) this.#kernel(kernel);
    this.line("end");
  }

  #kernel({ name, output, row, axes, body }: Compute): void {
    const at = row ? this.#expr(row) : "-";
    const over = axes.map((a) => this.#axis(a)).join();
    this.line("kernel", JSON.stringify(name), this.buffer(output), at, over, this.#expr(body));
  }

  /** All of a buffer's properties count: variables say more of themselves than temporaries. */
  buffer(buffer: TensorBuffer): number {
    return this.#once(buffer, () => this.line("buffer", JSON.stringify(buffer)));
  }

  #axis(axis: Axis): number {
    return this.#once(axis, () => this.line("axis", JSON.stringify([axis.name, axis.extent])));
  }

  #expr(e: Expr): number {
    const known = this.#ids.get(e);
    if (known !== undefined) return known;
    const inner = children(e).map((c) => this.#expr(c));
    const own = this.#head(e);
    return this.#once(e, () => this.line(own, ...inner));
  }

  #head(e: Expr): string {
    switch (e.kind) {
      case "const":
        return `${e.type} ${Object.is(e.value, -0) ? "-0" : e.value}`;
      case "index":
        return `index ${this.#axis(e.axis)}`;
      case "load":
        return `load ${this.buffer(e.buffer)} ${e.padded ?? ""}`;
      case "call":
        return e.fn;
      case "reduce":
        return `${e.op} ${e.axes.map((a) => this.#axis(a)).join()}`;
      default:
        return e satisfies never;
    }
  }

  #once(object: Axis | TensorBuffer | Expr, describe: () => void): number {
    const known = this.#ids.get(object);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(object, id);
    describe();
    return id;
  }
}
