/** What the scheduler knows of the processor. */
export interface Target {
  /** Floats in a vector: 1 (plain C), 4 (SSE, NEON), 8 (AVX2), 16 (AVX-512). */
  readonly width: number;
  readonly registers: number;
  readonly fmaPerCycle: number;
  readonly loadsPerCycle: number;
  readonly fmaLatency: number;
  /** Bytes of the first and second cache. */
  readonly l1: number;
  readonly l2: number;
  readonly threads: number;
}

export const avx2: Target = {
  width: 8,
  registers: 16,
  fmaPerCycle: 2,
  loadsPerCycle: 2,
  fmaLatency: 4,
  l1: 32 << 10,
  l2: 512 << 10,
  threads: 2,
};
