/** Of what loops compute, what nothing outside them reads is kept for the step under way only. */
import { buffersRead, type Compute, type Loop, type TensorBuffer } from "../ir/expr.ts";
import { isKernel, rowOffset } from "../ir/kernels.ts";
import { rewrite } from "../ir/rewrite.ts";
import type { Lowered } from "./lower.ts";

export function keepSteps(lowered: Lowered): Lowered {
  const { kernels, updates } = lowered;
  const readBy = (all: readonly Compute[]) => new Set(all.flatMap((k) => buffersRead(k.body)));
  const passed = new Set(updates.map((u) => u.next));
  const shortened = kernels.map((part) => {
    if (isKernel(part)) return part;
    const others = kernels.filter((other) => other !== part);
    const outside = readBy(others.flatMap((other) => (isKernel(other) ? [other] : other.kernels)));
    const isTemporary = (b: TensorBuffer) =>
      !outside.has(b) && !passed.has(b) && b.shape[0] === part.axis.extent;
    return onlyStep(part, isTemporary);
  });
  return { ...lowered, kernels: shortened };
}

/** The loop with one row in place of all of them for such buffers. What is delayed has a row more than steps. */
function onlyStep(loop: Loop, isTemporary: (b: TensorBuffer) => boolean): Loop {
  const rows = new Map<TensorBuffer, TensorBuffer>();
  for (const { output } of loop.kernels)
    if (isTemporary(output)) rows.set(output, { ...output, shape: output.shape.slice(1) });
  const kernels = loop.kernels.map((kernel): Compute => {
    const body = rewrite(kernel.body, (e) => {
      const row = e.kind === "load" ? rows.get(e.buffer) : undefined;
      if (e.kind !== "load" || !row || rowOffset(e, loop) === undefined) return e;
      return { ...e, buffer: row, at: e.at.slice(1) };
    });
    const output = rows.get(kernel.output);
    if (!output) return { ...kernel, body };
    const { row: _, ...whole } = kernel;
    return { ...whole, output, body };
  });
  return { ...loop, kernels };
}
