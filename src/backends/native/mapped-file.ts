/**
 * A file in the address space of the process: the system brings its pages when they are read, and nobody copies them.
 *
 * A file that shrinks meanwhile, or a disk that fails, makes reading a mapped page a signal that ends the process. A
 * handler puts zeros in the page's place and takes note, so that whoever reads can say what has happened.
 */
import { loadKoffi, type Native } from "./koffi.ts";
import { readAhead } from "./layout.ts";
import { build, type Toolchain } from "./toolchain.ts";

interface Library {
  readonly map: Native;
  readonly fetch: Native;
  readonly release: Native;
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
      fetch: find("void nnc_fetch(void *, long, long)"),
      release: find("void nnc_release(void *, long, long)"),
      intact: find("int nnc_intact(void *)"),
      unmap: find("void nnc_unmap(void *)"),
    };
  });
  return loaded;
}

export class MappedFile {
  readonly #library: Library;
  readonly #base: bigint;
  #open = true;

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

  /** Brings bytes into memory, off the main thread; steps that read them need not wait for the disk then. */
  fetch(offset: number, length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#library.fetch.async(this.#base, offset, length, (error: unknown) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** They may go from the memory of the process; the system still has them at hand while it has room. */
  release(offset: number, length: number): void {
    if (this.#open) this.#library.release(this.#base, offset, length);
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

/** Vectors may read a little beyond the file's end, which may be a page's: there is one more behind it. */
const source = `#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
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

/* Touching a page maps those around it, too, and costs a tenth of reading it into a buffer. */
void nnc_fetch(void *base, long from, long length) {
  const char *start = base;
  long first = from / page * page;
  madvise((char *)start + first, length + from - first, MADV_WILLNEED);
  for (long at = first; at < from + length; at += page) (void)*(const volatile char *)(start + at);
}

/* Pages that lie in the range as a whole: others may be somebody else's. */
void nnc_release(void *base, long from, long length) {
  const long first = (from + page - 1) / page * page, end = (from + length) / page * page;
  if (end > first) madvise((char *)base + first, end - first, MADV_DONTNEED);
}

int nnc_intact(void *base) {
  const int i = find(base);
  return i >= 0 && !maps[i].lost;
}

void nnc_unmap(void *base) {
  pthread_mutex_lock(&lock);
  const int i = find(base);
  if (i >= 0) {
    const long whole = (maps[i].size + BEHIND + page - 1) / page * page;
    maps[i].size = 0;
    munmap(base, whole);
  }
  pthread_mutex_unlock(&lock);
}
`;
