/**
 * Which sounds each letter of a word stands for. A letter gets none, one or two of the sounds, in order; which
 * of the ways to do that is the likeliest is found by turns with how likely each letter's sounds are, from a
 * first guess by how often letter and sound share a word. That is Viterbi training, as for the rules in Black,
 * Lenzo & Pagel, "Issues in building general letter to sound rules" (1998).
 */

export interface Spoken {
  /** Letters a to z only. */
  readonly word: string;
  readonly sounds: readonly string[];
}

/** What the letters of a word stand for: each `""`, a sound, or two with a space between. */
export type Alignment = readonly string[];

const LETTERS = 26;
const ROUNDS = 5;
/** Two sounds of one letter that are rarer than this, in letters, are none of its sounds. */
const RARE_PAIR = 1 / 20000;
/** Costs of the first guess, −log of about how much rarer silence and pairs are. */
const FIRST = { silent: 1, pair: 3 };

/** Learned from some words, aligns others too. */
export class Aligner {
  readonly #sounds: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;
  /** −log p(chunk | letter), [letter, chunk]; a chunk is no sound, one, or two: `#chunk`. */
  #costs: Float64Array;

  constructor(words: readonly Spoken[]) {
    this.#sounds = [...new Set(words.flatMap(({ sounds }) => sounds))].sort();
    this.#numbers = new Map(this.#sounds.map((sound, i) => [sound, i]));
    this.#costs = this.#firstGuess(words);
    for (let round = 0; round < ROUNDS; round++) this.#costs = this.#learn(words);
  }

  /** @returns undefined for a word that has too many sounds, or sounds its letters never have */
  align({ word, sounds }: Spoken): Alignment | undefined {
    const numbers = sounds.map((sound) => this.#numbers.get(sound) ?? -1);
    if (numbers.includes(-1)) return undefined;
    return this.#best(word, numbers)?.map((chunk) => this.#name(chunk));
  }

  get #chunks(): number {
    const { length } = this.#sounds;
    return 1 + length + length * length;
  }

  #chunk(first?: number, second?: number): number {
    if (first === undefined) return 0;
    const { length } = this.#sounds;
    return second === undefined ? 1 + first : 1 + length + first * length + second;
  }

  #name(chunk: number): string {
    const { length } = this.#sounds;
    if (chunk === 0) return "";
    if (chunk <= length) return this.#sounds[chunk - 1]!;
    const pair = chunk - 1 - length;
    return `${this.#sounds[Math.floor(pair / length)]} ${this.#sounds[pair % length]}`;
  }

  /** −log of how much oftener than by chance letter and sound share a word. */
  #firstGuess(words: readonly Spoken[]): Float64Array {
    const count = this.#sounds.length;
    const [letters, sounds] = [new Float64Array(LETTERS).fill(1), new Float64Array(count).fill(1)];
    const both = new Float64Array(LETTERS * count).fill(1);
    let all = 1;
    for (const { word, sounds: spoken } of words) {
      const own = new Set(Array.from(word, letterNumber));
      for (const sound of new Set(spoken.map((s) => this.#numbers.get(s)!))) {
        sounds[sound]!++;
        for (const letter of own) both[letter * count + sound]!++;
      }
      for (const letter of own) letters[letter]!++;
      all++;
    }
    const costs = new Float64Array(LETTERS * this.#chunks);
    for (let letter = 0; letter < LETTERS; letter++) {
      const at = letter * this.#chunks;
      const cost = (sound: number) =>
        -Math.log((both[letter * count + sound]! * all) / (letters[letter]! * sounds[sound]!));
      costs[at] = FIRST.silent;
      for (let a = 0; a < count; a++) {
        costs[at + this.#chunk(a)] = cost(a);
        for (let b = 0; b < count; b++) {
          costs[at + this.#chunk(a, b)] = cost(a) + cost(b) + FIRST.pair;
        }
      }
    }
    return costs;
  }

  #learn(words: readonly Spoken[]): Float64Array {
    const counts = new Float64Array(LETTERS * this.#chunks);
    const letters = new Float64Array(LETTERS);
    for (const { word, sounds } of words) {
      const found = this.#best(
        word,
        sounds.map((sound) => this.#numbers.get(sound)!),
      );
      found?.forEach((chunk, i) => {
        const letter = letterNumber(word[i]!);
        letters[letter]!++;
        counts[letter * this.#chunks + chunk]!++;
      });
    }
    const all = letters.reduce((sum, n) => sum + n, 0);
    const singles = 1 + this.#sounds.length;
    return counts.map((count, i) => {
      const pair = i % this.#chunks >= singles;
      if (pair && count < all * RARE_PAIR) return Number.POSITIVE_INFINITY;
      return -Math.log((count + 0.01) / (letters[Math.floor(i / this.#chunks)]! + 1));
    });
  }

  /** The cheapest chunk for each letter: cost[i, j] of i letters and j sounds, by dynamic programming. */
  #best(word: string, sounds: readonly number[]): number[] | undefined {
    const [n, m] = [word.length, sounds.length];
    const cost = new Float64Array((n + 1) * (m + 1)).fill(Number.POSITIVE_INFINITY);
    const taken = new Uint8Array((n + 1) * (m + 1));
    cost[0] = 0;
    const chunkOf = (from: number, count: number) =>
      this.#chunk(...(sounds.slice(from, from + count) as [number?, number?]));
    for (let i = 0; i < n; i++) {
      const letter = letterNumber(word[i]!) * this.#chunks;
      for (let j = 0; j <= m; j++) {
        const before = cost[i * (m + 1) + j]!;
        if (before === Number.POSITIVE_INFINITY) continue;
        for (let count = 0; count <= 2 && j + count <= m; count++) {
          const to = (i + 1) * (m + 1) + j + count;
          const total = before + this.#costs[letter + chunkOf(j, count)]!;
          if (total >= cost[to]!) continue;
          cost[to] = total;
          taken[to] = count;
        }
      }
    }
    if (cost.at(-1) === Number.POSITIVE_INFINITY) return undefined;
    const chunks: number[] = [];
    for (let i = n, j = m; i > 0; i--) {
      const count = taken[i * (m + 1) + j]!;
      j -= count;
      chunks.unshift(chunkOf(j, count));
    }
    return chunks;
  }
}

const letterNumber = (letter: string): number => letter.charCodeAt(0) - 97;
