/** Pictures in a folder for each class, or named in a table. */
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { fail } from "../../support/errors.ts";
import { type Dataset, defineSource, type Examples, type Samples } from "../dataset.ts";
import type { Description } from "../description.ts";
import { isFolder, readClassFolder } from "../folder.ts";
import { decodeImage, type Picture, resized, withChannels } from "../image.ts";
import { bytes, damaged, type FilePlace, LARGEST, readDataFile } from "../read-file.ts";
import { csvFile } from "../table/csv.ts";
import { columnOption } from "../table/examples.ts";
import { readLabelled } from "../table/labelled.ts";
import { csvOptions } from "./csv.ts";

const imageOptions = {
  path: z
    .string()
    .min(1)
    .describe(
      "A folder with a folder of PNG and JPEG files for each class, or a CSV file of paths.",
    ),
  test: z.string().min(1).optional().describe("The same for images to validate with."),
  size: z
    .tuple([z.int().positive(), z.int().positive()])
    .optional()
    .describe(
      "Height and width to which all are resized. Default: that of the files, if all agree.",
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe("1 for grey, 3 for colour. Default: 3 if any file has colour."),
  image: columnOption
    .default("path")
    .describe("Of a CSV file: the column of paths, from its folder."),
  target: columnOption.optional().describe("Of a CSV file: the column to predict."),
  ...csvOptions,
};
type Options = z.output<z.ZodObject<typeof imageOptions>>;

/** A picture's file, and where a message about it points. */
interface ImageList {
  readonly places: readonly FilePlace[];
  readonly target: Samples;
  readonly classes?: readonly string[];
}

/** `x`: uint8 [height, width, channels], read as value/255; `y`: int32 [] for classes, else float32 [1]. */
export const images = defineSource({
  name: "images",
  doc:
    "PNG and JPEG files in a folder for each class, or named in a CSV file with what to predict. Pixels are " +
    "0 to 1.",
  options: imageOptions,
  async load(options, { directory, earlier }) {
    const place = (name: string, option: string) => ({ directory, name, path: [option] });
    const first = place(options.path, "path");
    const list = (await isFolder(first))
      ? fromFolders
      : (from: FilePlace, known?: Known) => fromTable(from, options, known);
    const train = await list(first, earlier);
    const test =
      options.test === undefined ? undefined : await list(place(options.test, "test"), train);
    const form = earlier ? formOf(earlier) : { size: options.size, channels: options.channels };
    const examples = await decodeAll(train, form);
    const shape = examples.inputs.get("x")!.shape as readonly [number, number, 1 | 3];
    const [height, width, channels] = shape;
    const other =
      test && (await decodeAll(test, { size: [height, width], channels }, !options.size));
    return dataset(examples, other, train.classes);
  },
});

type Listed = ImageList & Known;
/** What another list has found out before. */
interface Known {
  readonly classes?: readonly string[] | undefined;
}

/** The form that pictures had before. */
function formOf({ inputs }: Description): Form {
  const [height, width, channels] = inputs["x"]?.shape ?? [];
  if (height === undefined || width === undefined) return { size: undefined, channels: undefined };
  return { size: [height, width], channels: channels === 3 ? 3 : 1 };
}

async function fromFolders(place: FilePlace, known?: Known): Promise<Listed> {
  const { classes, files } = await readClassFolder(
    place,
    [".png", ".jpg", ".jpeg"],
    known?.classes,
  );
  const values = Int32Array.from(files, ({ label }) => label);
  const places = files.map(({ name }) => ({ ...place, name }));
  return { places, target: { shape: [], values }, classes };
}

async function fromTable(place: FilePlace, options: Options, known?: Known): Promise<Listed> {
  const { image, target } = options;
  const content = await readDataFile(place);
  if (target === undefined) {
    fail({
      path: [],
      message: `images needs a target: ${place.name} is no folder, but a table of paths`,
      expected: "`target: column`",
      fix: "name the column that holds what is to be predicted",
    });
  }
  const file = csvFile(content, place, options);
  const found = readLabelled(
    file,
    { verbatim: { image }, target },
    known && { classes: known.classes },
  );
  const folder = dirname(place.name);
  const places = found.texts(image).map((name, row) => ({
    directory: place.directory,
    name: isAbsolute(name) ? name : join(folder, name),
    path: place.path,
    note: `named at ${found.table.at(row)}`,
  }));
  const classes = found.classes ? { classes: found.classes } : {};
  return { places, target: found.target!, ...classes };
}

interface Form {
  readonly size: readonly [number, number] | undefined;
  readonly channels: 1 | 3 | undefined;
}

/** @param exact sizes must agree instead of being made to */
async function decodeAll(list: ImageList, form: Form, exact = !form.size): Promise<Examples> {
  const pictures: Picture[] = [];
  let { size } = form;
  for (const place of list.places) {
    const read = await decodeImage(await readDataFile(place), place);
    size ??= [read.height, read.width];
    const [height, width] = size;
    if (exact && (read.height !== height || read.width !== width)) {
      damaged({ path: place.path, name: place.name }, "has another size than other images", {
        expected: `${height}×${width}, as ${list.places[0]!.name} has`,
        received: `${read.height}×${read.width}`,
        fix: `resize them all: \`size: [${height}, ${width}]\``,
      });
    }
    const all = list.places.length * height * width * 3;
    if (all > LARGEST) {
      damaged(place, "and the others are too large to hold in memory", {
        expected: `at most ${bytes(LARGEST)}`,
        received: `${list.places.length} images of ${height}×${width}: ${bytes(all)}`,
        fix: "make them smaller: `size: [128, 128]`",
      });
    }
    pictures.push(resized(read, height, width));
  }
  const channels = form.channels ?? (pictures.some((p) => p.channels === 3) ? 3 : 1);
  const [height, width] = size!;
  const each = height * width * channels;
  const values = new Uint8Array(pictures.length * each);
  pictures.forEach((picture, i) => {
    values.set(withChannels(picture, channels).values, i * each);
  });
  return {
    count: pictures.length,
    inputs: new Map([["x", { shape: [height, width, channels], values, scale: 1 / 255 }]]),
    targets: new Map([["y", list.target]]),
  };
}

function dataset(
  train: Examples,
  test: Examples | undefined,
  classes: readonly string[] | undefined,
): Dataset {
  const [height, width, channels] = train.inputs.get("x")!.shape;
  return {
    train,
    ...(test ? { validation: test } : {}),
    ...(classes ? { classes } : {}),
    summary:
      `${train.count} training${test ? ` and ${test.count} test` : ""} images, ${height}×${width} ` +
      `${channels === 1 ? "grey" : "in colour"}${classes ? `, ${classes.length} classes` : ""}`,
  };
}
