/** The whole C file of a program: prelude, one function a task, one function a procedure, and the entry points. */

import type { DType, TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import type { Program } from "../../ir/program.ts";
import { CodePrinter } from "../../support/code-printer.ts";
import { isRow, isWindow, memoryOf, type Row } from "../rows.ts";
import { placeBuffers } from "./arena.ts";
import { scalarPrelude } from "./c.ts";
import type { Chain } from "./chains.ts";
import { contextPrelude, entryPoints } from "./entry-points.ts";
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
const packedFloats = ({ k, kBlock, tile, width }: Schedule): number =>
  packedSize(k, kBlock, tile.vectors * width);

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

/** In a chain t is the number of a part; `self` is the thread that does it, whose memory it may use meanwhile. */
const headOf = (task: Task, name: string): string =>
  `TASK ${name}(Context *x, int t, int nt${packs(task) ? ", int self" : ""}${loopOf(task) ? ", long s" : ""})`;
const packs = (task: Task): boolean => task.kind === "product" && task.schedule.packs;

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
  { name, groups, chains, loops, copies }: ProcedurePlan,
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
      const run = (task: Task, part = "t, nt") => {
        const fn = tasks.get(task)!;
        const step = loopOf(task) ? ", s" : "";
        const self = packs(task) ? ", t" : "";
        code.line(call(`${fn}(x, ${part}${self}${step});`, order.indexOf(fn)));
      };
      const runAll = (group: readonly Task[]) => {
        for (const task of group) {
          const chain = chains.find((c) => c.tasks.includes(task));
          if (chain?.tasks[0] === task) runChain(chain);
          else if (!chain) run(task);
        }
      };
      const runChain = (chain: Chain) => {
        const at = (thread: string) => `${chain.parts}L * ${thread} / nt`;
        code.block(`for (int v = ${at("t")}; v < ${at("(t + 1)")}; v++)`, () => {
          for (const task of chain.tasks) run(task, `v, ${chain.parts}`);
        });
      };
      for (let g = 0; g < groups.length; g++) {
        const loop = loops.find((l) => l.first === g);
        if (loop) {
          const { first, end, waits } = loop;
          code.block(loopHead(loop), () => {
            for (const [k, group] of groups.slice(first, end).entries()) {
              if (k > 0) wait();
              runAll(group);
            }
            if (waits) wait();
          });
          g = end - 1;
          if (waits) continue;
        } else runAll(groups[g]!);
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
