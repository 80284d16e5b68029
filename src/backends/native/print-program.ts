/** The whole C file of a program: prelude, one function a task, one function a procedure, and the entry points. */

import type { DType, TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import type { Program } from "../../ir/program.ts";
import { CodePrinter } from "../../support/code-printer.ts";
import { isRow, isWindow, memoryOf, type Row } from "../rows.ts";
import { type Arena, placeBuffers } from "./arena.ts";
import { scalarPrelude } from "./c.ts";
import { commentOn } from "./explain/plan.ts";
import type { LayoutOf, PointerOf } from "./layout.ts";
import { printInversion } from "./nests/print-inversion.ts";
import { printNest } from "./nests/print-nest.ts";
import { loopOf, nameOf, type Task, writesOf } from "./order.ts";
import type { GroupLoop, ProcedurePlan, ProgramPlan } from "./plan.ts";
import { poolPrelude, vectorPrelude } from "./prelude.ts";
import { printProduct } from "./products/print-product.ts";
import type { Functions } from "./products/print-tile.ts";
import type { Schedule } from "./products/schedule.ts";
import { packedSize } from "./products/tiling.ts";
import type { Target } from "./target.ts";
import { verifyArena } from "./verify/arena.ts";
import { wrapLines } from "./wrap-lines.ts";

export interface CFile {
  readonly source: string;
  /** Each can be compiled by itself, with `-DPART=` its number. */
  readonly parts: number;
  /** Names of the tasks' functions, in the order of the timers. */
  readonly tasks: readonly string[];
}

const cType: Readonly<Record<DType, string>> = { f32: "float", i32: "int32_t", u8: "uint8_t" };

/** Parts that a file has at most. */
const mostParts = 4;

/** @param timed whether the program measures how long the first thread spends in each task */
export function printProgram(
  program: Program,
  plan: ProgramPlan,
  target: Target,
  timed = false,
): CFile {
  const buffers = buffersOf(program, plan);
  const position = new Map(buffers.map((b, i) => [b, i]));
  const pointerOf: PointerOf = (b) => {
    if (isWindow(b)) return pointerOf(b.of);
    const memory = `((${cType[b.dtype]} *)x->m[${position.get(memoryOf(b))}])`;
    return isRow(b) ? `(${memory} + ${startOf(b)})` : memory;
  };
  const names = new Names();
  const tiles: Functions = new Map();
  const tasks = new Map<Task, string>();
  const functions: string[] = [];
  for (const { groups } of plan.procedures) {
    for (const task of groups.flat()) {
      const name = names.take(nameOf(task));
      tasks.set(task, name);
      functions.push(
        commentOn(task, plan.layoutOf) + printTask(task, name, plan.layoutOf, pointerOf, tiles),
      );
    }
  }
  const steps = plan.procedures.map((p) => printProcedure(p, tasks, pointerOf, plan, names, timed));
  const last = [
    ...(timed ? [timers(tasks.size)] : []),
    ...steps.map((s) => s.source),
    entryPoints(steps.map((s) => s.name)),
  ];
  const parts = divide(functions, mostParts);
  const source = [
    vectorPrelude(target.width),
    scalarPrelude,
    poolPrelude,
    contextPrelude(buffers, verifyArena(placeBuffers(buffers, plan), plan), scratchOf(plan)),
    partPrelude,
    ...[...tasks].map(([task, name]) => `${headOf(task, name)};`),
    ...[...tiles].map(([body, name]) => `TILE ${name}${body}`),
    ...parts.flatMap((part, i) => [
      ...(parts.length > 1 ? [`#if IN_PART(${i})`] : []),
      ...(i === parts.length - 1 ? [...part, ...last] : part),
      ...(parts.length > 1 ? ["#endif"] : []),
    ]),
    "",
  ].join("\n");
  return { source: wrapLines(source), parts: parts.length, tasks: [...tasks.values()] };
}

/** Floats that the products pack at a time, in whole cache lines. */
function scratchOf({ procedures }: ProgramPlan): number {
  const tasks = procedures.flatMap((p) => p.groups.flat());
  const sizes = tasks.map((t) =>
    t.kind === "product" && t.schedule.packs ? packedFloats(t.schedule) : 0,
  );
  return Math.ceil(Math.max(0, ...sizes) / 16) * 16;
}
const packedFloats = ({ k, kBlock, panels, tile, width }: Schedule): number =>
  packedSize(k, kBlock, panels.extent, tile.vectors * width);

/** Compilers are one program each: a large file is compiled by several, a part each, side by side. */
const partPrelude = `#define TASK __attribute__((visibility("hidden"))) void
#ifdef PART
#define IN_PART(n) (PART == (n))
#else
#define IN_PART(n) 1
#endif
`;

/** Characters from which on a part pays for its compiler. */
const worthPart = 20_000;

/** The functions in parts of about the same length, in their order. */
function divide(functions: readonly string[], most: number): readonly (readonly string[])[] {
  const total = functions.reduce((n, f) => n + f.length, 0);
  const count = Math.max(1, Math.min(most, Math.floor(total / worthPart)));
  const parts = Array.from({ length: count }, (): string[] => []);
  let done = 0;
  for (const f of functions) {
    parts[Math.min(count - 1, Math.floor((done * count) / total))]!.push(f);
    done += f.length;
  }
  return parts;
}

/** Seconds of the first thread in each task; the last entry is what it waited for others. */
const timers = (tasks: number) => `#include <time.h>
static double spent[${tasks} + 1];
static double now(void) { struct timespec s; clock_gettime(CLOCK_MONOTONIC, &s); return s.tv_sec + 1e-9 * s.tv_nsec; }
double *nnc_spent(void) { return spent; }
`;

/** Elements before a row; s is the step of the loop. */
function startOf({ offset, moves, shape }: Row): string {
  const row = moves ? (offset === 0 ? "s" : `(s + ${offset})`) : String(offset);
  return `${row} * ${sizeOf(shape)}L`;
}

function buffersOf(program: Program, { procedures }: ProgramPlan): readonly TensorBuffer[] {
  const found = new Set<TensorBuffer>(program.variables);
  for (const { groups, copies } of procedures) {
    for (const task of groups.flat()) for (const b of writesOf(task)) found.add(b);
    for (const { from } of copies) found.add(from);
  }
  return [...found];
}

const headOf = (task: Task, name: string): string =>
  `TASK ${name}(Context *x, int t, int nt${loopOf(task) ? ", long s" : ""})`;

function printTask(
  task: Task,
  name: string,
  layoutOf: LayoutOf,
  pointerOf: PointerOf,
  tiles: Functions,
): string {
  const head = headOf(task, name);
  if (task.kind === "inversion") return printInversion(task.inversion, head, layoutOf, pointerOf);
  if (task.kind === "product") return printProduct(task.schedule, head, pointerOf, tiles);
  const { sharing } = task;
  return printNest(task.form, head, sharing.by === "one" ? undefined : sharing.units, pointerOf);
}

/** The steps of a procedure, run by every thread; all meet at the barrier between groups. */
function printProcedure(
  { name, groups, loops, copies }: ProcedurePlan,
  tasks: ReadonlyMap<Task, string>,
  pointerOf: PointerOf,
  { layoutOf }: ProgramPlan,
  names: Names,
  timed: boolean,
): { name: string; source: string } {
  const own = names.take(`run_${name}`);
  const order = [...tasks.values()];
  const call = (text: string, slot: number) =>
    timed ? `{ const double t0 = now(); ${text} if (t == 0) spent[${slot}] += now() - t0; }` : text;
  const code = new CodePrinter();
  code.block(`static void ${own}(Context *x, int t, int nt)`, () => {
    code.block("for (long step = 0; step < x->steps; step++)", () => {
      const wait = () => code.line(call("meet(&x->barrier, t, nt);", order.length));
      const run = (task: Task) => {
        const fn = tasks.get(task)!;
        const step = loopOf(task) ? ", s" : "";
        code.line(call(`${fn}(x, t, nt${step});`, order.indexOf(fn)));
      };
      for (let g = 0; g < groups.length; g++) {
        const loop = loops.find((l) => l.first === g);
        if (loop) {
          const { first, end, waits } = loop;
          code.block(loopHead(loop), () => {
            for (const [k, group] of groups.slice(first, end).entries()) {
              if (k > 0) wait();
              group.forEach(run);
            }
            if (waits) wait();
          });
          g = end - 1;
          if (waits) continue;
        } else groups[g]!.forEach(run);
        wait();
      }
      if (copies.length === 0) return;
      code.block("if (t == 0)", () => {
        for (const { from, to } of copies) {
          code.line(
            `memcpy(${pointerOf(to)}, ${pointerOf(from)}, ${layoutOf(to).size} * sizeof(${cType[to.dtype]}));`,
          );
        }
      });
      code.line("meet(&x->barrier, t, nt);");
    });
  });
  return { name: own, source: code.toString() };
}

const loopHead = ({ steps, reverse }: GroupLoop): string =>
  reverse ? `for (long s = ${steps - 1}; s >= 0; s--)` : `for (long s = 0; s < ${steps}; s++)`;

function contextPrelude(
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
function entryPoints(steps: readonly string[]): string {
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

/** Names of C functions, after the layers they serve. */
class Names {
  readonly #taken = new Set<string>();
  take(name: string): string {
    const plain = name.replaceAll(/[^A-Za-z0-9]+/g, "_").replace(/^(\d)/, "_$1");
    let free = plain;
    for (let n = 2; this.#taken.has(free); n++) free = `${plain}_${n}`;
    this.#taken.add(free);
    return free;
  }
}
