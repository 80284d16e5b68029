/** What a generator of random options and inputs for a layer draws, and what generators share. */
import type { Shape } from "../../src/ir/graph.ts";
import type { random } from "./evaluate.ts";
import type { Options } from "./keras.ts";

export type Random = ReturnType<typeof random>;
/** Shapes are those of one example. */
export interface LayerCase {
  readonly options: Options;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  /** The inputs are whole numbers from 0 to below this. */
  readonly below?: number;
}
export type Generator = (r: Random) => LayerCase;

export const times = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw);
/** An option for every dimension, as one number or as a list, and as the list it stands for. */
export function each(r: Random, rank: number, lo: number, hi: number) {
  const list = times(rank, () => r.int(lo, hi));
  const same = r.pick([true, false]);
  return { option: same ? list[0]! : list, list: same ? list.map(() => list[0]!) : list };
}

/** A layer that keeps the shape. */
export const keeping =
  (options: (r: Random) => Options, shape: (r: Random) => Shape): Generator =>
  (r) => {
    const output = shape(r);
    return { options: options(r), inputs: [output], output };
  };
