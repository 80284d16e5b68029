/**
 * What the processor can do at most: independent chains of multiply-adds in registers, on vectors as wide as
 * those of generated code. Everything else is a share of this.
 */
import { loadKoffi } from "./koffi.ts";
import { vectorPrelude } from "./prelude.ts";
import { build, findToolchain } from "./toolchain.ts";

export interface Peak {
  /** 10⁹ operations a second, all threads together; a multiply-add is two. */
  readonly gflops: number;
  /** Floats in a vector. */
  readonly width: number;
}

/**
 * A run of the kernel should take so long, in seconds: short, so that some run of all is not disturbed by whatever
 * else the machine does. The fastest counts.
 */
const duration = 0.008;
const runs = 30;

/** @returns undefined where there is no C compiler, or not so many threads */
export async function measurePeak(threads: number): Promise<Peak | undefined> {
  const toolchain = await findToolchain();
  if (!toolchain) return undefined;
  const { width, registers } = toolchain.target;
  // More chains than cover the latency of an addition, and registers left for the constants.
  const chains = (registers * 3) / 4;
  const built = await build(source(width, chains), toolchain);
  const library = loadKoffi().load(built.path);
  try {
    const time = library.func("double nnc_peak(int, long)") as (t: number, n: number) => number;
    const some = 100_000;
    const trial = time(threads, some);
    if (trial < 0) return undefined;
    const turns = Math.max(some, Math.round((some * duration) / trial));
    const times = Array.from({ length: runs }, () => time(threads, turns));
    const operations = 2 * width * chains * turns * threads;
    return { gflops: operations / Math.min(...times) / 1e9, width };
  } finally {
    library.unload();
    built.release();
  }
}

/** `a·b + a` is one instruction with two operands wherever there are multiply-adds, and b ≈ 0 keeps a. */
function source(width: number, chains: number): string {
  const each = (print: (i: number) => string) => Array.from({ length: chains }, (_, i) => print(i));
  return `${vectorPrelude(width)}
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
typedef struct { atomic_int *go; long turns; double begin, end; volatile float sink; } Job;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
static void *chains(void *p) {
  Job *j = p;
  vf b = SPLAT(-1e-9f), ${each((i) => `a${i} = SPLAT(${i + 1}.0f)`).join(", ")};
  KEEP(b);
  while (!atomic_load(j->go)) sched_yield();
  if (atomic_load(j->go) < 0) return 0;
  j->begin = now();
  for (long n = j->turns; n > 0; n--) {
    ${each((i) => `a${i} = a${i} * b + a${i}; KEEP(a${i});`).join("\n    ")}
  }
  j->end = now();
  j->sink = (${each((i) => `a${i}`).join(" + ")})[0];
  return 0;
}
/* Seconds from the first thread's start to the last one's end; -1 if there are not so many threads to be had. */
double nnc_peak(int threads, long turns) {
  atomic_int go = 0;
  Job *jobs = calloc(threads, sizeof *jobs);
  pthread_t *others = calloc(threads, sizeof *others);
  int made = 1;
  for (; made < threads; made++) {
    jobs[made] = (Job){ &go, turns };
    if (pthread_create(&others[made], 0, chains, &jobs[made])) break;
  }
  atomic_store(&go, made == threads ? 1 : -1);
  jobs[0] = (Job){ &go, turns };
  chains(&jobs[0]);
  double begin = jobs[0].begin, end = jobs[0].end;
  for (int t = 1; t < made; t++) {
    pthread_join(others[t], 0);
    if (jobs[t].begin < begin) begin = jobs[t].begin;
    if (jobs[t].end > end) end = jobs[t].end;
  }
  free(jobs); free(others);
  return made == threads ? end - begin : -1;
}
`;
}
