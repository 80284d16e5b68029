/** The compiler: graphs in, a program out, one pass after another. */
import type { Graph, Tensor } from "../ir/graph.ts";
import type { Program, Traits } from "../ir/program.ts";
import { makeContiguous } from "./contiguous.ts";
import { fastConvolutions } from "./fast-convolution.ts";
import { chooseMaterialised } from "./fuse.ts";
import { lower, Variables, workOf } from "./lower.ts";
import { planMemory } from "./memory.ts";
import { share, simplify } from "./simplify.ts";
import { splitSums } from "./split-sums.ts";
import { verifyGraph, verifyKernels, verifyMemory } from "./verify.ts";

export type FusionPolicy = (graph: Graph, traits: Traits) => ReadonlySet<Tensor>;

/** Graph to graph: everything that does not depend on the target. */
export function optimise(graph: Graph): Graph {
  verifyGraph(graph);
  const simple = share(simplify(graph));
  return verifyGraph(share(simplify(simple)));
}

/**
 * All graphs of one program share its variables by name.
 * @param variables those that are known, for programs that were compiled before
 */
export function compile(
  graphs: readonly Graph[],
  traits: Traits,
  fusion: FusionPolicy = chooseMaterialised,
  variables = new Variables(),
): Program {
  const procedures = graphs.map((graph) => {
    const meant = optimise(graph);
    const optimised = traits.fastConvolution
      ? optimise(fastConvolutions(meant, traits.fastConvolution))
      : meant;
    const lowered = lower(optimised, fusion(optimised, traits), variables);
    const { multiplyAdds } = optimised === meant ? lowered : workOf(meant);
    const kernels = verifyKernels({ ...lowered, multiplyAdds });
    const split = traits.atOnce ? verifyKernels(splitSums(kernels, traits.atOnce)) : kernels;
    const laidOut = traits.contiguousSums ? verifyKernels(makeContiguous(split)) : split;
    return verifyMemory(planMemory(laidOut));
  });
  return { variables: variables.all(), procedures };
}
