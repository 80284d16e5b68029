/**
 * All that a program says, or that graphs do, as a hash: two with the same one are the same but for the identity of their
 * parts, so whatever was made of one serves the other.
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
import { type DelayAttrs, type Graph, graphTensors, isDelay, type Tensor } from "./graph.ts";
import { isKernel } from "./kernels.ts";
import type { Procedure, Program } from "./program.ts";

/** SHA-256, as hexadecimal digits. */
export function fingerprint(program: Program): string {
  const writer = new Writer();
  for (const v of program.variables) writer.line("variable", writer.buffer(v));
  for (const p of program.procedures) writer.procedure(p);
  return writer.digest();
}

/** JSON has no infinities, NaN or −0; constants may. */
export const exactNumbers = (_: string, value: unknown) =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `#${Object.is(value, -0) ? "-0" : value}`
    : value;

/** SHA-256 of graphs, as hexadecimal digits. Ops are what they are called: it holds for nnc's own, of one build. */
export function fingerprintOfGraphs(graphs: readonly Graph[]): string {
  const hash = createHash("sha256");
  const ids = new Map<Tensor, number>();
  for (const graph of graphs) {
    const lines: string[] = [graph.name];
    const delays: Tensor<DelayAttrs>[] = [];
    for (const y of graphTensors(graph)) {
      if (ids.has(y)) continue;
      ids.set(y, ids.size);
      const inputs = y.inputs.map((x) => ids.get(x)!).join();
      // A delay's knot has a number that differs from run to run; what it ties is said below.
      const attrs = isDelay(y) ? [y.attrs.steps, y.attrs.reverse] : y.attrs;
      if (isDelay(y)) delays.push(y);
      lines.push(
        `${y.op.name}(${inputs})${JSON.stringify([y.scope, y.type, attrs ?? null], exactNumbers)}`,
      );
    }
    for (const d of delays) lines.push(`tie ${ids.get(d)} ${ids.get(d.attrs.knot.value)}`);
    for (const u of graph.updates) lines.push(`update ${ids.get(u.variable)} ${ids.get(u.value)}`);
    hash.update(lines.join("\n")).update("\n\n");
  }
  return hash.digest("hex");
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
    this.line(
      "procedure",
      JSON.stringify([name, rest.arenaSize, rest.flops, rest.multiplyAdds, rest.multiplyAddsDone]),
    );
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
