/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { arrayDataset, scaleOption } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { type FilePlace, readDataFile } from "../read-file.ts";

const arrayName = z.string().min(1);

/**
 * `x`: the array's own shape and type, uint8 kept; an array of rank 1 is read as one feature, [1].
 * `y`: integers as int32, floats as float32, in the array's own shape: [] for class labels.
 */
export const npz = defineSource({
  name: "npz",
  doc:
    "A NumPy archive (np.savez, np.savez_compressed): examples in `x`, targets in `y`, along the " +
    "first axis; `x_test` and `y_test`, if it has them, are the validation data.",
  options: {
    path: z.string().min(1).describe("The file, relative to the spec."),
    x: arrayName.default("x").describe("Name of the array of examples."),
    y: arrayName.default("y").describe("Name of the array of targets."),
    x_test: arrayName
      .optional()
      .describe(
        "Name of the array of examples to validate with. Default: x_test, if there is one.",
      ),
    y_test: arrayName
      .optional()
      .describe("Name of the array of targets to validate with. Default: y_test, if there is one."),
    scale: scaleOption,
  },
  async load(options, { directory }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    // What unpacks is loaded where something is packed.
    const { Archive } = await import("../archive.ts");
    const archive = new Archive(await readDataFile(place), place);
    const { x, y, scale } = options;
    const x_test = options.x_test ?? "x_test";
    const y_test = options.y_test ?? "y_test";
    const wantsTest =
      options.x_test !== undefined ||
      options.y_test !== undefined ||
      archive.has(x_test) ||
      archive.has(y_test);
    archive.require(wantsTest ? { x, y, x_test, y_test } : { x, y });
    const train = archive.examples({ x, y }, scale);
    const test = wantsTest ? archive.examples({ x: x_test, y: y_test }, scale, "_test") : undefined;
    return arrayDataset(train, test, place.name);
  },
});
