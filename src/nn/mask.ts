/**
 * Masks: which steps of a tensor are there and which are padding. A mask is a tensor of 1 and 0 over the first
 * dimensions of what it belongs to, [batch, time] for sequences [batch, time, features]. Layers read the masks of
 * their inputs in their context and say in their definitions what becomes of them
 * (https://keras.io/guides/understanding_masking_and_padding/).
 */
import type { Shape, Tensor } from "../ir/graph.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { equal, float, maximum, mul, sub } from "../ops/pointwise.ts";
import { max } from "../ops/reduce.ts";
import { reshape } from "../ops/view.ts";

/** Undefined: everything is there. */
export type Mask = Tensor | undefined;

/**
 * The mask over exactly the first `rank` dimensions of a shape: the same all along those it lacks; where it has
 * more, 1 if anything is there.
 */
export function maskOver(mask: Tensor, shape: Shape, rank: number): Tensor {
  const beyond = mask.type.shape.map((_, d) => d).slice(rank);
  const cut = beyond.length > 0 ? max(mask, beyond, false) : mask;
  return broadcastTo(behind(cut, rank), shape.slice(0, rank));
}

/** The mask with dimensions of 1 behind its own, up to a rank: it then broadcasts with what it belongs to. */
export const behind = (mask: Tensor, rank: number): Tensor =>
  reshape(mask, [
    ...mask.type.shape,
    ...Array<number>(Math.max(0, rank - mask.type.shape.length)).fill(1),
  ]);

/** 1 where x is another number. */
export const differs = (x: Tensor, value: number): Tensor => sub(1, equal(float(x), value));

/** 1 where one of two masks is. */
export const either = (a: Tensor, b: Tensor): Tensor => maximum(a, b);
/** 1 where both masks are. */
export const both = (a: Mask, b: Mask): Mask => (a && b ? mul(a, b) : (a ?? b));

/** What Keras puts in place of scores that a softmax must not see, or adds to them. */
export const hidden = -1e9;
