/** The native backend: C generated for the program, compiled by the system's compiler. */
import { availableParallelism } from "node:os";
import type {
  Availability,
  Backend,
  CompileOptions,
  Executable,
  Program,
  Values,
} from "../../ir/program.ts";
import { RunError, UsageError } from "../../support/errors.ts";
import { NativeExecutable } from "./executable.ts";
import { explainPlan } from "./explain/plan.ts";
import { generate } from "./generated.ts";
import { loadKoffi } from "./koffi.ts";
import { planProgram } from "./plan.ts";
import { byModel, type Decide } from "./products/decisions.ts";
import type { Target } from "./target.ts";
import { build, findToolchain, type Toolchain } from "./toolchain.ts";

const fix =
  "install a C compiler (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install)";
let toolchain: Promise<Toolchain | undefined> | undefined;
const known = () => {
  toolchain ??= findToolchain();
  return toolchain;
};

export const native: Backend = {
  name: "native",
  doc: "C generated for the model and compiled here: the fastest on a CPU.",
  traits: {
    maxInputs: Number.POSITIVE_INFINITY,
    contiguousSums: false,
    fastConvolution: (fast, direct) => fast < 0.8 * direct,
  },
  knowsPrograms: true,
  async probe(): Promise<Availability> {
    const found = await known();
    if (!found)
      return { ok: false, reason: "no C compiler was found (tried $CC, cc, gcc, clang)", fix };
    const complaint = await complaintOf(found);
    if (complaint !== undefined)
      return { ok: false, reason: `${found.command} cannot compile: ${complaint}`, fix };
    // Whoever asks will compile, and waits for data meanwhile.
    loadKoffi();
    const { width } = found.target;
    // "cc (Debian 12.2.0-14) 12.2.0" says its number twice.
    const version = found.version.replace(/\s*\([^)]*\)/, "");
    return { ok: true, device: `${version}, vectors of ${width} floats` };
  },
  async explain(program) {
    const found = await known();
    if (!found) return undefined;
    return explainPlan(program, planProgram(program, targetOf(found)));
  },
  async compile(program, constants, options) {
    const found = await known();
    if (!found) throw new UsageError("backend native: no C compiler was found", fix);
    return compileFor(program, constants, options, found);
  },
};

/** What every program includes and links: a compiler without them is of no use. */
const trial = `#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
float nnc_trial(float x) { return cosf(x) + (float)sizeof(pthread_t); }
`;

/** Why a compiler does not make a small program into an object, if it does not. */
async function complaintOf(found: Toolchain): Promise<string | undefined> {
  try {
    (await build(trial, found)).release();
    return undefined;
  } catch (error) {
    return error instanceof RunError ? error.message.replace(/^.*?: /, "") : String(error);
  }
}

/** The plan must not depend on the number of threads, or results would; two is what schedules aim at. */
const targetOf = ({ target }: Toolchain): Target => ({ ...target, threads: 2 });

/**
 * @param found the compiler and the processor to generate code for
 * @param decide what schedules are free to decide: for tests and tuning
 */
export async function compileFor(
  program: Program,
  constants: ReadonlyMap<string, Values>,
  options: CompileOptions,
  found: Toolchain,
  decide: Decide = byModel,
): Promise<Executable> {
  const threads = options.threads ?? availableParallelism();
  const timed = options.timed ?? false;
  const how = { toolchain: found, target: targetOf(found), timed, decide };
  const generated = await generate(program, how);
  const executable = new NativeExecutable(program.variables, generated, {
    toolchain: found,
    threads,
    timed,
  });
  for (const [name, values] of constants) executable.lend(name, values);
  return executable;
}
