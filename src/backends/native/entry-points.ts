/** What the host calls in a program's shared object, and the context that all its functions get. */
import type { TensorBuffer } from "../../ir/expr.ts";
import type { Arena } from "./arena.ts";

/** What all of a program's functions share: its buffers, and where they lie. */
export function contextPrelude(
  buffers: readonly TensorBuffer[],
  { offsets, size, first: [start, end] }: Arena,
  scratch: number,
): string {
  const places = buffers.map((b) => offsets.get(b)!);
  return `enum { BUFFERS = ${buffers.length} };
struct Context { void *m[BUFFERS]; void *raw; long steps; Work work; void (*before)(int, int); int threads, quit; Barrier barrier, gate; pthread_t *pool; float *scratch; };
/* Floats that every thread has for itself. */
enum { SCRATCH = ${scratch} };
static const long memory = ${size}, first_touched = ${start}, last_touched = ${end};
static const long offset_of[BUFFERS] = {${places.join(", ")}};
/* ${buffers.map((b, i) => `${i} ${b.name} [${b.shape}]`).join(", ")} */
`;
}

/** What is called from outside. Threads other than the caller's wait at the gate between calls. */
export function entryPoints(steps: readonly string[]): string {
  return `typedef struct { Context *x; int t; } Seat;
static char *base_of(Context *x) { return (char *)(((uintptr_t)x->raw + PAGE - 1) / PAGE * PAGE); }
static void *serve(void *p) {
  Seat seat = *(Seat *)p; free(p);
  flush_tiny();
  /* The caller writes weights meanwhile: what the first step will touch need not wait for the system then. */
  if (seat.t == 1) bring_in(base_of(seat.x) + first_touched, last_touched - first_touched);
  for (;;) {
    meet(&seat.x->gate, seat.t, seat.x->threads);
    if (seat.x->quit) return 0;
    if (seat.x->before) seat.x->before(seat.t, seat.x->threads);
    seat.x->work(seat.x, seat.t, seat.x->threads);
    meet(&seat.x->gate, seat.t, seat.x->threads);
  }
}
void *nnc_open(int threads) {
  Context *x = 0;
  if (posix_memalign((void **)&x, 64, sizeof(Context))) return 0;
  memset(x, 0, sizeof(Context));
  /* calloc gives fresh pages without touching them. */
  x->raw = calloc(memory + PAGE, 1);
  if (!x->raw) { free(x); return 0; }
  if (SCRATCH > 0 && posix_memalign((void **)&x->scratch, 64, sizeof(float) * SCRATCH * threads)) { free(x->raw); free(x); return 0; }
  char *base = base_of(x);
  prefer_large_pages(base, memory);
  for (int i = 0; i < BUFFERS; i++) x->m[i] = base + offset_of[i];
  x->threads = 1;
  x->pool = calloc(threads, sizeof(pthread_t));
  pthread_attr_t attr; pthread_attr_init(&attr); pthread_attr_setstacksize(&attr, 1 << 20);
  x->threads = threads;
  for (int t = 1; t < threads; t++) {
    Seat *seat = malloc(sizeof(Seat)); seat->x = x; seat->t = t;
    if (pthread_create(&x->pool[t], &attr, serve, seat)) { free(seat); x->threads = t; break; }
  }
  return x;
}
int nnc_threads(void *p) { return ((Context *)p)->threads; }
void *nnc_memory(void *p, int i) { return ((Context *)p)->m[i]; }
/* From now on the caller's memory is the buffer's; vectors may read a little beyond its end. */
void nnc_lend(void *p, int i, void *values) { ((Context *)p)->m[i] = values; }
/* What every thread calls before the steps of the next call, with its number and how many they are. */
void nnc_before(void *p, void *call) { ((Context *)p)->before = (void (*)(int, int))call; }
static const Work procedures[] = {${steps.join(", ")}};
void nnc_run(void *p, int procedure, int steps) {
  Context *x = p;
  x->steps = steps; x->work = procedures[procedure];
  const unsigned long was = flush_tiny();
  meet(&x->gate, 0, x->threads);
  if (x->before) x->before(0, x->threads);
  x->work(x, 0, x->threads);
  meet(&x->gate, 0, x->threads);
  x->before = 0;
  restore(was);
}
void nnc_close(void *p) {
  Context *x = p;
  x->quit = 1;
  meet(&x->gate, 0, x->threads);
  for (int t = 1; t < x->threads; t++) pthread_join(x->pool[t], 0);
  free(x->pool); free(x->scratch); free(x->raw); free(x);
}
`;
}
