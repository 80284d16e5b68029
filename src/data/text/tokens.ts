/**
 * Text to tokens, as Keras's TextVectorization does it on TensorFlow
 * (https://keras.io/api/layers/preprocessing_layers/text/text_vectorization/): standardised, then split.
 */
import { z } from "zod";

export const tokenOptions = {
  standardize: z
    .enum(["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"])
    .default("lower_and_strip_punctuation")
    .describe(
      "What is done to a text first. `lower` means A to Z only, and punctuation is that of ASCII, as in Keras.",
    ),
  split: z
    .enum(["word", "whitespace", "character"])
    .default("word")
    .describe(
      "A token is what stands between white space (`word`; `whitespace` is Keras's name for it), or a character.",
    ),
};
export type TokenOptions = z.output<z.ZodObject<typeof tokenOptions>>;

const PUNCTUATION = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~']/g;
/** ASCII's: no-break spaces are part of a word. */
const SPACE = /[ \t\n\v\f\r]+/;

/** The tokens of a text, in their order; none where nothing is left of it. */
export function tokensOf(text: string, { standardize, split }: TokenOptions): readonly string[] {
  const plain = standardised(text, standardize);
  return split === "character" ? [...plain] : wordsOf(plain);
}

/** What stands between white space. */
export const wordsOf = (text: string): readonly string[] =>
  text.split(SPACE).filter((word) => word !== "");

function standardised(text: string, how: TokenOptions["standardize"]): string {
  const lower = (s: string) => s.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const strip = (s: string) => s.replaceAll(PUNCTUATION, "");
  switch (how) {
    case "lower_and_strip_punctuation":
      return strip(lower(text));
    case "lower":
      return lower(text);
    case "strip_punctuation":
      return strip(text);
    case "none":
      return text;
    default:
      return how satisfies never;
  }
}
