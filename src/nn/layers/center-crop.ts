/** The middle of images (https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { slice } from "../../ops/view.ts";
import { checkRank } from "./geometry.ts";
import { defineLayer } from "./layer.ts";
import { resized } from "./preprocessing.ts";

/** The middle of [batch, h, w, channels]; of an odd rest the larger part is cut off behind. */
function middle(x: Tensor, height: number, width: number): Tensor {
  const [batch, h, w, channels] = x.type.shape as [number, number, number, number];
  const start = [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0];
  return slice(x, start, [batch, height, width, channels]);
}

/** The most of n elements that are to others as wanted. */
const proportionate = (n: number, wanted: number): number =>
  Math.max(1, Math.min(n, Math.floor(wanted)));

export const centerCrop = defineLayer({
  name: "center_crop",
  doc: "The middle of images; of one that is too small the largest part of that form, enlarged (bilinear).",
  takes: "one",
  mask: "stops",
  options: {
    height: z.int().positive().describe("Rows of the result."),
    width: z.int().positive().describe("Columns of the result."),
  },
  build([x], { height, width }, ctx) {
    checkRank("center_crop", x!, 2, ctx);
    const [, h, w] = x!.type.shape as [number, number, number];
    if (h >= height && w >= width) return middle(x!, height, width);
    const rows = proportionate(h, (w * height) / width);
    const columns = proportionate(w, (h * width) / height);
    return resized(middle(x!, rows, columns), height, width, "bilinear");
  },
});
