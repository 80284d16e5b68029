/** Pictures: every form of PNG, JPEG, greys, sizes, and what is said of damaged files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeImage, type Picture, resized, withChannels } from "../../src/data/image.ts";
import { ProblemError } from "../../src/support/errors.ts";
import { randomStream } from "../../src/support/random.ts";
import { repository } from "../cli/helpers.ts";
import { chunk, encodePng, header, type PngImage, samplesOf, signature } from "./encode-png.ts";

const fixture = JSON.parse(
  readFileSync(join(repository, "test/fixtures/images/pictures.json"), "utf8"),
) as {
  readonly files: readonly { name: string; file: string; shape: number[]; values: number[] }[];
  readonly resized: readonly { from: number[]; values: number[]; to: number[]; result: number[] }[];
};
const place = { path: [], name: "photo" };

for (const { name, file, shape, values } of fixture.files) {
  test(`${name}: TensorFlow's pixels`, async () => {
    const picture = await decodeImage(Buffer.from(file, "base64"), place);
    assert.equal([picture.height, picture.width, picture.channels], shape);
    // Decoders of JPEG may round differently; PNG is exact.
    const most = name.endsWith("png") ? 0 : 3;
    const worst = Math.max(...picture.values.map((v, i) => Math.abs(v - values[i]!)));
    assert.ok(worst <= most, `off by ${worst}`);
  });
}

for (const { from, values, to, result } of fixture.resized) {
  test(`${from} to ${to}: TensorFlow's, with antialias`, () => {
    const [height, width, channels] = from as [number, number, 1 | 3];
    const picture: Picture = { height, width, channels, values: Uint8Array.from(values) };
    const got = resized(picture, to[0]!, to[1]!);
    assert.is(got.values.length, result.length);
    const worst = Math.max(...result.map((v, i) => Math.abs(v - got.values[i]!)));
    assert.ok(worst <= 0.51, `off by ${worst}`);
  });
}

const forms = [
  ...[1, 2, 4, 8, 16].map((depth) => ({ colourType: 0 as const, depth })),
  ...[1, 2, 4, 8].map((depth) => ({ colourType: 3 as const, depth })),
  ...([2, 4, 6] as const).flatMap((colourType) => [8, 16].map((depth) => ({ colourType, depth }))),
];
for (const form of forms) {
  test(`PNG of colour type ${form.colourType}, ${form.depth} bits: all filters, interlaced or not`, async () => {
    const random = randomStream(3, "png", `${form.colourType} ${form.depth}`);
    const whole = random.below;
    for (const interlaced of [false, true]) {
      const [width, height] = [1 + whole(20), 1 + whole(20)];
      const count = width * height * samplesOf[form.colourType];
      const samples = Array.from({ length: count }, () => whole(2 ** form.depth));
      const palette = Uint8Array.from({ length: 3 * 2 ** Math.min(8, form.depth) }, () =>
        whole(256),
      );
      const filters = Array.from({ length: 200 }, () => whole(5));
      const image: PngImage = {
        ...form,
        ...{ width, height, interlaced, samples, filter: (row) => filters[row]! },
        ...(form.colourType === 3 ? { palette } : {}),
      };
      const picture = await decodeImage(encodePng(image), place);
      assert.equal([picture.height, picture.width], [height, width]);
      assert.equal([...picture.values], expected(image));
    }
  });
}

/** What the samples mean, on white. */
function expected({ colourType, depth, samples, palette }: PngImage): readonly number[] {
  const each = samplesOf[colourType];
  const byte = (v: number) => (depth === 16 ? v >> 8 : Math.floor((v * 255) / (2 ** depth - 1)));
  const pixels = Array.from({ length: samples.length / each }, (_, i) =>
    samples.slice(i * each, (i + 1) * each),
  );
  return pixels.flatMap((pixel) => {
    if (palette) return [0, 1, 2].map((s) => palette[3 * pixel[0]! + s]!);
    if (colourType !== 4 && colourType !== 6) return pixel.map(byte);
    const alpha = pixel.at(-1)! / (2 ** depth - 1);
    return pixel.slice(0, -1).map((v) => Math.round(alpha * byte(v) + (1 - alpha) * 255));
  });
}

const tiny: PngImage = {
  ...{ width: 2, height: 1, colourType: 0, depth: 8, interlaced: false },
  ...{ samples: [7, 9], filter: () => 0 },
};

test("one colour, or colours of a palette, may be transparent: shown on white", async () => {
  const grey = await decodeImage(encodePng({ ...tiny, transparency: Buffer.from([0, 9]) }), place);
  assert.equal([...grey.values], [7, 255]);
  const palette = Uint8Array.from([10, 20, 30, 40, 50, 60]);
  const indexed = { ...tiny, colourType: 3 as const, samples: [1, 0], palette };
  const some = await decodeImage(encodePng({ ...indexed, transparency: Buffer.from([0]) }), place);
  assert.equal([...some.values], [40, 50, 60, 255, 255, 255]);
});

test("grey from colour and colour from grey", () => {
  const colour: Picture = {
    height: 1,
    width: 2,
    channels: 3,
    values: Uint8Array.from([255, 0, 0, 10, 20, 30]),
  };
  assert.equal([...withChannels(colour, 1).values], [76, 18]);
  const grey: Picture = { height: 1, width: 2, channels: 1, values: Uint8Array.from([5, 6]) };
  assert.equal([...withChannels(grey, 3).values], [5, 5, 5, 6, 6, 6]);
});

const png = encodePng(tiny);
const jpeg = Buffer.from(fixture.files.find((f) => f.name === "rgb.jpg")!.file, "base64");
const flipped = (file: Buffer, at: number) => {
  const copy = Buffer.from(file);
  copy[at]! ^= 0x10;
  return copy;
};
const assembled = (...chunks: readonly Buffer[]) => Buffer.concat([signature, ...chunks]);
const end = chunk("IEND", Buffer.alloc(0));

const pixels = (rows: Uint8Array) => chunk("IDAT", deflateSync(rows));
/** Unfiltered ones. */
const rows = (count: number, width: number) => Buffer.alloc(count * (1 + width));
/** Its two pixels are a pass and a row each. */
const interlacedHeader = header({ ...tiny, interlaced: true });

test("PNG: what does not concern the pixels is passed over", async () => {
  const files = [
    ["bytes behind the end", Buffer.concat([png, Buffer.from("more")])],
    [
      "an empty chunk of pixels",
      assembled(header(tiny), pixels(rows(1, 2)), chunk("IDAT", Buffer.alloc(0)), end),
    ],
    [
      "a damaged colour profile",
      assembled(header(tiny), chunk("iCCP", Buffer.from("name\0\0?")), pixels(rows(1, 2)), end),
    ],
  ] as const;
  for (const [what, file] of files) assert.is((await decodeImage(file, place)).width, 2, what);
});

/** What is wrong · the file · what is said. */
const damages: readonly (readonly [string, Buffer, RegExp])[] = [
  ["text", Buffer.from("x,y\n1,2\n"), /is no PNG or JPEG.*text: "x,y/s],
  ["nothing", Buffer.alloc(0), /an empty file/],
  ["GIF", Buffer.from("GIF89a\x01\x00\xff\xff"), /GIF/],
  ["PNG cut short", png.subarray(0, png.length - 20), /damaged PNG.*cut short/s],
  ["PNG cut in a chunk's length", png.subarray(0, 10), /cut short at 10 bytes/],
  ["PNG with a flipped bit", flipped(png, 45), /checksums/],
  ["PNG without pixels", assembled(header(tiny), end), /damaged PNG/],
  [
    "PNG that unpacks to more than its size",
    assembled(header(tiny), pixels(Buffer.alloc(1e7)), end),
    /3 bytes of pixels.*more/s,
  ],
  [
    "interlaced PNG that unpacks to more than its size",
    assembled(interlacedHeader, pixels(Buffer.alloc(1e7)), end),
    /at most 12 bytes of pixels.*more/s,
  ],
  [
    "interlaced PNG with a row too many",
    assembled(interlacedHeader, pixels(rows(3, 1)), end),
    /unrecognised content/,
  ],
  [
    "interlaced PNG with a row too few",
    assembled(interlacedHeader, pixels(rows(1, 1)), end),
    /read requests/,
  ],
  [
    "PNG with a row too few",
    assembled(header({ ...tiny, height: 3 }), pixels(rows(2, 2)), end),
    /9 bytes of pixels.*6/s,
  ],
  [
    "PNG with its header later",
    assembled(chunk("tEXt", Buffer.from("a\0b")), header(tiny), pixels(rows(1, 2)), end),
    /header \(IHDR\) first/,
  ],
  [
    "PNG of too many pixels",
    assembled(header({ ...tiny, width: 1e5, height: 1e5 }), end),
    /too many pixels.*100000×100000/s,
  ],
  ["PNG of no pixels", assembled(header({ ...tiny, width: 0 }), end), /at least one pixel/],
  ["PNG of 3 bits", assembled(header({ ...tiny, depth: 3 }), end), /with 3 bits/],
  [
    "PNG with an unknown filter",
    assembled(header(tiny), pixels(Buffer.from([9, 1, 2])), end),
    /filter type - 9/,
  ],
  [
    "PNG with too small a palette",
    encodePng({ ...tiny, colourType: 3, samples: [0, 3], palette: Uint8Array.from([1, 2, 3]) }),
    /index 3 not in palette/,
  ],
  [
    "PNG without its palette",
    encodePng({ ...tiny, colourType: 3, samples: [0, 0] }),
    /palette not found/,
  ],
  ["JPEG cut short", jpeg.subarray(0, jpeg.length >> 1), /damaged JPEG/],
  ["JPEG without a frame", jpeg.subarray(0, 10), /damaged JPEG.*picture's size/s],
];
for (const [what, file, says] of damages) {
  test(`damaged: ${what}`, async () => {
    try {
      await decodeImage(file, place);
    } catch (error) {
      assert.instance(error, ProblemError);
      const { message, expected, received, fix } = (error as ProblemError).problems[0]!;
      assert.match(`${message}\n${expected}\n${received}`, says);
      assert.ok(fix);
      return;
    }
    assert.unreachable("it was decoded");
  });
}

test.run();
