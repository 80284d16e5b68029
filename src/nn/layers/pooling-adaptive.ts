/** Pooling to a size that is given (https://keras.io/api/layers/pooling_layers/). Inputs are [batch, size…, channels]. */
import type { Tensor } from "../../ir/graph.ts";
import { max, mean } from "../../ops/reduce.ts";
import { concatenate, slice } from "../../ops/view.ts";
import { checkRank, each, type PerDimension, perDimension } from "./geometry.ts";
import { defineLayer, type Layer } from "./layer.ts";

type Pool = (x: Tensor, dim: number) => Tensor;

/** Of n elements window i of m begins at ⌊i·n/m⌋ and ends before ⌈(i + 1)·n/m⌉; neighbours may share elements. */
function pooledOver(x: Tensor, dim: number, m: number, pool: Pool): Tensor {
  const n = x.type.shape[dim]!;
  const windows = Array.from({ length: m }, (_, i) => {
    const [from, to] = [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)];
    const start = x.type.shape.map((_, d) => (d === dim ? from : 0));
    return pool(slice(x, start, x.type.shape.with(dim, to - from)), dim);
  });
  return windows.length === 1 ? windows[0]! : concatenate(windows, dim);
}

const adaptive = (kind: "average" | "max", rank: number, doc: string, pool: Pool): Layer =>
  defineLayer({
    name: `adaptive_${kind}_pooling${rank}d`,
    doc,
    takes: "one",
    mask: "stops",
    options: { output_size: perDimension(rank).describe("Size of the result.") },
    build([x], { output_size }: { readonly output_size: PerDimension }, ctx) {
      checkRank(`adaptive_${kind}_pooling${rank}d`, x!, rank, ctx);
      return each(output_size, rank).reduce((y, m, d) => pooledOver(y, d + 1, m, pool), x!);
    },
  });

const rest = "of windows that cover the input evenly, as many as `output_size` says.";
export const adaptivePooling: readonly Layer[] = [1, 2, 3].flatMap((rank) => [
  adaptive("average", rank, `The means ${rest}`, (x, dim) => mean(x, [dim])),
  adaptive("max", rank, `The largest elements ${rest}`, (x, dim) => max(x, [dim], true, "first")),
]);
