/**
 * Texts that are tokenised but not yet numbered: which tokens the vocabulary has is known only when it is known
 * which texts train. Tokens are kept once, each text as numbers of them.
 */
import { type TokenOptions, tokensOf } from "./tokens.ts";

export class Corpus {
  /** Distinct tokens in the order they were met. */
  readonly tokens: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #texts: Int32Array[] = [];
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#texts.length;
  }

  /** @returns how many tokens the text has */
  add(text: string): number {
    const sequence = Int32Array.from(tokensOf(text, this.#options), (token) => this.#number(token));
    this.#texts.push(sequence);
    return sequence.length;
  }

  /** The tokens of a text, as numbers into `tokens`. */
  text(index: number): Int32Array {
    return this.#texts[index]!;
  }

  /** How often each token is met in some of the texts. */
  counts(texts: Iterable<number>): Int32Array {
    const counts = new Int32Array(this.tokens.length);
    for (const index of texts) for (const token of this.text(index)) counts[token]!++;
    return counts;
  }

  #number(token: string): number {
    let number = this.#numbers.get(token);
    if (number === undefined) {
      number = this.tokens.push(token) - 1;
      this.#numbers.set(token, number);
    }
    return number;
  }
}
