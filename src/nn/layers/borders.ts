/** Zeros around sequences, images and volumes, and borders cut off (https://keras.io/api/layers/reshaping_layers/). */
import { z } from "zod";
import { pad, slice } from "../../ops/view.ts";
import { checkRank, dimensionNames, each, spatial } from "./geometry.ts";
import { defineLayer, showShape } from "./layer.ts";

const count = z.int().min(0);
/** A number for all sides, one a dimension, or a pair a dimension; a sequence has one dimension only. */
const border = (rank: number) =>
  rank === 1
    ? z.union([count, z.array(count).length(2)])
    : z.union([count, z.array(count).length(rank), z.array(z.array(count).length(2)).length(rank)]);
type Border = number | readonly number[] | readonly (readonly number[])[];

/** [before, after] for every dimension. */
const sides = (value: Border, rank: number): readonly (readonly number[])[] =>
  rank === 1
    ? [each(value as number, 2)]
    : each(value as number, rank).map((side) => each(side, 2));

const forms = [
  "p, or [before, after]",
  "p, [vertical, horizontal] or [[top, bottom], [left, right]]",
  "p, one a dimension, or a pair [before, after] a dimension",
];
const kinds = ["sequences", "images", "volumes"];

const zeroPadding = (rank: 1 | 2 | 3) => {
  const name = `zero_padding${rank}d`;
  return defineLayer({
    name,
    doc: `Zeros around ${kinds[rank - 1]}.`,
    takes: "one",
    mask: "stops",
    options: {
      padding: border(rank)
        .default(1)
        .describe(`How many: ${forms[rank - 1]}.`),
    },
    build([x], { padding }, ctx) {
      checkRank(name, x!, rank, ctx);
      const around = sides(padding, rank);
      const side = (k: number) => [0, ...around.map((s) => s[k]!), 0];
      return pad(x!, side(0), side(1));
    },
  });
};

const cropping = (rank: 1 | 2 | 3) => {
  const name = `cropping${rank}d`;
  return defineLayer({
    name,
    doc: `The inside of ${kinds[rank - 1]}, without some elements at the borders.`,
    takes: "one",
    mask: "stops",
    options: {
      cropping: border(rank)
        .default(rank === 2 ? 0 : 1)
        .describe(`How many to cut off: ${forms[rank - 1]}.`),
    },
    build([x], { cropping: by }, ctx) {
      checkRank(name, x!, rank, ctx);
      const cut = sides(by, rank);
      const left = spatial(x!).map((n, d) => n - cut[d]![0]! - cut[d]![1]!);
      const gone = left.findIndex((n) => n <= 0);
      if (gone >= 0) {
        const extent = spatial(x!)[gone]!;
        ctx.fail({
          path: ["cropping"],
          message: `nothing is left of ${dimensionNames(rank)[gone]} ${extent}`,
          expected: `less than ${extent} in all, as the input is ${showShape(x!.type.shape)}`,
          received: `${cut[gone]!.join(" + ")}`,
          fix: "crop less",
        });
      }
      const { shape } = x!.type;
      return slice(x!, [0, ...cut.map((s) => s[0]!), 0], [shape[0]!, ...left, shape.at(-1)!]);
    },
  });
};

export const [zeroPadding1d, zeroPadding2d, zeroPadding3d] = [
  zeroPadding(1),
  zeroPadding(2),
  zeroPadding(3),
];
export const [cropping1d, cropping2d, cropping3d] = [cropping(1), cropping(2), cropping(3)];
