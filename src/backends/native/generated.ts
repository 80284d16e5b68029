/**
 * From a program to a shared object and what it takes to run it. Planning and printing take longer than all else when
 * the compiler has nothing to do: what came of them is kept under the fingerprint of the program, and a program that has
 * been seen before is only loaded.
 */
import { fingerprint } from "../../ir/fingerprint.ts";
import type { Program } from "../../ir/program.ts";
import { keyOf, recall, remember } from "../../support/kept.ts";
import { ownCode } from "../../support/own-code.ts";
import type { Layout } from "./layout.ts";
import { planProgram } from "./plan.ts";
import { printProgram } from "./print-program.ts";
import { byModel, type Decide } from "./products/decisions.ts";
import type { Target } from "./target.ts";
import { type Built, build, builtFor, findBuilt, type Toolchain } from "./toolchain.ts";

/** How the host reaches what a shared object computes: plain data, kept beside it. */
export interface Interface {
  /** How each variable lies in memory, in the program's order. */
  readonly layouts: readonly Layout[];
  readonly procedures: readonly string[];
  /** Names of the tasks' functions, in the order of the timers. */
  readonly tasks: readonly string[];
}
export interface Generated {
  readonly interface: Interface;
  readonly built: Built;
  /** The C file; printed once more where the object was only found. */
  readonly source: () => string;
}
export interface Generation {
  readonly toolchain: Toolchain;
  readonly target: Target;
  readonly timed: boolean;
  /** What schedules are free to decide; others than the models' are not kept. */
  readonly decide: Decide;
}

export async function generate(program: Program, how: Generation): Promise<Generated> {
  if (how.decide !== byModel) return (await make(program, how)).generated;
  const { toolchain, target, timed } = how;
  const facts = JSON.stringify([target, timed, ownCode()]);
  const key = keyOf(program.fingerprint ?? fingerprint(program), facts, builtFor(toolchain));
  const kept = recall<Kept>("program", key);
  const built = kept && findBuilt(kept.object);
  if (built) return { interface: kept.interface, built, source: () => print(program, how).source };
  const made = await make(program, how);
  if (made.object !== undefined)
    remember("program", key, { object: made.object, interface: made.generated.interface });
  return made.generated;
}

interface Kept {
  /** The shared object's name in the cache. */
  readonly object: string;
  readonly interface: Interface;
}

async function make(program: Program, how: Generation) {
  const { source, parts, ...rest } = print(program, how);
  const built = await build(source, how.toolchain, parts);
  return { generated: { interface: rest, built, source: () => source }, object: built.name };
}

function print(program: Program, { target, timed, decide }: Generation) {
  const plan = planProgram(program, target, decide);
  const { source, parts, tasks } = printProgram(program, plan, target, timed);
  const layouts = program.variables.map(plan.layoutOf);
  return { source, parts, layouts, procedures: plan.procedures.map((p) => p.name), tasks };
}
