/** From the unfiltered rows of a PNG to grey or colour: samples of 1 to 16 bits, palettes, transparency. */
import type { Picture } from "../image.ts";
import { damaged, type Place } from "../read-file.ts";

type Colours = "grey" | "rgb" | "palette" | "grey+alpha" | "rgb+alpha";

export interface PngForm {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colours: Colours;
  /** Samples of a pixel. */
  readonly samples: number;
  readonly interlaced: boolean;
}
export interface PngParts {
  readonly form: PngForm;
  readonly palette: Buffer | undefined;
  readonly transparency: Buffer | undefined;
}
/** Pixels in rows of `line` bytes, and where they belong. */
export interface PassRows {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  readonly line: number;
  readonly rows: Buffer;
}

/** By the number in the header. */
export const colourTypes: ReadonlyMap<
  number,
  { readonly colours: Colours; readonly samples: number; readonly depths: readonly number[] }
> = new Map([
  [0, { colours: "grey", samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { colours: "rgb", samples: 3, depths: [8, 16] }],
  [3, { colours: "palette", samples: 1, depths: [1, 2, 4, 8] }],
  [4, { colours: "grey+alpha", samples: 2, depths: [8, 16] }],
  [6, { colours: "rgb+alpha", samples: 4, depths: [8, 16] }],
]);

/** @throws ProblemError at `place` for a colour that the palette lacks */
export function toPicture(parts: PngParts, passes: readonly PassRows[], place: Place): Picture {
  const { form } = parts;
  const channels = form.colours.startsWith("grey") ? 1 : 3;
  const values = new Uint8Array(form.width * form.height * channels);
  const colour = colourReader(parts, place);
  const found = new Uint16Array(form.samples);
  for (const pass of passes) {
    for (let y = 0; y < pass.height; y++) {
      for (let x = 0; x < pass.width; x++) {
        readSamples(pass, form, y, x, found);
        const row = pass.y + y * pass.stepY;
        const column = pass.x + x * pass.stepX;
        colour(found, values, (row * form.width + column) * channels);
      }
    }
  }
  return { height: form.height, width: form.width, channels, values };
}

/** The samples of one pixel as they are stored; several share a byte where they are shorter. */
function readSamples(
  { rows, line }: PassRows,
  { depth, samples }: PngForm,
  y: number,
  x: number,
  into: Uint16Array,
): void {
  for (let s = 0; s < samples; s++) {
    const bit = (x * samples + s) * depth;
    const at = y * line + (bit >> 3);
    if (depth === 16) into[s] = rows.readUInt16BE(at);
    else into[s] = (rows[at]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  }
}

/** Writes the bytes of one pixel, given its samples. */
type ColourReader = (samples: Uint16Array, into: Uint8Array, at: number) => void;

function colourReader({ form, palette, transparency }: PngParts, place: Place): ColourReader {
  const { depth, colours, samples } = form;
  if (colours === "palette") return paletteReader(palette!, transparency, place);
  const hasAlpha = colours.endsWith("alpha");
  const shown = hasAlpha ? samples - 1 : samples;
  const most = 2 ** depth - 1;
  const byte = (v: number) => (depth === 16 ? v >> 8 : (v * 255) / most);
  // One colour may stand for nothing at all.
  const nothing =
    transparency && transparency.length >= 2 * shown
      ? Array.from({ length: shown }, (_, s) => transparency.readUInt16BE(2 * s))
      : undefined;
  return (found, into, at) => {
    const isNothing = nothing?.every((v, s) => v === found[s]) ?? false;
    const alpha = hasAlpha ? found[shown]! / most : isNothing ? 0 : 1;
    for (let s = 0; s < shown; s++) into[at + s] = onWhite(byte(found[s]!), alpha);
  };
}

function paletteReader(
  palette: Buffer,
  transparency: Buffer | undefined,
  place: Place,
): ColourReader {
  const count = Math.floor(palette.length / 3);
  return ([index = 0], into, at) => {
    if (index >= count) {
      damaged(place, "is a damaged PNG", {
        expected: `colours from 0 to ${count - 1}, as its palette has`,
        received: `${index}`,
        fix: "save the picture again",
      });
    }
    const alpha = (transparency?.[index] ?? 255) / 255;
    for (let s = 0; s < 3; s++) into[at + s] = onWhite(palette[3 * index + s]!, alpha);
  };
}

const onWhite = (value: number, alpha: number): number =>
  alpha === 1 ? value : Math.round(alpha * value + (1 - alpha) * 255);
