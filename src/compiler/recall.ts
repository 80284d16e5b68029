/**
 * Programs that are known again. To make a program of graphs takes longer than most of what a command does that finds its
 * code in the cache. What is needed of a program then, its variables and its fingerprint, is kept under the hash of the
 * graphs; its kernels are made when somebody looks at them.
 */
import { fingerprint, fingerprintOfGraphs } from "../ir/fingerprint.ts";
import type { Graph } from "../ir/graph.ts";
import type { Backend, Program, Variable } from "../ir/program.ts";
import { keyOf, recall, remember } from "../support/kept.ts";
import { isOwnCodeAlone, ownCode } from "../support/own-code.ts";
import { compile } from "./compile.ts";
import { Variables } from "./lower.ts";

interface Kept {
  readonly variables: readonly Variable[];
  readonly fingerprint: string;
}

/** The program of graphs for a backend; what plug-ins take part in is always compiled. */
export function compileOnce(
  graphs: readonly Graph[],
  { name, traits, knowsPrograms }: Backend,
): Program {
  if (!knowsPrograms || !isOwnCodeAlone()) return compile(graphs, traits);
  const key = keyOf(name, ownCode(), fingerprintOfGraphs(graphs));
  const kept = recall<Kept>("graphs", key);
  if (kept) return known(kept, (variables) => compile(graphs, traits, undefined, variables));
  const program = compile(graphs, traits);
  const own = { variables: program.variables, fingerprint: fingerprint(program) };
  remember("graphs", key, own);
  return { ...program, ...own };
}

function known(kept: Kept, make: (variables: Variables) => Program): Program {
  let made: Program | undefined;
  return {
    ...kept,
    get procedures() {
      // Over the same variables: they are known by identity.
      made ??= make(new Variables(kept.variables));
      return made.procedures;
    },
  };
}
