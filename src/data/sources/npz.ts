/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { arrayNames } from "../array-names.ts";
import { heldDataset, scaleOption } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { type FilePlace, readDataFile } from "../read-file.ts";
import { DataFile } from "../stream/data-file.ts";
import { storedDataset, worthStreaming } from "../stream/npy.ts";

export const npz = defineSource({
  name: "npz",
  doc:
    "A NumPy archive (np.savez, np.savez_compressed): examples in `x`, targets in `y`, along the " +
    "first axis; `x_test` and `y_test`, if it has them, are the validation data.",
  options: {
    path: z.string().min(1).describe("The file, relative to the spec."),
    x: arrayNames
      .default("x")
      .describe("Name of the array of examples; for several inputs, by their names."),
    y: arrayNames
      .default("y")
      .describe("Name of the array of targets; for several outputs, by their names."),
    x_test: arrayNames
      .optional()
      .describe(
        "The same for the examples to validate with. Default: x_test, or of several the names with " +
          "_test, if there are such.",
      ),
    y_test: arrayNames.optional().describe("The same for the targets to validate with."),
    scale: scaleOption,
  },
  async load(options, { directory }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    // What unpacks is loaded where something is packed.
    const { heldArchive } = await import("../archive.ts");
    const archive = heldArchive(await readDataFile(place), place);
    return heldDataset(await archive.pairs(options), options.scale, place.name);
  },
  async stream(options, { directory }, beyond) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const file = await DataFile.open(place);
    if (file.size <= beyond) return undefined;
    const { storedArchive } = await import("../archive.ts");
    const archive = await storedArchive(file, beyond > 0 ? "give up" : "complain");
    const found = await archive?.pairs(options);
    if (!found || !worthStreaming(found, beyond)) return undefined;
    return storedDataset(found, options.scale, place.name);
  },
});
