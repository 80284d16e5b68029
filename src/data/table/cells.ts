/** The cells of a row, and how they are cut out of a line of bytes: most are plain numbers, read without a string. */

export interface Cells {
  readonly length: number;
  /** Trimmed; empty where there is none. */
  text(index: number): string;
  /** A cell that is a plain decimal number; NaN where it takes `Number` to say what it is. */
  number(index: number): number;
}

/** Cells that are strings already. */
export class TextCells implements Cells {
  /** The row's. */
  texts: readonly (string | undefined)[] = [];

  get length(): number {
    return this.texts.length;
  }

  text(index: number): string {
    return this.texts[index] ?? "";
  }

  number(): number {
    return Number.NaN;
  }
}

/** The cells of one line at a time, of bytes without quotes. */
export class ByteCells implements Cells {
  readonly #bytes: Buffer;
  readonly #delimiter: number;
  readonly #newline: number;
  /** Where each cell begins; behind the last one where the next would. */
  #starts: Int32Array = new Int32Array(64);
  #next: number;
  length = 0;

  /** @param delimiter one ASCII character, as `newline` */
  constructor(bytes: Buffer, delimiter: string, newline: string) {
    this.#bytes = bytes;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#newline = newline.charCodeAt(0);
    const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#next = mark ? 3 : 0;
  }

  /** Goes to the next line, the empty one behind the last newline among them. @returns whether there is one */
  advance(): boolean {
    const bytes = this.#bytes;
    const end = bytes.length;
    if (this.#next > end) return false;
    const delimiter = this.#delimiter;
    const newline = this.#newline;
    let starts: Int32Array = this.#starts;
    let count = 0;
    let at = this.#next;
    starts[0] = at;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === delimiter) {
        if (++count + 1 === starts.length) starts = this.#lengthen();
        starts[count] = at + 1;
      } else if (byte === newline) break;
    }
    starts[count + 1] = at + 1;
    this.length = count + 1;
    this.#next = at + 1;
    return true;
  }

  #lengthen(): Int32Array {
    const longer = new Int32Array(2 * this.#starts.length);
    longer.set(this.#starts);
    this.#starts = longer;
    return longer;
  }

  text(index: number): string {
    const [from, to] = [this.#starts[index]!, this.#starts[index + 1]! - 1];
    return this.#bytes.toString("utf8", from, to).trim();
  }

  number(index: number): number {
    return decimal(this.#bytes, this.#starts[index]!, this.#starts[index + 1]! - 1);
  }
}

const [space, tab, carriageReturn] = [0x20, 0x09, 0x0d];
const [plus, minus, point, zero, nine, exponentSign] = [0x2b, 0x2d, 0x2e, 0x30, 0x39, 0x65];
const isBlank = (byte: number) => byte === space || byte === tab || byte === carriageReturn;

/** Powers of ten; up to 10²² they are exact. */
const powers = Float64Array.from({ length: 61 }, (_, k) => Number(`1e${k}`));
const exactPower = 22;
/** So many digits make a whole number that is exact; with so many all errors together stay within `slack`. */
const exactDigits = 15;
const mostDigits = 25;
const slack = 2 ** -48;

/**
 * Blanks, a sign, digits with a point, an exponent: the float32 that `Number` of the text rounds to. Few digits and a
 * small power of ten make one rounding, as W. D. Clinger found (How to read floating point numbers accurately, 1990).
 * Of more digits the value is known well enough unless it is next to the middle of two float32.
 * @returns NaN for everything else
 */
export function decimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && isBlank(bytes[at]!)) at++;
  while (end > at && isBlank(bytes[end - 1]!)) end--;
  let byte = at < end ? bytes[at]! : 0;
  const negative = byte === minus;
  if (negative || byte === plus) at++;
  let mantissa = 0;
  let digits = 0;
  const first = at;
  let pointAt = -1;
  for (; at < end; at++) {
    byte = bytes[at]!;
    if (byte >= zero && byte <= nine) {
      mantissa = mantissa * 10 + (byte - zero);
      if (mantissa !== 0) digits++;
    } else if (byte === point && pointAt < 0) pointAt = at;
    else break;
  }
  const seen = at - first - (pointAt < 0 ? 0 : 1);
  let power = pointAt < 0 ? 0 : pointAt + 1 - at;
  if (at < end) {
    if ((byte | 0x20) !== exponentSign) return Number.NaN;
    const down = bytes[++at] === minus;
    if (down || bytes[at] === plus) at++;
    const beginning = at;
    let exponent = 0;
    for (; at < end && at < beginning + 3; at++) {
      byte = bytes[at]!;
      if (byte < zero || byte > nine) return Number.NaN;
      exponent = exponent * 10 + (byte - zero);
    }
    if (at === beginning || at < end) return Number.NaN;
    power += down ? -exponent : exponent;
  }
  if (seen === 0 || digits > mostDigits || power <= -powers.length || power >= powers.length)
    return Number.NaN;
  const value = power < 0 ? mantissa / powers[-power]! : mantissa * powers[power]!;
  if (digits > exactDigits || power < -exactPower || power > exactPower) {
    const isNormal = value === 0 || (value > 1e-37 && value < 1e38);
    if (!isNormal || Math.fround(value * (1 - slack)) !== Math.fround(value * (1 + slack)))
      return Number.NaN;
  }
  return negative ? -value : value;
}
