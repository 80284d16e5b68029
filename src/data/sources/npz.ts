/** NumPy's .npz archives: arrays `x` and `y`, and `x_test` and `y_test` where there are any. */
import { z } from "zod";
import { arrayNames, byName, testNames } from "../array-names.ts";
import { arrayDataset, scaleOption } from "../arrays.ts";
import { defineSource } from "../dataset.ts";
import { type FilePlace, readDataFile } from "../read-file.ts";

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
    const { Archive } = await import("../archive.ts");
    const archive = new Archive(await readDataFile(place), place);
    const { x, y, scale } = options;
    const x_test = options.x_test ?? testNames(x, "x_test");
    const y_test = options.y_test ?? testNames(y, "y_test");
    const tests = [...byName(x_test, "x"), ...byName(y_test, "y")];
    const wantsTest =
      options.x_test !== undefined ||
      options.y_test !== undefined ||
      tests.some(([, array]) => archive.has(array));
    archive.require(wantsTest ? { x, y, x_test, y_test } : { x, y });
    const train = archive.examples({ x, y }, scale);
    const test = wantsTest ? archive.examples({ x: x_test, y: y_test }, scale, "_test") : undefined;
    return arrayDataset(train, test, place.name);
  },
});
