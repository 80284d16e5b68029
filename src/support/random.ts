/**
 * Random numbers on the host: for initial weights, shuffling, generated data. A stream is named by its seed
 * and its purpose, so what one part draws never changes what another gets.
 * Generator: xoshiro128** (Blackman & Vigna 2018), seeded by SplitMix32.
 */
export interface RandomStream {
  /** Uniform in [0, 1), 32 random bits. */
  uniform(): number;
  /** Fills with numbers uniform in [lo, hi), those that `uniform` would give one by one. */
  fillUniform(values: Float32Array, lo: number, hi: number): void;
  /** Standard normal, by Marsaglia's polar method. */
  normal(): number;
  /** A whole number in 0 … n−1. */
  below(n: number): number;
}

export function randomStream(seed: number, ...purpose: readonly (string | number)[]): RandomStream {
  const { next, fill } = xoshiro(hash(`${seed}/${purpose.join("/")}`));
  const uniform = () => next() / 4294967296;
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const [x, y] = [2 * uniform() - 1, 2 * uniform() - 1];
      const s = x * x + y * y;
      if (s === 0 || s >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      spare = y * scale;
      return x * scale;
    }
  };
  return { uniform, fillUniform: fill, normal, below: (n) => Math.floor(uniform() * n) };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

interface Generator {
  /** 32 random bits. */
  readonly next: () => number;
  /** Fills with `lo + (hi − lo)·next/2³²`. */
  readonly fill: (values: Float32Array, lo: number, hi: number) => void;
}

function xoshiro(seed: number): Generator {
  let z = seed;
  const split = () => {
    z = (z + 0x9e3779b9) >>> 0;
    let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  // In an array of integers: as variables of a closure they would be looked up and checked at each turn.
  const state = Int32Array.of(split(), split(), split(), split() | 1);
  const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = () => {
    const s1 = state[1]!;
    const s2 = state[2]! ^ state[0]!;
    const s3 = state[3]! ^ s1;
    state[0]! ^= s3;
    state[1] = s1 ^ s2;
    state[2] = s2 ^ (s1 << 9);
    state[3] = rotate(s3, 11);
    return Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
  };
  // A loop without calls is fast from its first turns on: first weights are a million numbers, drawn once.
  const fill = (values: Float32Array, lo: number, hi: number) => {
    let [s0, s1, s2, s3] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const width = hi - lo;
    for (let i = 0; i < values.length; i++) {
      const r = Math.imul(s1, 5);
      const bits = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
      values[i] = lo + width * (bits / 4294967296);
      const t = s1 << 9;
      s2 ^= s0;
      s3 ^= s1;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= t;
      s3 = (s3 << 11) | (s3 >>> 21);
    }
    state.set([s0, s1, s2, s3]);
  };
  return { next, fill };
}

/** 0 … n−1 in random order (Fisher and Yates). */
export function permutation(n: number, random: RandomStream): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
