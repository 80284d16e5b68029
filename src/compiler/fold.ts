/**
 * Folding: what only adds to or multiplies a tensor by things that never change is collected into one scale
 * and one shift, and the scale is absorbed where an op can (a contraction scales its weights). Convolution,
 * bias and batch normalisation become one contraction with a shift:
 * ((x∗w + b) − μ)·γ/√(σ² + ε) + β = x∗(w·f) + (b − μ)·f + β with f = γ/√(σ² + ε).
 * For programs that compute what never changes once (`hoist.ts`); elsewhere it would add work.
 */
import {
  type Folding,
  type Graph,
  graphTensors,
  isDelay,
  Retied,
  type ScaleShift,
  scoped,
  type Tensor,
} from "../ir/graph.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { add, mul } from "../ops/pointwise.ts";
import type { Invariance } from "./invariance.ts";

export function fold(graph: Graph, isInvariant: Invariance): Graph {
  const uses = countUses(graph);
  const forms = new Map<Tensor, ScaleShift>();
  const values = new Map<Tensor, Tensor>();
  // A core that something else needs too must stay as it is, or it would be computed twice.
  const shared = new Set<Tensor>();
  const retied = new Retied();
  const folding: Folding = {
    isInvariant,
    absorb: (x, scale) =>
      shared.has(x) ? undefined : scoped(x.scope, () => x.op.absorb?.(x, scale, folding)),
  };
  const rewritten = (y: Tensor): Tensor => {
    const known = values.get(y);
    if (known) return known;
    const value = scoped(y.scope, () => written(forms.get(y)!, y, folding));
    values.set(y, value);
    return value;
  };
  for (const y of graphTensors(graph)) {
    forms.set(
      y,
      scoped(y.scope, () =>
        formOf(y, forms, (t) => retied.over(t, t.inputs.map(rewritten)), isInvariant),
      ),
    );
    if (uses.get(y)! < 2 || !forms.get(y)!.core) continue;
    const core = rewritten(y);
    forms.set(y, { core });
    shared.add(core);
  }
  const updates = graph.updates.map(({ variable, value }) => ({
    variable,
    value: rewritten(value),
  }));
  retied.tie(rewritten);
  return { name: graph.name, updates };
}

function countUses(graph: Graph): ReadonlyMap<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const count = (x: Tensor) => uses.set(x, (uses.get(x) ?? 0) + 1);
  for (const y of graphTensors(graph)) {
    y.inputs.forEach(count);
    if (isDelay(y)) count(y.attrs.knot.value);
  }
  for (const { variable, value } of graph.updates) [variable, value].forEach(count);
  return uses;
}

function formOf(
  y: Tensor,
  forms: ReadonlyMap<Tensor, ScaleShift>,
  rebuilt: (x: Tensor) => Tensor,
  isInvariant: Invariance,
): ScaleShift {
  const own = y.op.scaleShift?.(
    y.inputs.map((x) => forms.get(x)!),
    y,
  );
  if (own) return own;
  const value = rebuilt(y);
  return isInvariant(y) ? { shift: value } : { core: value };
}

/** scale·core + shift, in the shape of `y`. */
function written({ core, scale, shift }: ScaleShift, y: Tensor, folding: Folding): Tensor {
  const { shape } = y.type;
  if (!core) return broadcastTo(shift!, shape);
  const scaled = scale ? (folding.absorb(core, scale) ?? mul(core, scale)) : core;
  return shift ? add(scaled, shift) : scaled;
}
