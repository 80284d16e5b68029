/** The backends that work on this machine; the others are skipped, saying why. */
import { test } from "uvu";
import { backendNames, loadBackend } from "../../src/backends/index.ts";
import type { Backend } from "../../src/ir/program.ts";

/** Every backend but the interpreter, with which they are compared. */
export async function workingBackends(): Promise<readonly Backend[]> {
  const working: Backend[] = [];
  for (const name of backendNames.filter((n) => n !== "reference")) {
    const backend = await loadBackend(name);
    const probe = await backend.probe();
    if (probe.ok) {
      working.push(backend);
      continue;
    }
    console.log(`skipped: ${name}: ${probe.reason}`);
    test.skip(`${name}: ${probe.reason}`, () => {});
  }
  return working;
}
