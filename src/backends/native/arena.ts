/**
 * Where every buffer lies in the program's one block of memory. Temporaries that are never alive together share
 * space, those of different procedures always; variables live as long as the program.
 */

import type { TensorBuffer } from "../../ir/expr.ts";
import { elementBytes, type LayoutOf, readAhead } from "./layout.ts";
import { readsOf, writesOf } from "./order.ts";
import type { ProcedurePlan, ProgramPlan } from "./plan.ts";

/** Bytes. */
export interface Arena {
  readonly offsets: ReadonlyMap<TensorBuffer, number>;
  readonly size: number;
  /** Where the temporaries of the first procedure begin and end: what the first step touches. */
  readonly first: readonly [start: number, end: number];
}

/** Rows that start a multiple of 4 KiB apart fall into the same cache sets; arrays begin at different ones. */
const skew = 3 * 64;
const line = 64;

/** What a buffer's elements take, with those that vectors may read beyond them. */
export const bytesOf = (b: TensorBuffer, layoutOf: LayoutOf): number =>
  (layoutOf(b).size + readAhead) * elementBytes[b.dtype];

/** The groups of its procedure between which a buffer is alive, both included. */
interface Life {
  readonly procedure: number;
  readonly first: number;
  readonly last: number;
}

/** @param buffers all buffers, variables among them */
export function placeBuffers(buffers: readonly TensorBuffer[], plan: ProgramPlan): Arena {
  const lives = livesOf(plan);
  const bytes = (b: TensorBuffer) => Math.ceil(bytesOf(b, plan.layoutOf) / line) * line + skew;
  const offsets = new Map<TensorBuffer, number>();
  let fixed = 0;
  for (const b of buffers.filter((x) => !lives.has(x))) {
    offsets.set(b, fixed);
    fixed += bytes(b);
  }
  const placed: { readonly life: Life; readonly start: number; readonly end: number }[] = [];
  const shared = buffers.filter((b) => lives.has(b)).sort((a, b) => bytes(b) - bytes(a));
  for (const b of shared) {
    const life = lives.get(b)!;
    const rivals = placed.filter((p) => meet(p.life, life)).sort((p, q) => p.start - q.start);
    let start = fixed;
    for (const r of rivals) {
      if (start + bytes(b) <= r.start) break;
      start = Math.max(start, r.end);
    }
    placed.push({ life, start, end: start + bytes(b) });
    offsets.set(b, start);
  }
  const end = (all: typeof placed) => Math.max(fixed, ...all.map((p) => p.end));
  const first = placed.filter((p) => p.life.procedure === 0);
  return { offsets, size: end(placed), first: [fixed, end(first)] };
}

const meet = (p: Life, q: Life): boolean =>
  p.procedure === q.procedure && p.first <= q.last && q.first <= p.last;

/** Of the buffers that may share; what holds zeros around its elements must keep them. */
function livesOf({ procedures, layoutOf }: ProgramPlan): ReadonlyMap<TensorBuffer, Life> {
  const lives = new Map<TensorBuffer, Life>();
  for (const [procedure, { groups, loops, copies }] of procedures.entries()) {
    const note = (b: TensorBuffer, group: number) => {
      // The steps of a loop may overlap, so that what it touches is alive throughout.
      const loop = loops.find((l) => l.first <= group && group < l.end);
      const first = lives.get(b)?.first ?? loop?.first ?? group;
      lives.set(b, { procedure, first, last: loop ? loop.end - 1 : group });
    };
    const written = writtenBuffers(groups, layoutOf);
    for (const [g, group] of groups.entries()) {
      for (const task of group)
        for (const b of [...writesOf(task), ...readsOf(task)]) if (written.has(b)) note(b, g);
    }
    for (const { from } of copies) if (written.has(from)) note(from, groups.length);
  }
  return lives;
}

function writtenBuffers(
  groups: ProcedurePlan["groups"],
  layoutOf: LayoutOf,
): ReadonlySet<TensorBuffer> {
  const isTemporary = (b: TensorBuffer) => !("kind" in b) && !layoutOf(b).zeros;
  return new Set(groups.flat().flatMap((t) => writesOf(t).filter(isTemporary)));
}
