/** IDX, the format of MNIST and its kin: a file of examples and one of targets. */
import { arrayFileOptions, arrayFiles } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { parseIdx } from "../idx.ts";

export const idx = defineSource({
  name: "idx",
  doc:
    "Two IDX files, as of MNIST, plain or packed by gzip: examples and targets, along the first axis. " +
    "Pixels are 0 to 255 unless scaled.",
  options: arrayFileOptions,
  load: (options, { directory }) => arrayFiles(options, directory, parseIdx),
});
