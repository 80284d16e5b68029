/** Whether a program can go on from a state that another one left. */
import { sizeOf } from "../ir/graph.ts";
import type { Program, Values, Variable } from "../ir/program.ts";
import type { RunPlan } from "./session.ts";

/**
 * Holds a saved state against a program.
 * @param inPass whether the state of a pass over the data counts
 * @returns what the program takes of it, and what does not fit, in words
 */
export function heldAgainst(
  { variables }: Program,
  { train, validation }: RunPlan,
  state: ReadonlyMap<string, Values>,
  inPass: boolean,
): { readonly wanted: readonly Variable[]; readonly misfits: readonly string[] } {
  const firsts = new Map([...train.graphs.states, ...(validation?.graphs.states ?? [])]);
  const ofPass = (name: string) => firsts.get(name)?.each === "pass";
  const wanted = variables.filter((v) => v.kind === "state" && (!ofPass(v.name) || inPass));
  const misfits = [
    ...wanted.flatMap(({ name, shape }) => {
      const found = state.get(name)?.length;
      if (found === sizeOf(shape)) return [];
      return [`${name} has ${found ?? "no"} values, and needs ${sizeOf(shape)}`];
    }),
    ...[...state.keys()].flatMap((name) =>
      ofPass(name) || variables.some((v) => v.name === name) ? [] : [`${name} is not in the model`],
    ),
  ];
  return { wanted, misfits };
}
