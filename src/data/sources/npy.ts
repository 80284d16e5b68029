/** NumPy's .npy: a file of examples and one of targets. */
import { arrayFileOptions, arrayFiles } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { parseNpy } from "../npy.ts";

export const npy = defineSource({
  name: "npy",
  doc: "Two NumPy arrays (np.save): examples and targets, along the first axis.",
  options: arrayFileOptions,
  load: (options, { directory }) => arrayFiles(options, directory, parseNpy),
});
