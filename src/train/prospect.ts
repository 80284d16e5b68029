/** Looking ahead, before a refusal, whether a run could go on with a spec that has changed. */
import type { Backend } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import { ProblemError } from "../support/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { fingerprint } from "./fingerprint.ts";
import { loadData } from "./load.ts";
import { checkModel } from "./prepare.ts";
import type { Prospect } from "./resume.ts";
import { heldAgainst } from "./saved-state.ts";
import { compileRun, planRun } from "./session.ts";

/**
 * Loads the data, and compiles what the run would compute.
 * @param backend any: what a program keeps does not depend on it
 */
export async function prospectOf(
  { saved, state }: Checkpoint,
  spec: Spec,
  backend: Backend,
): Promise<Omit<Prospect, "settable">> {
  try {
    const dataset = await loadData(spec);
    checkModel(spec, dataset.train);
    const plan = planRun(spec, dataset);
    const program = compileRun(plan, backend);
    const { misfits } = heldAgainst(program, plan, state, saved.position.step > 0);
    return { sameData: fingerprint(dataset) === saved.data, misfits };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { sameData: false, misfits: error.problems.map(({ message }) => message) };
  }
}
