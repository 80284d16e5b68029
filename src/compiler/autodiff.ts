/** Reverse-mode differentiation, from graph to graph: each op contributes its vector-Jacobian product. */
import { scoped, type Tensor, topologicalOrder } from "../ir/graph.ts";
import { add } from "../ops/pointwise.ts";
import { fill } from "../ops/view.ts";
import { internal, invariant } from "../support/errors.ts";

/**
 * ∂loss/∂x for each `x` in `wrt`, with the shape of `x`; zeros where the loss does not depend on it.
 * @param loss a tensor of one element
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  invariant(
    loss.type.shape.every((n) => n === 1),
    `gradient of a tensor [${loss.type.shape}]`,
  );
  const order = topologicalOrder([loss]);
  const relevant = dependents(order, new Set(wrt));
  const cotangents = new Map<Tensor, Tensor>([[loss, fill(1, loss.type.shape)]]);
  for (const y of [...order].reverse()) {
    const dy = cotangents.get(y);
    if (!dy || y.inputs.length === 0 || !relevant.has(y)) continue;
    if (!y.op.grad) throw internal(`op ${y.op.name} has no gradient`);
    const { grad } = y.op;
    const parts = scoped(`${y.scope}/grad`, () => grad(dy, y));
    for (const [i, dx] of parts.entries()) {
      const x = y.inputs[i]!;
      if (!dx || !relevant.has(x)) continue;
      const sum = cotangents.get(x);
      cotangents.set(x, sum ? scoped(`${x.scope}/grad`, () => add(sum, dx)) : dx);
    }
  }
  return wrt.map((x) => cotangents.get(x) ?? fill(0, x.type.shape));
}

/** The tensors that depend on one of `roots`; nothing else needs a cotangent. */
function dependents(order: readonly Tensor[], roots: ReadonlySet<Tensor>): ReadonlySet<Tensor> {
  const found = new Set<Tensor>(roots);
  for (const y of order) if (y.inputs.some((x) => found.has(x))) found.add(y);
  return found;
}
