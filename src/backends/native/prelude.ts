/**
 * The fixed part of every generated C file: vectors of one width in GCC's extensions, elementary functions on
 * them, and the thread pool. Everything else in the file is generated from the program.
 */
import { keepOf, limitsOf, loadBytesOf, selectOf, someOf, sqrtOf } from "./vector-instructions.ts";

/** Vector types and operations for `width` floats. Masks are vectors of int, all bits set where true. */
export function vectorPrelude(width: number): string {
  const splat = Array(width).fill("s_").join(", ");
  const lanes = Array.from({ length: width }, (_, i) => i).join(", ");
  return `#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define TILE static __attribute__((noinline)) void
typedef float vf __attribute__((vector_size(${width * 4})));
typedef float vu __attribute__((vector_size(${width * 4}), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(${width * 4})));
typedef int32_t viu __attribute__((vector_size(${width * 4}), aligned(4), may_alias));
typedef uint32_t vw __attribute__((vector_size(${width * 4})));
typedef uint8_t vb __attribute__((vector_size(${width})));
typedef uint8_t vbu __attribute__((vector_size(${width}), aligned(1), may_alias));
#define LD(p) ((vf)*(const vu *)(p))
#define ST(p, x) (*(vu *)(p) = (x))
#define LDI(p) ((vi)*(const viu *)(p))
#define STI(p, x) (*(viu *)(p) = (x))
${loadBytesOf(width)}#define SPLAT(x) ({ const float s_ = (x); (vf){${splat}}; })
#define ISPLAT(x) ({ const int32_t s_ = (x); (vi){${splat}}; })
#define ISELECT(m, a, b) (((m) & (a)) | (~(m) & (b)))
#define LANES ((vi){${lanes}})
${selectOf(width)}/* Holds a value in a register: gcc would otherwise fold the load into every multiply-add that uses it. */
${keepOf(width)}#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE __builtin_shufflevector
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
${transposeOf(width)}#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The first n lanes; the others are zero, and stay as they are in memory. */
${someOf(width)}${limitsOf(width)}INLINE vf vabs(vf a) { return (vf)((vi)a & ISPLAT(0x7fffffff)); }
INLINE vf vsqrt(vf a) { ${sqrtOf(width)} }
INLINE vf vfloor(vf a) { vf t = __builtin_convertvector(__builtin_convertvector(a, vi), vf); return t - SELECT(t > a, SPLAT(1.0f), SPLAT(0.0f)); }
${lanesOf(width)}/* e^x: 2^n times a polynomial in the rest (Cephes), relative error 1e-7. What is no number stays none all the way. */
INLINE vf vexp(vf a) {
  vf x = vmin(vmax(a, SPLAT(-87.3f)), SPLAT(88.3f));
  vf magic = SPLAT(12582912.0f), n = (x * SPLAT(1.44269504088896341f) + magic) - magic;
  vf r = (x - n * SPLAT(0.693359375f)) - n * SPLAT(-2.12194440e-4f);
  vf p = SPLAT(1.9875691500e-4f);
  p = p * r + SPLAT(1.3981999507e-3f); p = p * r + SPLAT(8.3334519073e-3f); p = p * r + SPLAT(4.1665795894e-2f);
  p = p * r + SPLAT(1.6666665459e-1f); p = p * r + SPLAT(5.0000001201e-1f);
  p = p * (r * r) + r + SPLAT(1.0f);
  vf y = p * (vf)((__builtin_convertvector(n, vi) + 127) << 23);
  y = SELECT(a > SPLAT(88.72f), SPLAT(INFINITY), y);
  return (vf)((vi)y & ~(a < SPLAT(-87.3f)));
}
/* log x: exponent and a polynomial in the mantissa (Cephes), relative error 1e-7. */
INLINE vf vlog(vf a) {
  vi b = (vi)a;
  vf e = __builtin_convertvector((b >> 23) - 126, vf), m = (vf)((b & ISPLAT(0x007fffff)) | ISPLAT(0x3f000000));
  vi small = m < SPLAT(0.707106781186547524f);
  e = SELECT(small, e - 1.0f, e); m = SELECT(small, m + m, m) - 1.0f;
  vf z = m * m, p = SPLAT(7.0376836292e-2f);
  p = p * m + SPLAT(-1.1514610310e-1f); p = p * m + SPLAT(1.1676998740e-1f); p = p * m + SPLAT(-1.2420140846e-1f);
  p = p * m + SPLAT(1.4249322787e-1f); p = p * m + SPLAT(-1.6668057665e-1f); p = p * m + SPLAT(2.0000714765e-1f);
  p = p * m + SPLAT(-2.4999993993e-1f); p = p * m + SPLAT(3.3333331174e-1f);
  vf y = p * m * z + e * SPLAT(-2.12194440e-4f) - z * SPLAT(0.5f) + m + e * SPLAT(0.693359375f);
  y = SELECT(a == SPLAT(INFINITY), a, y);
  y = SELECT(a == SPLAT(0.0f), SPLAT(-INFINITY), y);
  return SELECT((a < SPLAT(0.0f)) | (a != a), SPLAT(NAN), y);
}
/* x P(x²) / Q(x²), fitted to the relative error, 3e-9 before rounding; beyond 8.3 it is 1. */
INLINE vf vtanh(vf a) {
  vf x = vmin(vmax(a, SPLAT(-8.3f)), SPLAT(8.3f)), z = x * x;
  vf p = SPLAT(-1.0545991775e-13f);
  p = p * z + SPLAT(6.0234616680e-11f); p = p * z + SPLAT(-2.1684684914e-8f); p = p * z + SPLAT(1.1499486330e-5f);
  p = p * z + SPLAT(3.1362586880e-3f); p = p * z + SPLAT(1.3112753520e-1f); p = p * z + SPLAT(9.9999999731e-1f);
  vf q = SPLAT(2.5935773056e-4f);
  q = q * z + SPLAT(2.4623251035e-2f); q = q * z + SPLAT(4.6446084151e-1f); q = q * z + SPLAT(1.0f);
  return x * p / q;
}
`;
}

/** Sum and maximum of a vector's lanes, halves first. */
function lanesOf(width: number): string {
  const fold = (combine: (a: string, b: string) => string) => {
    let lines = "";
    for (let n = width / 2; n >= 1; n /= 2) {
      const shifted = Array.from({ length: width }, (_, l) => (l + n) % width).join(", ");
      lines += ` a = ${combine("a", `SHUFFLE(a, a, ${shifted})`)};`;
    }
    return lines;
  };
  return `INLINE float lanes_sum(vf a) {${fold((a, b) => `${a} + ${b}`)} return a[0]; }
INLINE float lanes_max(vf a) {${fold((a, b) => `vmax(${a}, ${b})`)} return a[0]; }
`;
}

/**
 * A square of vectors turned round in log₂(width) rounds: the n-th swaps the odd blocks of 2ⁿ lanes of a row with
 * the even ones of the row 2ⁿ further on.
 */
function transposeOf(width: number): string {
  const rounds: string[] = [];
  const rows = Array.from({ length: width }, (_, i) => i);
  for (let n = 1; n < width; n *= 2) {
    const low = rows.map((l) => ((l & n) === 0 ? l : width + l - n)).join(", ");
    const high = rows.map((l) => ((l & n) === 0 ? l + n : width + l)).join(", ");
    for (const i of rows.filter((r) => (r & n) === 0)) {
      const [p, q] = [`r[${i}]`, `r[${i + n}]`];
      rounds.push(
        `x = SHUFFLE(${p}, ${q}, ${low}); ${q} = SHUFFLE(${p}, ${q}, ${high}); ${p} = x;`,
      );
    }
  }
  const body = rounds.map((r) => `  ${r}\n`).join("");
  return `INLINE void transpose(vf *r) {\n  vf x;\n${body}  (void)x;\n}\n`;
}

/** The pool: threads that sleep between calls and spin briefly at barriers within one. */
export const poolPrelude = `
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() (void)0
#endif

typedef struct Context Context;
typedef void (*Work)(Context *, int t, int nt);
/* Threads whose processors are known, from 1 on; 0 is none. */
enum { SEATS = 64 };
typedef struct { _Alignas(64) atomic_int count; _Alignas(64) atomic_int generation, sleepers; _Alignas(64) atomic_int seat[SEATS]; } Barrier;

/* Numbers below 1e-38 count as zero while we compute: moving averages decay to them, and each would cost a hundred cycles. */
#if defined(__x86_64__)
static unsigned long flush_tiny(void) { const unsigned was = __builtin_ia32_stmxcsr(); __builtin_ia32_ldmxcsr(was | 0x8040); return was; }
static void restore(unsigned long was) { __builtin_ia32_ldmxcsr((unsigned)was); }
#elif defined(__aarch64__)
static unsigned long flush_tiny(void) {
  unsigned long was;
  __asm__ volatile("mrs %0, fpcr" : "=r"(was));
  __asm__ volatile("msr fpcr, %0" : : "r"(was | 1ul << 24));
  return was;
}
static void restore(unsigned long was) { __asm__ volatile("msr fpcr, %0" : : "r"(was)); }
#else
static unsigned long flush_tiny(void) { return 0; }
static void restore(unsigned long was) { (void)was; }
#endif
/* Fewer, larger pages: strided reads would otherwise look up a page an element. */
enum { PAGE = 2 << 20 };
static void prefer_large_pages(void *p, long bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  madvise(p, bytes, MADV_HUGEPAGE);
#else
  (void)p; (void)bytes;
#endif
}
/* Fresh pages of a range, as if they were written to; of no effect where the system has no call for it. */
static void bring_in(char *p, long bytes) {
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
  const uintptr_t first = ((uintptr_t)p + 4095) / 4096 * 4096, end = ((uintptr_t)p + bytes) / 4096 * 4096;
  /* Bit by bit: meanwhile nobody else in the process gets memory, or gives it back. */
  for (uintptr_t at = first; at < end; at += 1 << 19)
    madvise((void *)at, MIN(end - at, 1 << 19), MADV_POPULATE_WRITE);
#else
  (void)p; (void)bytes;
#endif
}
static void sleep_until_changed(atomic_int *word, int seen) {
#if defined(__linux__)
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
#else
  (void)word; (void)seen; usleep(20);
#endif
}
static void wake_all(atomic_int *word) {
#if defined(__linux__)
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 30, 0, 0, 0);
#else
  (void)word;
#endif
}
static int processor(void) {
#if defined(__linux__)
  return sched_getcpu() + 1;
#else
  return 0;
#endif
}
/* To a processor that none of us is on, if there is one that we may use; from there the system may move us again. */
static void move_away(Barrier *b, int nt) {
#if defined(__linux__)
  cpu_set_t all, others;
  if (sched_getaffinity(0, sizeof all, &all)) return;
  others = all;
  for (int i = 0; i < nt && i < SEATS; i++) {
    const int taken = atomic_load_explicit(&b->seat[i], memory_order_relaxed);
    if (taken > 0 && taken <= CPU_SETSIZE) CPU_CLR(taken - 1, &others);
  }
  if (CPU_COUNT(&others) > 0 && !sched_setaffinity(0, sizeof others, &others)) sched_setaffinity(0, sizeof all, &all);
#else
  (void)b; (void)nt;
#endif
}
static void sit(Barrier *b, int t, int own) {
  if (t < SEATS && atomic_load_explicit(&b->seat[t], memory_order_relaxed) != own)
    atomic_store_explicit(&b->seat[t], own, memory_order_relaxed);
}
/*
 * Who comes last lets the others go. The system leaves two threads on one processor for long, while another is idle: they
 * take turns to sleep, and so seem to need little. Whoever has waited in vain and finds itself on another's goes away.
 */
static void meet(Barrier *b, int t, int nt) {
  if (nt == 1) return;
  const int own = processor();
  sit(b, t, own);
  int g = atomic_load_explicit(&b->generation, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&b->count, 1, memory_order_acq_rel) == nt - 1) {
    atomic_store_explicit(&b->count, 0, memory_order_relaxed);
    /* In this order for all: who sleeps after this has seen the new generation, or is seen. */
    atomic_store(&b->generation, g + 1);
    if (atomic_load(&b->sleepers) > 0) wake_all(&b->generation);
    return;
  }
  for (int i = 0; i < 4000; i++) {
    if (atomic_load_explicit(&b->generation, memory_order_acquire) != g) return;
    PAUSE();
  }
  for (int i = 0; i < nt && i < SEATS; i++) {
    if (i == t || own == 0 || atomic_load_explicit(&b->seat[i], memory_order_relaxed) != own) continue;
    move_away(b, nt);
    sit(b, t, processor());
    break;
  }
  atomic_fetch_add(&b->sleepers, 1);
  while (atomic_load(&b->generation) == g) sleep_until_changed(&b->generation, g);
  atomic_fetch_sub(&b->sleepers, 1);
}
`;
