/**
 * What must hold between passes. A violation is a fault of ours and begins with `internal:`; every pass is
 * followed by a check in tests and in the real thing, which costs a few milliseconds.
 */
import {
  type Axis,
  type Compute,
  children,
  type Expr,
  type Load,
  type Loop,
  type TensorBuffer,
  walk,
  writtenShape,
} from "../ir/expr.ts";
import { type Graph, graphTensors, sameShape, sizeOf } from "../ir/graph.ts";
import { rangeOf } from "../ir/index-algebra.ts";
import { allKernels, isKernel, stepOffset, walkRows } from "../ir/kernels.ts";
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
  const own = new Set(allKernels(lowered.kernels).map((k) => k.output));
  const verify = (kernel: Compute, outer: readonly Axis[]) => {
    verifyShape(kernel);
    walk(kernel.body, (e) => {
      const early = e.kind === "load" && own.has(e.buffer) && !written.has(e.buffer);
      invariant(!early, () => `${kernel.name} reads ${(e as Load).buffer.name} too early`);
      verifyIndices(kernel.name, e);
    });
    const { row, output } = kernel;
    if (row) checkBounds(kernel.name, output, row, 0);
    const bound = new Set([...kernel.axes, ...outer]);
    for (const e of row ? [row, kernel.body] : [kernel.body]) checkAxes(kernel.name, e, bound);
    written.add(output);
  };
  for (const part of lowered.kernels) {
    if (isKernel(part)) verify(part, []);
    else {
      for (const kernel of part.kernels) verify(kernel, [part.axis]);
      verifyRows(part);
    }
  }
  for (const { variable, next } of lowered.updates) {
    invariant(written.has(next), `${variable.name}: its next value is never computed`);
    invariant(sameShape(variable.shape, next.shape), `${variable.name}: shape of its next value`);
  }
  return lowered;
}

function verifyShape(kernel: Compute): void {
  const extents = kernel.axes.map((a) => a.extent);
  invariant(
    sameShape(writtenShape(kernel), extents),
    () => `${kernel.name}: axes and output differ`,
  );
}

function verifyIndices(kernel: string, e: Expr): void {
  if (e.kind === "load" && !e.padded)
    for (const [d, i] of e.at.entries()) checkBounds(kernel, e.buffer, i, d);
  if (e.kind === "call" && (e.fn === "idiv" || e.fn === "mod")) {
    const [low] = rangeOf(e.args[0]!);
    invariant(!(low < 0 && Number.isFinite(low)), `${kernel}: ${e.fn} of a negative`);
  }
}

/**
 * The loop's axis is nothing but the row of a load. Of what the loop itself writes it reads the row of this step,
 * once that is there, or of the step before.
 */
function verifyRows(loop: Loop): void {
  const rows = new Map<TensorBuffer, number>();
  for (const { output, row } of loop.kernels) {
    if (!row) continue;
    const offset = stepOffset(row, loop);
    invariant(offset !== undefined, `${loop.name}: ${output.name} is not written by rows`);
    rows.set(output, offset);
  }
  const ready = new Set<TensorBuffer>();
  for (const kernel of loop.kernels) {
    walkRows(kernel.body, loop, (e, offset) => {
      const own = rows.get(e.buffer);
      if (own === undefined) return;
      const says = `${kernel.name} reads ${e.buffer.name}`;
      invariant(offset !== undefined, `${says} not by rows`);
      const late = loop.reverse ? own + 1 : own - 1;
      const isThere = offset === late || (offset === own && ready.has(e.buffer));
      invariant(isThere, `${says} ${offset - own} steps off`);
    });
    ready.add(kernel.output);
  }
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
