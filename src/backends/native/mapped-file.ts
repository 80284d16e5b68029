/**
 * A file in the address space of the process: the system brings its pages when they are read, and nobody copies them.
 *
 * A file that shrinks meanwhile, or a disk that fails, makes reading a mapped page a signal that ends the process. A
 * handler puts zeros in the page's place and takes note, so that whoever reads can say what has happened.
 */
import type { ByteRange } from "../../ir/program.ts";
import { called, loadKoffi, type Native } from "./koffi.ts";
import { readAhead } from "./layout.ts";
import { build, type Toolchain } from "./toolchain.ts";

interface Library {
  readonly map: Native;
  readonly ask: Native;
  readonly later: Native;
  readonly job: Native;
  readonly waits: Native;
  readonly clear: Native;
  readonly intact: Native;
  readonly unmap: Native;
}

let loaded: Promise<Library> | undefined;

/** Once in a process, and for good: the handler must stay where it is. */
function load(toolchain: Toolchain): Promise<Library> {
  loaded ??= build(source, toolchain).then((built) => {
    const library = loadKoffi().load(built.path);
    // What is loaded no longer needs its file.
    built.release();
    const find = (prototype: string) => library.func(prototype) as unknown as Native;
    return {
      map: find("void *nnc_map(const char *, long)"),
      ask: find("void nnc_ask(void *, const double *, int)"),
      later: find("void nnc_later(void *, const double *, int, const double *, int)"),
      job: find("void *nnc_job(void)"),
      waits: find("long nnc_waits(void)"),
      clear: find("void nnc_clear(void)"),
      intact: find("int nnc_intact(void *)"),
      unmap: find("void nnc_unmap(void *)"),
    };
  });
  return loaded;
}

/** Windows for which the disk is asked after somebody has waited for it: asking costs a little where nothing is to read. */
const patience = 32;

export class MappedFile {
  readonly #library: Library;
  readonly #base: bigint;
  #open = true;
  /** How often threads had to wait for the disk, and how many windows more are asked for after that. */
  #waits = 0;
  #patience = patience;

  private constructor(library: Library, base: bigint) {
    this.#library = library;
    this.#base = base;
  }

  /** @returns undefined if the system will not map it */
  static async open(
    path: string,
    bytes: number,
    toolchain: Toolchain,
  ): Promise<MappedFile | undefined> {
    const library = await load(toolchain);
    const base = library.map(path, bytes) as bigint | null;
    return base ? new MappedFile(library, base) : undefined;
  }

  /** Where a byte of it lies. */
  address(offset: number): bigint {
    return this.#base + BigInt(offset);
  }

  /** Asks the system to read ranges from the disk, unless it has had all at hand for a while. */
  async ask(ranges: readonly ByteRange[]): Promise<void> {
    const waits = Number(this.#library.waits());
    this.#patience = waits > this.#waits ? patience : this.#patience - 1;
    this.#waits = waits;
    if (this.#patience > 0)
      await called(this.#library.ask, this.#base, flat(ranges), ranges.length);
  }

  /**
   * Has threads put ranges into the memory of the process, and others out of it, each its part, when they are about to
   * read them: pages come ten times as fast so as in the middle of their work.
   * @returns what they have to call
   */
  exchange(old: readonly ByteRange[], next: readonly ByteRange[]): unknown {
    this.#library.later(this.#base, flat(old), old.length, flat(next), next.length);
    return this.#library.job();
  }

  /** It has been called. */
  exchanged(): void {
    this.#library.clear();
  }

  /** Whether all that has been read so far was there. */
  intact(): boolean {
    return this.#library.intact(this.#base) === 1;
  }

  close(): void {
    if (this.#open) this.#library.unmap(this.#base);
    this.#open = false;
  }
}

/** Offsets and lengths in turn: doubles hold them exactly. */
const flat = (ranges: readonly ByteRange[]): Float64Array =>
  Float64Array.from(ranges.flatMap(({ offset, bytes }) => [offset, bytes]));

/** Vectors may read a little beyond the file's end, which may be a page's: there is one more behind it. */
const source = `#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
enum { MOST = 64, BEHIND = ${readAhead * 4} };
/* The handler reads these without a lock: a size is set last, and first to 0. */
static struct { char *base; volatile long size; volatile int lost; } maps[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static long page;

static void missing(int number, siginfo_t *info, void *context) {
  char *at = info->si_addr;
  for (int i = 0; i < MOST; i++) {
    if (maps[i].size == 0 || at < maps[i].base || at >= maps[i].base + maps[i].size) continue;
    char *start = (char *)((uintptr_t)at / page * page);
    if (mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    maps[i].lost = 1;
    return;
  }
  /* Not ours: as if this handler had never been. */
  sigaction(number, &before, 0);
}

static void listen(void) {
  if (page) return;
  page = sysconf(_SC_PAGESIZE);
  struct sigaction own = { .sa_sigaction = missing, .sa_flags = SA_SIGINFO | SA_ONSTACK };
  sigemptyset(&own.sa_mask);
  sigaction(SIGBUS, &own, &before);
}

static int find(void *base) {
  for (int i = 0; i < MOST; i++) if (maps[i].size && maps[i].base == base) return i;
  return -1;
}

void *nnc_map(const char *path, long size) {
  pthread_mutex_lock(&lock);
  listen();
  int free = 0;
  while (free < MOST && maps[free].size) free++;
  int file = free < MOST && size > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  char *base = 0;
  if (file >= 0) {
    const long whole = (size + BEHIND + page - 1) / page * page;
    base = mmap(0, whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) base = 0;
    else if (mmap(base, size, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) { munmap(base, whole); base = 0; }
    close(file);
  }
  if (base) { maps[free].base = base; maps[free].lost = 0; maps[free].size = size; }
  pthread_mutex_unlock(&lock);
  return base;
}

/* The system reads no more than this for a single request. */
enum { REQUEST = 128 << 10 };

void nnc_ask(void *base, const double *ranges, int count) {
  for (int i = 0; i < count; i++) {
    const long end = ranges[2 * i] + ranges[2 * i + 1];
    for (long at = (long)ranges[2 * i] / page * page; at < end; at += REQUEST)
      madvise((char *)base + at, at + REQUEST < end ? REQUEST : end - at, MADV_WILLNEED);
  }
}

enum { MOST_JOBS = 4096 };
static struct { char *base; double from, length; int leaves; } jobs[MOST_JOBS];
static int count_of_jobs;

static void add(void *base, const double *ranges, int count, int leaves) {
  for (int i = 0; i < count && count_of_jobs < MOST_JOBS; i++) {
    jobs[count_of_jobs].base = base; jobs[count_of_jobs].from = ranges[2 * i];
    jobs[count_of_jobs].length = ranges[2 * i + 1]; jobs[count_of_jobs++].leaves = leaves;
  }
}
void nnc_later(void *base, const double *old, int olds, const double *next, int nexts) {
  add(base, old, olds, 1);
  add(base, next, nexts, 0);
}
void nnc_clear(void) { count_of_jobs = 0; }

/*
 * Each thread takes one stretch of each range. Touching a page maps those around it, too, and costs a quarter of reading
 * it into a buffer. Old pages leave if they lie in the range as a whole: others may be somebody else's.
 */
static atomic_long waits;
long nnc_waits(void) { return waits; }
static long waited(void) {
#if defined(RUSAGE_THREAD)
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_majflt;
#else
  return 0;
#endif
}
static void exchange(int part, int parts) {
  const long before = waited();
  for (int i = 0; i < count_of_jobs; i++) {
    const double from = jobs[i].from, length = jobs[i].length;
    const long start = from + length * part / parts, end = from + length * (part + 1) / parts;
    const long first = start / page * page, inner = (start + page - 1) / page * page, last = end / page * page;
    if (!jobs[i].leaves)
      for (long at = first; at < end; at += page) (void)*((const volatile char *)jobs[i].base + at);
    else if (last > inner) madvise(jobs[i].base + inner, last - inner, MADV_DONTNEED);
  }
  waits += waited() - before;
}
void *nnc_job(void) { return exchange; }

int nnc_intact(void *base) {
  const int i = find(base);
  return i >= 0 && !maps[i].lost;
}

void nnc_unmap(void *base) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < count_of_jobs; i++) if (jobs[i].base == base) jobs[i].length = 0;
  const int i = find(base);
  if (i >= 0) {
    const long whole = (maps[i].size + BEHIND + page - 1) / page * page;
    maps[i].size = 0;
    munmap(base, whole);
  }
  pthread_mutex_unlock(&lock);
}
`;
