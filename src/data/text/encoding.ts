/**
 * Texts as rows of whole numbers: a vocabulary found in the training part, and every text cut or filled to
 * one length. Names and rules are those of Keras's TextVectorization; `padding` and `truncating` are those of
 * its `pad_sequences`.
 */
import { z } from "zod";
import { tokenOptions, tokensOf } from "./tokens.ts";

const side = z.enum(["pre", "post"]);

export const encodingOptions = {
  ...tokenOptions,
  max_tokens: z
    .int()
    .min(3)
    .optional()
    .describe("Most entries of the vocabulary, padding and unknown included. Default: all tokens."),
  output_sequence_length: z
    .int()
    .positive()
    .optional()
    .describe("Tokens in every example. Default: as many as the longest training text has."),
  padding: side.default("post").describe("Where a shorter text is filled with 0."),
  truncating: side.default("post").describe("Where a longer text loses tokens."),
};
export type EncodingOptions = z.output<z.ZodObject<typeof encodingOptions>>;

/** How the texts of an input were encoded: all that it takes to encode others; plain data, for JSON. */
export const textEncoding = z.object({
  kind: z.literal("text"),
  ...tokenOptions,
  /** Tokens by number: 0 is padding (`""`), 1 is what the vocabulary lacks (`"[UNK]"`). */
  vocabulary: z.array(z.string()).readonly(),
  length: z.int().positive(),
  padding: side,
  truncating: side,
  /** The column they are from, if they are from a table. */
  column: z.string().optional(),
});
export type TextEncoding = z.output<typeof textEncoding>;

export const UNKNOWN = 1;
const SPECIAL = ["", "[UNK]"] as const;

/**
 * Tokens in the order of their numbers: the more frequent first; of equally frequent ones, that which comes
 * last by its UTF-8 bytes, as in Keras.
 * @param counts how often each token was met; tokens that were not are left out
 * @param most entries, the two special ones included
 */
export function vocabularyOf(
  counts: Iterable<readonly [token: string, count: number]>,
  most = Number.POSITIVE_INFINITY,
): readonly string[] {
  const found = [...counts]
    .filter(([token, count]) => count > 0 && !SPECIAL.includes(token as ""))
    .map(([token, count]) => ({ token, count, bytes: Buffer.from(token) }));
  found.sort((a, b) => b.count - a.count || Buffer.compare(b.bytes, a.bytes));
  return [...SPECIAL, ...found.slice(0, most - SPECIAL.length).map(({ token }) => token)];
}

/**
 * Writes a sequence into a row that is full of zeros.
 * @param row where the row begins, and `length` elements long
 */
export function place(
  sequence: ArrayLike<number>,
  into: Int32Array,
  row: number,
  { length, padding, truncating }: Pick<TextEncoding, "length" | "padding" | "truncating">,
): void {
  const kept = Math.min(sequence.length, length);
  const from = truncating === "pre" ? sequence.length - kept : 0;
  const to = row + (padding === "pre" ? length - kept : 0);
  for (let i = 0; i < kept; i++) into[to + i] = sequence[from + i]!;
}

/** Encodes texts as those of the training data were: int32 [texts, length]. */
export function encodeTexts(texts: readonly string[], encoding: TextEncoding): Int32Array {
  const numbers = new Map(encoding.vocabulary.map((token, number) => [token, number]));
  const result = new Int32Array(texts.length * encoding.length);
  texts.forEach((text, i) => {
    const sequence = tokensOf(text, encoding).map((token) => numbers.get(token) ?? UNKNOWN);
    place(sequence, result, i * encoding.length, encoding);
  });
  return result;
}
