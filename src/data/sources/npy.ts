/** NumPy's .npy: a file of examples and one of targets. */
import { arrayFileOptions, arrayFiles, eachFile } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { parseNpy } from "../npy.ts";
import { DataFile } from "../stream/data-file.ts";
import { locateNpy, storedDataset, worthStreaming } from "../stream/npy.ts";

export const npy = defineSource({
  name: "npy",
  doc: "Two NumPy arrays (np.save): examples and targets, along the first axis.",
  options: arrayFileOptions,
  load: (options, { directory }) => arrayFiles(options, directory, parseNpy),
  async stream(options, { directory }, beyond) {
    const found = await eachFile(options, directory, async (place) =>
      locateNpy(await DataFile.open(place)),
    );
    if (!worthStreaming(found, beyond)) return undefined;
    return storedDataset(found, options.scale, options.x_test ?? options.x);
  },
});
