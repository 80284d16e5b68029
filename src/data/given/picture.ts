/** A picture as an example: grey or colour, of the size, and in the range, that training had. */
import { type Samples, sampleForm } from "../dataset.ts";
import type { DescribedSamples } from "../description.ts";
import { decodeImage, type Picture, resized, withChannels } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";
import {
  type Given,
  type GivenFile,
  type GivenOptions,
  onlyInput,
  showShape,
  sizeOf,
  type Wanted,
} from "./given.ts";

/** @throws ProblemError if it is damaged, or the model takes no pictures */
export async function readPicture(
  { place, bytes }: GivenFile,
  wanted: Wanted,
  { invert = false }: GivenOptions,
): Promise<Given> {
  const [name, described] = onlyInput(wanted, place, "a picture");
  const [height, width, channels] = pictureShape(described.shape, place);
  const picture = await decodeImage(bytes, place);
  const fitted = resized(withChannels(picture, channels), height, width);
  const samples = inRange(invert ? inverted(fitted) : fitted, described, place);
  return {
    count: 1,
    inputs: new Map([[name, samples]]),
    names: [place.name],
    notes: changes(place, picture, fitted),
  };
}

function pictureShape(
  shape: readonly number[],
  place: Place,
): readonly [height: number, width: number, channels: 1 | 3] {
  const [height, width, channels = 1] = shape;
  if (shape.length >= 2 && shape.length <= 3 && (channels === 1 || channels === 3))
    return [height!, width!, channels];
  return damaged(place, "is a picture, and the model takes none", {
    expected: `examples of shape ${showShape(shape)}`,
    received: "a picture: [height, width], or with 1 or 3 channels",
    fix: `give its ${sizeOf(shape)} numbers as CSV, JSON or .npy`,
  });
}

const inverted = ({ values, ...picture }: Picture): Picture => ({
  ...picture,
  values: values.map((v) => 255 - v),
});

/** Bytes as what training had instead of them: themselves, or numbers from 0 or −1 to 1. */
function inRange({ values }: Picture, described: DescribedSamples, place: Place): Samples {
  const { type, range } = described;
  const kept = sampleForm(described);
  if (type === "uint8") return { ...kept, values };
  const [least, most] = range;
  const within = (low: number, high: number) => least >= low && most <= high;
  if (type === "float32" && within(0, 1))
    return { ...kept, values: Float32Array.from(values, (v) => v / 255) };
  if (type === "float32" && within(-1, 1))
    return { ...kept, values: Float32Array.from(values, (v) => v / 127.5 - 1) };
  if (within(0, 255))
    return {
      ...kept,
      values: type === "int32" ? Int32Array.from(values) : Float32Array.from(values),
    };
  return damaged(place, "cannot be brought into the range of the training data", {
    expected: `${type} from ${least} to ${most}, whose relation to pixels is not known`,
    received: "pixels from 0 to 255",
    fix: "prepare it as the training data was, and give it as .npy",
  });
}

function changes({ name }: Place, from: Picture, to: Picture): readonly string[] {
  const colour = (p: Picture) => (p.channels === 1 ? "grey" : "colour");
  const size = (p: Picture) => `${p.width}×${p.height}`;
  const steps = [
    ...(size(from) === size(to) ? [] : [`made ${size(to)}`]),
    ...(from.channels === to.channels ? [] : [`made ${colour(to)}`]),
  ];
  return steps.length === 0 ? [] : [`${name}: ${size(from)} ${colour(from)}, ${steps.join(", ")}`];
}
