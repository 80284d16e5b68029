/**
 * Loops: tensors that need each other through delays, and so have to be computed step by step. Whatever does not
 * is outside, over all steps at once: projections of the inputs before a recurrent loop, gradients of its weights
 * after it.
 */
import { invariant } from "../support/errors.ts";
import { type DelayAttrs, type Graph, graphTensors, isDelay, type Tensor } from "./graph.ts";
import { circles, ordered } from "./order.ts";

/** Each of its tensors is [steps, …]; step t reads only step t of others in it, and delays the step before. */
export interface GraphLoop {
  readonly steps: number;
  readonly reverse: boolean;
  /** Inputs before users, delays before all. */
  readonly tensors: readonly Tensor[];
  readonly delays: readonly Tensor<DelayAttrs>[];
}

/** A graph in an order in which it can be computed: one tensor, or a loop, after what it needs. */
export type Section = Tensor | GraphLoop;
export const isLoop = (section: Section): section is GraphLoop => "delays" in section;

export function sectionsOf(graph: Graph): readonly Section[] {
  const order = graphTensors(graph);
  const loops = findLoops(order);
  if (loops.length === 0) return order;
  const owner = new Map(loops.flatMap((loop) => loop.tensors.map((x) => [x, loop])));
  const sectionOf = (x: Tensor): Section => owner.get(x) ?? x;
  const needs = (s: Section): readonly Section[] => {
    const inputs = isLoop(s) ? s.tensors.flatMap((x) => x.inputs) : s.inputs;
    return inputs.map(sectionOf).filter((other) => other !== s);
  };
  return ordered(order.map(sectionOf), needs);
}

function findLoops(order: readonly Tensor[]): readonly GraphLoop[] {
  const delays = order.filter(isDelay);
  if (delays.length === 0) return [];
  // A delay and its value need each other even where nothing else closes the circle.
  const late = new Map<Tensor, Tensor[]>();
  for (const d of delays)
    late.set(d.attrs.knot.value, [...(late.get(d.attrs.knot.value) ?? []), d]);
  const needs = (x: Tensor) => [
    ...x.inputs,
    ...(late.get(x) ?? []),
    ...(isDelay(x) ? [x.attrs.knot.value] : []),
  ];
  return circles(order, needs)
    .filter((members) => members.some(isDelay))
    .map(loopOf);
}

function loopOf(members: readonly Tensor[]): GraphLoop {
  const delays = members.filter(isDelay);
  const { steps, reverse } = delays[0]!.attrs;
  for (const d of delays) {
    const same = d.attrs.steps === steps && d.attrs.reverse === reverse;
    invariant(same, `${d.scope}: loops of different directions or lengths need each other`);
    const value = d.attrs.knot.value;
    const alone = delays.every((other) => other === d || other.attrs.knot.value !== value);
    invariant(alone, `${d.scope}: a value is delayed twice`);
  }
  for (const x of members)
    invariant(
      x.type.shape[0] === steps,
      () => `${x.scope}: ${x.op.name} [${x.type.shape}] inside a loop of ${steps} steps`,
    );
  return { steps, reverse, tensors: [...delays, ...members.filter((x) => !isDelay(x))], delays };
}
