/** Reverse-mode differentiation, from graph to graph: each op contributes its vector-Jacobian product. */
import {
  type DelayAttrs,
  delay,
  isDelay,
  Knot,
  scoped,
  type Tensor,
  topologicalOrder,
} from "../ir/graph.ts";
import { delayable } from "../ops/loop.ts";
import { add } from "../ops/pointwise.ts";
import { fill, reshape, slice } from "../ops/view.ts";
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
  const accumulate = (x: Tensor, dx: Tensor) => {
    const sum = cotangents.get(x);
    cotangents.set(x, sum ? scoped(`${x.scope}/grad`, () => add(sum, dx)) : dx);
  };
  const loops = new BackwardDelays(order.filter(isDelay).filter((d) => relevant.has(d)));
  for (const { value, back } of loops.all) accumulate(value, back);
  for (const y of [...order].reverse()) {
    const dy = cotangents.get(y);
    if (isDelay(y) && relevant.has(y)) {
      const dInitial = loops.close(y, dy);
      if (relevant.has(y.inputs[0]!)) accumulate(y.inputs[0]!, dInitial);
    }
    if (!dy || y.inputs.length === 0 || !relevant.has(y) || isDelay(y)) continue;
    if (!y.op.grad) throw internal(`op ${y.op.name} has no gradient`);
    const { grad } = y.op;
    const parts = scoped(`${y.scope}/grad`, () => grad(dy, y));
    for (const [i, dx] of parts.entries()) {
      const x = y.inputs[i]!;
      if (dx && relevant.has(x)) accumulate(x, dx);
    }
  }
  return wrt.map((x) => cotangents.get(x) ?? fill(0, x.type.shape));
}

/**
 * What a state is before a step, it was after the one before: so a state's cotangent after a step includes its
 * cotangent before the next, and the loop runs backward.
 */
class BackwardDelays {
  readonly all: readonly { readonly value: Tensor; readonly back: Tensor }[];
  readonly #knots = new Map<Tensor, Knot>();
  readonly #taken: Tensor[] = [];

  constructor(delays: readonly Tensor<DelayAttrs>[]) {
    this.all = delays.map((d) => {
      const { knot, steps, reverse } = d.attrs;
      const own = new Knot();
      this.#knots.set(d, own);
      const back = scoped(`${d.scope}/grad`, () =>
        delay(fill(0, d.inputs[0]!.type.shape), { steps, reverse: !reverse, knot: own }),
      );
      return { value: knot.value, back };
    });
  }

  /**
   * @param dy the cotangent of what the state is before each step
   * @returns that of the initial state
   */
  close(d: Tensor<DelayAttrs>, dy = fill(0, d.type.shape)): Tensor {
    const { steps, reverse } = d.attrs;
    const backs = this.all.map(({ back }) => back);
    return scoped(`${d.scope}/grad`, () => {
      const value = delayable(dy, this.#taken, backs);
      this.#taken.push(value);
      this.#knots.get(d)!.tie(value);
      const first = d.type.shape.map((_, i) => (i === 0 && reverse ? steps - 1 : 0));
      const own = slice(value, first, [1, ...d.type.shape.slice(1)]);
      return reshape(own, d.inputs[0]!.type.shape);
    });
  }
}

/** The tensors that depend on one of `roots`; nothing else needs a cotangent. */
function dependents(order: readonly Tensor[], roots: ReadonlySet<Tensor>): ReadonlySet<Tensor> {
  const found = new Set<Tensor>(roots);
  const delays = order.filter(isDelay);
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const d of delays) if (found.has(d.attrs.knot.value)) found.add(d);
    for (const y of order) if (y.inputs.some((x) => found.has(x))) found.add(y);
  }
  return found;
}
