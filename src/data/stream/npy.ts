/** An array in NumPy's format, read in runs of examples from where it lies. */
import {
  arrayDataset,
  checkExtents,
  examplesOf,
  type Pair,
  type Pairs,
  type Reading,
} from "../arrays.ts";
import type { Dataset, Form, SampleValues } from "../dataset.ts";
import {
  complainOfSize,
  decodeArray,
  LONGEST_HEADER,
  type NpyHeader,
  parseNpyHeader,
} from "../npy.ts";
import { damaged, type Place } from "../read-file.ts";
import type { DataFile } from "./data-file.ts";
import { type ElementType, type Stored, sizeOf } from "./stored.ts";

/** Where an array is. */
export interface NpyLocation {
  readonly file: DataFile;
  /** Where its header begins in the file: 0, unless it lies in an archive. */
  readonly offset: number;
  readonly header: NpyHeader;
  /** What messages call it. */
  readonly place: Place;
}

/** Bytes of other types that are read and converted at once. */
const portion = 1 << 20;

/** Whether examples lie one behind another. */
export const hasRows = ({ fortranOrder, shape }: NpyHeader): boolean =>
  !fortranOrder || shape.length < 2;

/**
 * The same values in the same types as `parseNpy` gives.
 * @param form the shape of an example, and its scale
 * @param type absent: the one that the array's elements become
 */
export function storedNpy(
  { file, offset, header, place }: NpyLocation,
  form: Form,
  type: ElementType = header.type,
): Stored {
  if (!hasRows(header)) {
    damaged(place, "has its examples mixed with each other", {
      expected: "an array in C order, to read it in parts",
      received: "Fortran order",
      fix: "save np.ascontiguousarray(x), or write `stream: false` beside the source",
    });
  }
  const bytes = (header.end - header.start) / Math.max(1, header.count);
  const size = sizeOf(form);
  const start = offset + header.start;
  const asInMemory = header.plain && type === header.type;
  const read = async (from: number, into: SampleValues): Promise<void> => {
    const own = start + from * size * bytes;
    if (asInMemory) {
      await file.read(own, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
      return;
    }
    const most = Math.floor(portion / bytes);
    for (let done = 0; done < into.length; done += most) {
      const length = Math.min(most, into.length - done);
      const piece = new Uint8Array(length * bytes);
      await file.read(own + done * bytes, piece);
      into.set(decodeArray(header, piece, place), done);
    }
  };
  const lies = asInMemory && start % bytes === 0 ? { lies: { file, offset: start } } : {};
  return { ...form, type, read, place, first: 0, ...lies };
}

const reading: Reading<NpyLocation, Stored> = {
  shapeOf: ({ header }) => header.shape,
  input: storedNpy,
  target: (location, form) => {
    const { type } = location.header;
    return storedNpy(location, form, type === "uint8" ? "int32" : type);
  },
};

/** The dataset of arrays that stay where they are. */
export function storedDataset(
  { train, test }: Pairs<NpyLocation>,
  scale: number | undefined,
  file: string,
): Dataset<Stored> {
  const examples = (pair: Pair<NpyLocation>) => examplesOf(pair, scale, reading);
  return arrayDataset(examples(train), test && examples(test), file);
}

/** @throws ProblemError unless the file is as long as its header says, and has examples */
export async function locateNpy(file: DataFile): Promise<NpyLocation> {
  const { place } = file;
  const header = parseNpyHeader(await file.head(LONGEST_HEADER), place);
  if (file.size !== header.end) complainOfSize(header, file.size, place);
  checkExtents(header.shape, place);
  return { file, offset: 0, header, place };
}

/** Whether arrays take more memory than so many bytes, and lie in a way that they can be read in parts. */
export function worthStreaming({ train, test }: Pairs<NpyLocation>, beyond: number): boolean {
  const all = [train, ...(test ? [test] : [])].flatMap(({ inputs, targets }) => [
    ...inputs.values(),
    ...targets.values(),
  ]);
  const bytes = all.reduce((sum, { header: h }) => sum + h.count * (h.type === "uint8" ? 1 : 4), 0);
  // What `stream: true` asks for is refused by name where it cannot be.
  return bytes > beyond && (beyond === 0 || all.every(({ header }) => hasRows(header)));
}
