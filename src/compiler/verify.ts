/**
 * What must hold between passes. A violation is a fault of ours and begins with `internal:`; every pass is
 * followed by a check in tests and in the real thing, which costs a few milliseconds.
 */
import { type Axis, children, type Expr, type TensorBuffer, walk } from "../ir/expr.ts";
import { type Graph, graphTensors, sameShape, sizeOf } from "../ir/graph.ts";
import { rangeOf } from "../ir/index-algebra.ts";
import type { Procedure } from "../ir/program.ts";
import { invariant } from "../support/errors.ts";
import type { Lowered } from "./lower.ts";
import { liveRanges } from "./memory.ts";

/** Types are what the ops infer, updates fit their variables, no variable is updated twice. */
export function verifyGraph(graph: Graph): Graph {
  for (const y of graphTensors(graph)) {
    const type = y.op.infer(
      y.inputs.map((x) => x.type),
      y.attrs,
    );
    invariant(
      sameShape(type.shape, y.type.shape) && type.dtype === y.type.dtype,
      () => `${y.scope}: ${y.op.name} is ${type.dtype}[${type.shape}], not [${y.type.shape}]`,
    );
    invariant(
      y.type.shape.every((n) => Number.isInteger(n) && n > 0),
      () => `${y.scope}: ${y.op.name} has shape [${y.type.shape}]`,
    );
  }
  const seen = new Set<string>();
  for (const { variable, value } of graph.updates) {
    const { name, kind } = variable.attrs;
    invariant(kind === "state", `${name} is data, which no step may change`);
    invariant(!seen.has(name), `${name} is updated twice`);
    seen.add(name);
    invariant(
      sameShape(variable.type.shape, value.type.shape) && variable.type.dtype === value.type.dtype,
      () => `${name}: [${value.type.shape}] ${value.type.dtype} as next value`,
    );
  }
  return graph;
}

/** Kernels read what exists, inside its bounds, with bound axes. */
export function verifyKernels(lowered: Lowered): Lowered {
  const written = new Set<TensorBuffer>();
  const own = new Set(lowered.kernels.map((k) => k.output));
  for (const kernel of lowered.kernels) {
    invariant(
      sameShape(
        kernel.output.shape,
        kernel.axes.map((a) => a.extent),
      ),
      `${kernel.name}: axes and output differ`,
    );
    walk(kernel.body, (e) => {
      if (e.kind === "load") {
        invariant(
          !own.has(e.buffer) || written.has(e.buffer),
          `${kernel.name} reads ${e.buffer.name} too early`,
        );
        if (!e.padded) {
          for (const [d, i] of e.at.entries()) checkBounds(kernel.name, e.buffer, i, d);
        }
      }
      if (e.kind === "call" && (e.fn === "idiv" || e.fn === "mod")) {
        invariant(
          !(rangeOf(e.args[0]!)[0] < 0 && Number.isFinite(rangeOf(e.args[0]!)[0])),
          `${kernel.name}: ${e.fn} of a negative`,
        );
      }
    });
    checkAxes(kernel.name, kernel.body, new Set(kernel.axes));
    written.add(kernel.output);
  }
  for (const { variable, next } of lowered.updates) {
    invariant(written.has(next), `${variable.name}: its next value is never computed`);
    invariant(sameShape(variable.shape, next.shape), `${variable.name}: shape of its next value`);
  }
  return lowered;
}

/** Indices that come from data cannot be bounded here; data is checked when it is loaded. */
function checkBounds(kernel: string, buffer: TensorBuffer, i: Expr, d: number): void {
  const [lo, hi] = rangeOf(i);
  const size = buffer.shape[d]!;
  const bad = (lo < 0 && Number.isFinite(lo)) || (hi >= size && Number.isFinite(hi));
  invariant(!bad, `${kernel} reads ${buffer.name} at ${lo}…${hi} of ${size} in dimension ${d}`);
}

function checkAxes(
  kernel: string,
  e: Expr,
  bound: ReadonlySet<Axis>,
  seen = new Map<Expr, ReadonlySet<Axis>>(),
): void {
  if (seen.get(e) === bound) return;
  seen.set(e, bound);
  if (e.kind === "index") invariant(bound.has(e.axis), `${kernel}: axis ${e.axis.name} is free`);
  const inner = e.kind === "reduce" ? new Set([...bound, ...e.axes]) : bound;
  for (const child of children(e)) checkAxes(kernel, child, inner, seen);
}

/** Buffers that are alive at the same time do not overlap in the arena. */
export function verifyMemory(procedure: Procedure): Procedure {
  const ranges = liveRanges(procedure);
  for (const [i, a] of ranges.entries()) {
    const start = procedure.offsets.get(a.buffer);
    invariant(start !== undefined, `${a.buffer.name} has no place`);
    const end = start + sizeOf(a.buffer.shape);
    invariant(end <= procedure.arenaSize, `${a.buffer.name} lies outside the arena`);
    for (const b of ranges.slice(i + 1)) {
      const other = procedure.offsets.get(b.buffer)!;
      const apart = other >= end || start >= other + sizeOf(b.buffer.shape);
      invariant(
        apart || a.last < b.first || b.last < a.first,
        `${a.buffer.name} and ${b.buffer.name} overlap`,
      );
    }
  }
  return procedure;
}
